"""Randomness applied to tensors: dropout and shuffling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dtypes import I32, U32
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import multiply
from graphc.ops.broadcasting import apply
from graphc.ops.comparison import where
from graphc.ops.conversion import graph_of, inexact, to_tensor
from graphc.ops.gathering import take
from graphc.ops.identities import named
from graphc.ops.sizes import as_axis
from graphc.ops.sorting import sort_together
from graphc.ops.tensor import Tensor
from graphc.random.distributions import bernoulli
from graphc.random.streams import Seed, drawn


def dropout(
    inputs: Any,
    rate: float,
    noise_shape: Sequence[Any] | None = None,
    seed: Seed = None,
    name: str | None = None,
) -> Tensor:
    """Inputs with a fraction `rate` of the elements at zero and the rest divided by 1 - rate.

    Args:
        inputs: f[…].
        rate: at least 0 and below 1.
        noise_shape: of the mask, which broadcasts with the inputs: a size of 1, or None for the
            size of the inputs; the shape of the inputs by default.
        seed: see `graphc.random.streams`.
        name: of the result.

    Raises:
        GraphcError: the rate is not in [0, 1).

    Source: Srivastava and others 2014.
    """
    if not 0 <= rate < 1:
        raise GraphcError(
            "dropout needs a rate", given=rate, expected="0 ≤ rate < 1", origin=capture_origin()
        )
    tensor = inexact(to_tensor(inputs, None, graph_of((inputs,))))
    if rate == 0:
        return named(tensor, name)
    wanted = [None] * tensor.ndim if noise_shape is None else list(noise_shape)
    shape = [own if size is None else size for size, own in zip(wanted, tensor.shape, strict=True)]
    kept = bernoulli(shape, 1.0 - rate, seed)
    return where(kept, multiply(tensor, 1.0 / (1.0 - rate)), 0.0, name=name or "dropout")


def shuffle(x: Any, axis: int = 0, seed: Seed = None, name: str | None = None) -> Tensor:
    """The parts of x along an axis, in random order.

    Args:
        x: any tensor; the size along the axis must be known while the graph is built.
        axis: along which.
        seed: see `graphc.random.streams`.
        name: of the result.

    Raises:
        ShapeError: the axis does not exist, or its size is not known.
    """
    tensor = to_tensor(x, None, graph_of((x,)))
    along = as_axis(axis, tensor.ndim, tensor)
    shape = [tensor.shape[along]]
    order = apply("iota", dtype=I32, shape=shape, iota_dimension=0)
    # Two rounds: equal words, which keep their order, are too rare then to matter.
    for _ in range(2):
        words = drawn("random_bits", shape, U32, seed, None)
        _, order = sort_together([words, order], 0)
    return take(tensor, order, along, name=name or "shuffle")

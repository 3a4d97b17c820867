"""Randomness applied to tensors: dropout and shuffling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dimensions import Dim, Dimension, at_least, equal, product
from graphc.dtypes import I32, U32
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add, negative
from graphc.ops.broadcasting import apply, apply_many
from graphc.ops.conversion import graph_of, inexact, to_tensor
from graphc.ops.creation import iota
from graphc.ops.exponential import log
from graphc.ops.gathering import take
from graphc.ops.identities import named
from graphc.ops.shaping import expand_dims, reshape
from graphc.ops.sizes import as_axis, as_shape, as_size, dimension_size
from graphc.ops.tensor import Tensor
from graphc.random.continuous import gumbel
from graphc.random.distributions import categorical, randint
from graphc.random.streams import Seed, key_of


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
        rate: 0 to 1: 0 gives the inputs, 1 gives zeros.
        noise_shape: of the mask, which broadcasts with the inputs: a size of 1, or None for the
            size of the inputs; the shape of the inputs by default.
        seed: see `graphc.random.streams`.
        name: of the result.

    Raises:
        GraphcError: the rate is not in [0, 1].
        ShapeError: the shape of the mask does not broadcast with the inputs.

    Source: Srivastava and others 2014.
    """
    if not 0 <= rate <= 1:
        raise GraphcError(
            "dropout needs a rate", given=rate, expected="0 ≤ rate ≤ 1", origin=capture_origin()
        )
    tensor = inexact(to_tensor(inputs, None, graph_of((inputs,))))
    if rate == 0:
        return named(tensor, name)
    shared = _shared_axes(tensor, noise_shape)
    return apply_many(
        "dropout",
        tensor,
        key_of(seed),
        rate=float(rate),
        shared_axes=shared,
        name=name or "dropout",
    )[0]


def _shared_axes(tensor: Tensor, noise_shape: Sequence[Any] | None) -> list[int]:
    """The axes along which one draw serves all elements."""
    if noise_shape is None:
        return []
    wanted = list(noise_shape)
    fits = len(wanted) == tensor.ndim and all(
        size is None or equal(as_size(size), own) is not False or equal(as_size(size), 1)
        for size, own in zip(wanted, tensor.shape, strict=False)
    )
    if not fits:
        raise ShapeError(
            "the shape of the noise does not broadcast with the inputs",
            given=f"noise_shape={tuple(wanted)}, {tensor.value.type}",
            expected="for each axis 1, its size, or None",
            origin=capture_origin(),
        )
    sizes = enumerate(zip(wanted, tensor.shape, strict=True))
    return [axis for axis, (size, own) in sizes if size is not None and as_size(size) == 1 != own]


def random_order(size: Dimension, seed: Seed) -> Tensor:
    """The numbers from 0 to size - 1 in random order: i32[size]."""
    shape, order = [size], iota(size, I32)
    key = key_of(seed)
    # Two rounds: equal words, which keep their order, are too rare then to matter.
    for number in range(2):
        round_key = apply("random_fold", key, np.uint32(number))
        words = apply("random_bits", round_key, shape=shape, dtype=U32)
        order = apply_many("sort", words, order, dimension=0)[1]
    return order


def shuffle(x: Any, axis: int = 0, seed: Seed = None, name: str | None = None) -> Tensor:
    """The parts of x along an axis, in random order.

    Args:
        x: any tensor.
        axis: along which; its size may be symbolic.
        seed: see `graphc.random.streams`.
        name: of the result.

    Raises:
        ShapeError: the axis does not exist.
    """
    tensor = to_tensor(x, None, graph_of((x,)))
    along = as_axis(axis, tensor.ndim, tensor)
    order = random_order(tensor.shape[along], seed)
    return take(tensor, order, along, name=name or "shuffle")


def permutation(x: Any, axis: int = 0, seed: Seed = None, name: str | None = None) -> Tensor:
    """The numbers below x in random order, or the parts of x: `jax.random.permutation`.

    Args:
        x: a size, or a tensor with axes.
        axis: along which the parts of a tensor are.
        seed: see `graphc.random.streams`.
        name: of the result.

    Returns:
        i32[x], or a tensor of the type of x.

    Raises:
        ShapeError: x is a negative size, or the axis does not exist.
    """
    if isinstance(x, (int, Dim, np.integer)):
        return named(random_order(as_shape(x)[0], seed), name)
    return shuffle(x, axis, seed, name or "permutation")


def choice(
    a: Any,
    shape: Sequence[Any] = (),
    replace: bool = True,
    p: Any = None,
    axis: int = 0,
    seed: Seed = None,
    name: str | None = None,
) -> Tensor:
    """Parts of a tensor, or numbers below a size, drawn at random: `jax.random.choice`.

    Args:
        a: a size, or a tensor with axes.
        shape: of what is drawn.
        replace: whether a part may be drawn again.
        p: f[parts]: probabilities; equal ones by default.
        axis: along which the parts of a tensor are.
        seed: see `graphc.random.streams`.
        name: of the result.

    Returns:
        The shape of `a`, with `shape` in place of the axis; i32[shape] for a size.

    Raises:
        ShapeError: more parts are drawn without replacement than there are.
    """
    is_size = isinstance(a, (int, Dim, np.integer))
    tensor = iota(as_shape(a)[0], I32) if is_size else to_tensor(a, None, graph_of((a,)))
    along = as_axis(axis, tensor.ndim, tensor)
    parts, wanted = tensor.shape[along], as_shape(shape)
    count = product(wanted)
    if not replace and at_least(parts, count) is False:
        raise ShapeError(
            "there are not enough parts to draw without replacement",
            given=f"{count} of {parts}",
            fix="replace=True, or a smaller shape",
            origin=capture_origin(),
        )
    if not replace:
        order = random_order(parts, seed) if p is None else _weighted_order(p, parts, seed)
        first = apply("slice", order, start_indices=[0], limit_indices=[count], strides=[1])
        indices = reshape(first, wanted)
    elif p is None:
        indices = randint(wanted, 0, dimension_size(tensor, along), seed=seed)
    else:
        chances = expand_dims(log(inexact(p)), 0)
        indices = reshape(categorical(chances, count, seed=seed), wanted)
    return take(tensor, indices, along, name=name or "choice")


def _weighted_order(p: Any, parts: Dimension, seed: Seed) -> Tensor:
    """Draws without replacement, all of them: logarithms with Gumbel noise, the largest first."""
    chances = log(inexact(p))
    noisy = add(chances, gumbel([parts], chances.dtype, seed))
    return apply_many("sort", negative(noisy), iota(parts, I32), dimension=0)[1]

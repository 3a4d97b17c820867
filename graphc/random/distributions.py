"""Distributions, under the names of keras.random.

`seed` names the stream: None takes the graph's next one, so two calls draw different numbers; an
integer fixes it, so two calls with one seed draw the same numbers. Either way each run draws anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dtypes import F32, I32, DType, as_dtype
from graphc.errors import DTypeError, GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add, multiply
from graphc.ops.broadcasting import apply
from graphc.ops.comparison import less, where
from graphc.ops.conversion import cast_to, floatx, graph_of, inexact, to_tensor
from graphc.ops.dataflow import get_default_graph
from graphc.ops.rounding import floor
from graphc.ops.tensor import Tensor

_SEEDED = 1 << 31  # streams of user seeds lie above, those that the graph counts below


def _key(seed: int | None) -> Tensor:
    stream = get_default_graph().next_stream() if seed is None else _SEEDED + seed % _SEEDED
    return apply("random_key", stream=stream)


def _float_type(dtype: Any) -> DType:
    target = floatx() if dtype is None else as_dtype(dtype)
    if not target.is_floating:
        raise DTypeError(
            f"there are no random numbers of type {target} here",
            expected="a float",
            fix="use random.randint for integers",
            origin=capture_origin(),
        )
    return target


def uniform(
    shape: Sequence[Any],
    minval: Any = 0.0,
    maxval: Any = 1.0,
    dtype: Any = None,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Uniform in [minval, maxval): a float tensor of the given shape, sizes may be symbolic."""
    target = _float_type(dtype)
    sizes = get_default_graph().dimensions(shape)
    drawn = apply("random_uniform", _key(seed), shape=sizes, dtype=target, name=name or "uniform")
    if isinstance(minval, (int, float)) and isinstance(maxval, (int, float)):
        if (minval, maxval) == (0, 1):
            return drawn
        return add(multiply(drawn, float(maxval) - float(minval)), float(minval))
    return add(multiply(drawn, maxval - minval), minval)


def normal(
    shape: Sequence[Any],
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = None,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Normal with the given mean and standard deviation."""
    target = _float_type(dtype)
    sizes = get_default_graph().dimensions(shape)
    drawn = apply("random_normal", _key(seed), shape=sizes, dtype=target, name=name or "normal")
    if (mean, stddev) == (0.0, 1.0):
        return drawn
    return add(multiply(drawn, stddev), mean)


def randint(
    shape: Sequence[Any],
    minval: int,
    maxval: int,
    dtype: Any = "int32",
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Whole numbers from minval to maxval - 1, of at most 24 bits of range.

    Raises:
        GraphcError: the range is empty, or so wide that some numbers would never be drawn.
    """
    if not 0 < maxval - minval <= 1 << 24:
        raise GraphcError(
            "randint needs a range that a float32 can count",
            given=f"minval={minval}, maxval={maxval}",
            expected="1 to 2**24 whole numbers",
            origin=capture_origin(),
        )
    drawn = floor(multiply(uniform(shape, dtype=F32, seed=seed), float(maxval - minval)))
    whole = add(cast_to(drawn, I32), minval)
    return cast_to(whole, as_dtype(dtype))


def bernoulli(
    shape: Sequence[Any], p: Any = 0.5, seed: int | None = None, name: str | None = None
) -> Tensor:
    """True with probability p: bool of the given shape."""
    return less(uniform(shape, seed=seed), p, name=name or "bernoulli")


def dropout(inputs: Any, rate: float, seed: int | None = None, name: str | None = None) -> Tensor:
    """Inputs with a fraction `rate` of the elements at zero and the rest divided by 1 - rate.

    Raises:
        GraphcError: the rate is not in [0, 1).
    """
    if not 0 <= rate < 1:
        raise GraphcError(
            "dropout needs a rate", given=rate, expected="0 ≤ rate < 1", origin=capture_origin()
        )
    tensor = inexact(to_tensor(inputs, None, graph_of((inputs,))))
    if rate == 0:
        return tensor
    kept = bernoulli(tensor.shape, 1.0 - rate, seed)
    return where(kept, multiply(tensor, 1.0 / (1.0 - rate)), 0.0, name=name or "dropout")

"""Medians, quantiles and percentiles, under NumPy's names. Sizes may be unknown."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np

from graphc.dimensions import product
from graphc.dtypes import F64, I32
from graphc.errors import DTypeError, GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add, divide, multiply, subtract
from graphc.ops.broadcasting import apply
from graphc.ops.comparison import clip, equal, isnan, logical_not, maximum, where
from graphc.ops.conversion import cast_to, constant_tensor, graph_of, inexact, to_tensor
from graphc.ops.filling import filled_like
from graphc.ops.gathering import known_array, take_along_axis
from graphc.ops.reductions import Axis
from graphc.ops.reductions import any as reduce_any
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.rounding import ceil, floor
from graphc.ops.rounding import round as round_half_even
from graphc.ops.shaping import broadcast_to, expand_dims, moveaxis, reshape, squeeze
from graphc.ops.sizes import as_axes, element_count
from graphc.ops.sorting import sort
from graphc.ops.tensor import Tensor

QuantileMethod = Literal["linear", "lower", "higher", "midpoint", "nearest"]

_METHODS: Final = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile(
    x: Any,
    q: Any,
    axis: Axis = None,
    method: QuantileMethod = "linear",
    keepdims: bool = False,
    name: str | None = None,
) -> Tensor:
    """What a fraction q of the elements along axes is not above; NaN where one of them is NaN.

    Args:
        x: numbers; integers are cast to the default float.
        q: from 0 to 1, a scalar or a vector; a vector gives a new first axis. One that is computed
            is taken as it is: beyond 0 and 1 it gives the extreme elements.
        axis: along which; None for all.
        method: what lies between two elements: a mixture of both, the "lower" or the "higher" one,
            their mean ("midpoint"), or the "nearest" (of two as near, the one at an even place).
        keepdims: whether to keep axes of size 1.
        name: of the result.

    Raises:
        ShapeError: an axis does not exist or has no elements.
        DTypeError: x is complex.
        GraphcError: there is no such method, or a q is known not to be between 0 and 1.
    """
    return _quantile(x, q, axis, method, keepdims, False, name or "quantile")


def nanquantile(
    x: Any,
    q: Any,
    axis: Axis = None,
    method: QuantileMethod = "linear",
    keepdims: bool = False,
    name: str | None = None,
) -> Tensor:
    """`quantile` of the elements that are not NaN; NaN where there is nothing else."""
    return _quantile(x, q, axis, method, keepdims, True, name or "nanquantile")


def percentile(
    x: Any,
    q: Any,
    axis: Axis = None,
    method: QuantileMethod = "linear",
    keepdims: bool = False,
    name: str | None = None,
) -> Tensor:
    """`quantile` of q percent, from 0 to 100."""
    return quantile(x, _hundredth(q), axis, method, keepdims, name or "percentile")


def nanpercentile(
    x: Any,
    q: Any,
    axis: Axis = None,
    method: QuantileMethod = "linear",
    keepdims: bool = False,
    name: str | None = None,
) -> Tensor:
    """`nanquantile` of q percent, from 0 to 100."""
    return nanquantile(x, _hundredth(q), axis, method, keepdims, name or "nanpercentile")


def median(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The middle element along axes, or the mean of the two middle ones; NaN where one is NaN."""
    return quantile(x, 0.5, axis, "linear", keepdims, name or "median")


def nanmedian(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The `median` of the elements that are not NaN; NaN where there is nothing else."""
    return nanquantile(x, 0.5, axis, "linear", keepdims, name or "nanmedian")


def _hundredth(q: Any) -> Any:
    return divide(q, 100.0) if isinstance(q, Tensor) else np.asarray(q, np.float64) / 100


def _fractions(q: Any, tensor: Tensor) -> Tensor:
    """Which fractions are asked for: those that are known as float64, to be exact.

    Raises:
        GraphcError: they are no scalar or vector of numbers from 0 to 1.
    """
    graph = graph_of((q, tensor))
    given = (
        to_tensor(q, F64, graph) if isinstance(q, Tensor) else to_tensor(np.asarray(q), None, graph)
    )
    known = known_array(given)
    wrong = known is not None and not ((known >= 0) & (known <= 1)).all()
    if given.ndim > 1 or given.dtype.is_complex or wrong:
        raise GraphcError(
            "q is a number from 0 to 1, or a vector of them",
            given=repr(q),
            origin=capture_origin(),
        )
    if known is not None:
        return constant_tensor(graph, known.astype(np.float64), F64)
    return inexact(given)


def _quantile(
    x: Any, q: Any, axis: Axis, method: str, keepdims: bool, skips_nan: bool, name: str
) -> Tensor:
    if method not in _METHODS:
        raise GraphcError(
            f"there is no method {method!r}",
            expected=", ".join(map(repr, _METHODS)),
            origin=capture_origin(),
        )
    tensor = inexact(x)
    if tensor.dtype.is_complex:
        raise DTypeError(
            "complex numbers have no quantiles", given=tensor.value.type, origin=capture_origin()
        )
    fractions = _fractions(q, tensor)
    axes = as_axes(axis, tensor)
    kept = [each for each in range(tensor.ndim) if each not in axes]
    count = product(tuple(tensor.shape[each] for each in axes))
    if count == 0:
        raise ShapeError(
            "there is no quantile of no elements",
            given=tensor.value.type,
            origin=capture_origin(),
        )
    moved = moveaxis(tensor, axes, range(len(kept), tensor.ndim))
    rows = reshape(moved, (*[tensor.shape[each] for each in kept], count))
    is_nan = isnan(rows)
    ordered = sort(where(is_nan, float("nan"), rows), -1)
    if skips_nan:
        counts = reduce_sum(cast_to(logical_not(is_nan), fractions.dtype), -1, keepdims=True)
    else:
        counts = element_count(tensor, axes, fractions.dtype)
    found = _at(ordered, counts, fractions, method)
    if not skips_nan:
        found = where(reduce_any(is_nan, -1, keepdims=True), float("nan"), found)
    # […kept, fractions] to [fractions, …kept], without the axis of a scalar.
    found = moveaxis(found, -1, 0) if fractions.ndim else squeeze(found, -1)
    if keepdims:
        found = expand_dims(found, [each + fractions.ndim for each in sorted(axes)])
    return apply("reshape", found, shape=found.shape, name=name)


def _at(ordered: Tensor, counts: Tensor, fractions: Tensor, method: str) -> Tensor:
    """What lies at fractions of the way to the last element that counts: […, fractions].

    Args:
        ordered: […, n], increasing.
        counts: how many elements count: a scalar, or […, 1].
        fractions: a scalar or a vector.
        method: see `quantile`.
    """
    low, high, share = _places(counts, fractions, method)
    shape = (*ordered.shape[:-1], low.shape[-1])

    def element(position: Tensor) -> Tensor:
        return take_along_axis(ordered, broadcast_to(position, shape), -1)

    below = element(low)
    if low is high:
        return below
    share = cast_to(share, ordered.dtype)
    # A weight of zero must not meet infinity.
    above = where(equal(share, 0), 0, element(high))
    return add(multiply(below, subtract(1, share)), multiply(above, share))


def _places(counts: Tensor, fractions: Tensor, method: str) -> tuple[Tensor, Tensor, Tensor]:
    """The positions of two neighbours, and the weight of the second."""
    graph = graph_of((counts, fractions))
    line = reshape(fractions, (-1,)) if fractions.ndim == 0 else fractions
    known = known_array(counts), known_array(fractions)
    if known[0] is not None and known[1] is not None:
        # Exact, and no arithmetic is left for the program.
        exact = np.ravel(known[1] * (known[0] - 1))
        numbers = [np.floor(exact), np.ceil(exact), np.rint(exact)]
        lower, upper, nearest = (constant_tensor(graph, each.astype(np.int32)) for each in numbers)
        share = constant_tensor(graph, exact - numbers[0], F64)
    else:
        last = maximum(subtract(counts, 1), 0)
        exact = clip(multiply(line, last), 0, last)
        lower, upper, nearest = (
            cast_to(each, I32) for each in (floor(exact), ceil(exact), round_half_even(exact))
        )
        share = subtract(exact, floor(exact))
    if method == "nearest":
        return nearest, nearest, share
    if method == "lower":
        return lower, lower, share
    if method == "higher":
        return upper, upper, share
    return lower, upper, filled_like(share, 0.5) if method == "midpoint" else share

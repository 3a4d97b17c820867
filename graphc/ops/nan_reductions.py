"""Reductions and sums so far that leave NaN out, under NumPy's names; integers hold none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.dtypes import I32
from graphc.ops.arithmetic import absolute, divide, square, subtract
from graphc.ops.comparison import equal, isnan, logical_not, where
from graphc.ops.conversion import cast_to, graph_of, inexact, to_tensor
from graphc.ops.cumulative import cumprod, cumsum
from graphc.ops.exponential import sqrt
from graphc.ops.reductions import Axis, argmax, argmin, max, min, prod, sum
from graphc.ops.reductions import all as reduce_all
from graphc.ops.tensor import Tensor


def _with(x: Any, number: float) -> Tensor:
    """The tensor with a number in place of NaN."""
    tensor = to_tensor(x, None, graph_of((x,)))
    return where(isnan(tensor), number, tensor) if tensor.dtype.is_inexact else tensor


def nansum(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The sum along axes; 0 where there is only NaN."""
    return sum(_with(x, 0), axis, keepdims, name or "nansum")


def nanprod(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The product along axes; 1 where there is only NaN."""
    return prod(_with(x, 1), axis, keepdims, name=name or "nanprod")


def nanmax(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The maximum along axes; NaN where there is nothing else."""
    found = max(_with(x, float("-inf")), axis, keepdims)
    return _or_nan(x, found, axis, keepdims, name or "nanmax")


def nanmin(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The minimum along axes; NaN where there is nothing else."""
    found = min(_with(x, float("inf")), axis, keepdims)
    return _or_nan(x, found, axis, keepdims, name or "nanmin")


def _or_nan(x: Any, found: Tensor, axis: Axis, keepdims: bool, name: str) -> Tensor:
    tensor = to_tensor(x, None, graph_of((x,)))
    if not tensor.dtype.is_inexact:
        return found
    return where(reduce_all(isnan(tensor), axis, keepdims), float("nan"), found, name=name)


def _count(tensor: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    """How many elements are not NaN, in the type of the tensor."""
    counted = sum(cast_to(logical_not(isnan(tensor)), I32), axis, keepdims)
    return cast_to(counted, tensor.dtype)


def nanmean(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The mean along axes; NaN where there is nothing else."""
    tensor = inexact(x)
    total = sum(_with(tensor, 0), axis, keepdims)
    return divide(total, _count(tensor, axis, keepdims), name or "nanmean")


def nanvar(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The variance along axes; NaN where there is nothing else."""
    tensor = inexact(x)
    distances = absolute(subtract(tensor, nanmean(tensor, axis, keepdims=True)))
    # Only what was NaN is left out: the distance of an infinity from the mean is NaN and counts.
    total = sum(where(isnan(tensor), 0, square(distances)), axis, keepdims)
    count = cast_to(_count(tensor, axis, keepdims), total.dtype)
    return divide(total, count, name or "nanvar")


def nanstd(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The standard deviation along axes; NaN where there is nothing else."""
    return sqrt(nanvar(x, axis, keepdims), name or "nanstd")


# -- positions, and sums so far --------------------------------------------------------------------


def nanargmax(
    x: Any, axis: int | None = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The first position of the maximum that is not NaN, i32; -1 where there is only NaN.

    Args:
        x: numbers with an order.
        axis: along which; None for all elements in row-major order.
        keepdims: whether to keep an axis of size 1.
        name: of the result.

    Raises:
        ShapeError: the axis does not exist, or has no elements.
    """
    return _position(argmax, nanmax, x, axis, keepdims, name or "nanargmax")


def nanargmin(
    x: Any, axis: int | None = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The first position of the minimum that is not NaN, i32; see `nanargmax`."""
    return _position(argmin, nanmin, x, axis, keepdims, name or "nanargmin")


def _position(
    find: Callable[..., Tensor],
    extremum: Callable[..., Tensor],
    x: Any,
    axis: int | None,
    keepdims: bool,
    name: str,
) -> Tensor:
    tensor = to_tensor(x, None, graph_of((x,)))
    if not tensor.dtype.is_inexact:
        return find(tensor, axis, keepdims, name)
    # An infinity in place of NaN would hide a true one further on.
    wanted = cast_to(equal(tensor, extremum(tensor, axis, keepdims=True)), I32)
    found = argmax(wanted, axis, keepdims)
    return where(reduce_all(isnan(tensor), axis, keepdims), -1, found, name=name)


def nancumsum(
    x: Any, axis: int | None = None, dtype: Any = None, name: str | None = None
) -> Tensor:
    """The sums of all elements up to each, with 0 in place of NaN; see `cumsum`."""
    return cumsum(_with(x, 0), axis, dtype, name=name or "nancumsum")


def nancumprod(
    x: Any, axis: int | None = None, dtype: Any = None, name: str | None = None
) -> Tensor:
    """The products of all elements up to each, with 1 in place of NaN; see `cumsum`."""
    return cumprod(_with(x, 1), axis, dtype, name=name or "nancumprod")

"""Sums, products and extrema of all elements up to each, and differences of neighbours."""

from __future__ import annotations

from typing import Any

from graphc.dtypes import BOOL, I32, as_dtype
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add, multiply, subtract
from graphc.ops.broadcasting import apply
from graphc.ops.comparison import not_equal
from graphc.ops.conversion import cast_to, graph_of, inexact, to_tensor
from graphc.ops.identities import named
from graphc.ops.joining import slice_axis
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import ravel
from graphc.ops.sizes import as_axis
from graphc.ops.tensor import Tensor


def _accumulated(
    what: str, x: Any, axis: int | None, dtype: Any, reverse: bool, name: str | None
) -> Tensor:
    tensor = to_tensor(x, None, graph_of((x,)))
    if dtype is not None:
        tensor = cast_to(tensor, as_dtype(dtype))
    elif tensor.dtype is BOOL:
        tensor = cast_to(tensor, I32)
    if axis is None:
        tensor, axis = ravel(tensor), 0
    along = as_axis(axis, tensor.ndim, tensor)
    return apply(f"cumulative_{what}", tensor, axis=along, reverse=reverse, name=name)


def cumsum(
    x: Any,
    axis: int | None = None,
    dtype: Any = None,
    reverse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The sums of all elements up to each, itself included.

    Args:
        x: numbers; truth values count as int32.
        axis: along which; None for all elements in row-major order.
        dtype: to sum in; that of x by default.
        reverse: whether to sum from the end.
        name: of the result.

    Returns:
        The shape of x (a vector for axis None).

    Raises:
        ShapeError: the axis does not exist.
    """
    return _accumulated("sum", x, axis, dtype, reverse, name or "cumsum")


def cumprod(
    x: Any,
    axis: int | None = None,
    dtype: Any = None,
    reverse: bool = False,
    name: str | None = None,
) -> Tensor:
    """The products of all elements up to each, itself included; see `cumsum`."""
    return _accumulated("product", x, axis, dtype, reverse, name or "cumprod")


def cummax(
    x: Any, axis: int | None = None, reverse: bool = False, name: str | None = None
) -> Tensor:
    """The maxima of all elements up to each; see `cumsum`."""
    return _accumulated("max", x, axis, None, reverse, name or "cummax")


def cummin(
    x: Any, axis: int | None = None, reverse: bool = False, name: str | None = None
) -> Tensor:
    """The minima of all elements up to each; see `cumsum`."""
    return _accumulated("min", x, axis, None, reverse, name or "cummin")


def diff(a: Any, n: int = 1, axis: int = -1, name: str | None = None) -> Tensor:
    """The differences of neighbours along an axis, n times; of truth values, whether they differ.

    Returns:
        A tensor that is shorter by n along the axis.

    Raises:
        ShapeError: the axis does not exist, is shorter than n, or n is negative.
    """
    tensor = to_tensor(a, None, graph_of((a,)))
    along = as_axis(axis, tensor.ndim, tensor)
    size = tensor.shape[along]
    if n < 0 or (isinstance(size, int) and n > size):
        raise ShapeError(
            f"cannot take differences {n} times",
            given=tensor.value.type,
            expected="a number from 0 to the size of the axis",
            origin=capture_origin(),
        )
    if n == 0:
        return named(tensor, name)
    for number in range(n):
        size = tensor.shape[along]
        if size == 0:
            return tensor
        later = slice_axis(tensor, along, 1, size)
        earlier = slice_axis(tensor, along, 0, size - 1)
        label = (name or "diff") if number == n - 1 else None
        combine = not_equal if tensor.dtype is BOOL else subtract
        tensor = combine(later, earlier, label)
    return tensor


def trapezoid(
    y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, name: str | None = None
) -> Tensor:
    """The integral along an axis by the trapezoidal rule.

    Args:
        y: values of the function.
        x: where, along the axis (a vector) or for every value; evenly spaced by `dx` for None.
        dx: the distance of two neighbours.
        axis: along which.
        name: of the result.

    Raises:
        ShapeError: the axis does not exist, or x does not broadcast with y.
    """
    tensor = inexact(y)
    along = as_axis(axis, tensor.ndim, tensor)
    size = tensor.shape[along]
    heights = add(slice_axis(tensor, along, 1, size), slice_axis(tensor, along, 0, size - 1))
    if x is not None:
        places = to_tensor(x, None, graph_of((x, tensor)))
        if places.ndim == 1:
            dx = diff(places)
            shape = [1] * tensor.ndim
            dx = apply("reshape", dx, shape=[*shape[:along], dx.shape[0], *shape[along + 1 :]])
        else:
            dx = diff(places, axis=along)
    half = dx / 2 if isinstance(dx, (int, float)) else multiply(dx, 0.5)
    return reduce_sum(multiply(heights, half), along, name=name or "trapezoid")

"""Tensors made of nothing: filled, counted, evenly spaced.

Sizes may be integers, symbolic dimensions or computations on sizes, see `graphc.ops.sizes`; the
element type is the default float unless the function says otherwise.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from graphc.dimensions import Dim, Dimension
from graphc.dtypes import BOOL, I32, DType, as_dtype, promote
from graphc.errors import DTypeError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add, multiply, subtract
from graphc.ops.broadcasting import apply, broadcast_shapes, broadcast_to
from graphc.ops.conversion import (
    cast_to,
    constant_tensor,
    default_dtype,
    floatx,
    graph_of,
    inexact,
    to_tensor,
)
from graphc.ops.dataflow import get_default_graph
from graphc.ops.filling import filled
from graphc.ops.shaping import expand_dims, moveaxis
from graphc.ops.sizes import as_shape, as_size
from graphc.ops.tensor import Tensor


def _type(dtype: Any) -> DType:
    return floatx() if dtype is None else as_dtype(dtype)


# -- filled ----------------------------------------------------------------------------------------


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """0 at every position of a shape."""
    return filled(get_default_graph(), 0, _type(dtype), as_shape(shape), name or "zeros")


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """1 at every position of a shape."""
    return filled(get_default_graph(), 1, _type(dtype), as_shape(shape), name or "ones")


def empty(shape: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """A tensor whose elements do not matter; they are 0."""
    return zeros(shape, dtype, name or "empty")


def full(shape: Any, fill_value: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """`fill_value` at every position of a shape.

    Args:
        shape: of the result.
        fill_value: a number, or a tensor that broadcasts to the shape.
        dtype: of the result; the default float for a number, that of a tensor or array.
        name: of the result.

    Raises:
        DTypeError: the number does not fit `dtype`.
        ShapeError: a tensor does not broadcast to the shape.
    """
    sizes = as_shape(shape)
    graph = graph_of((fill_value,))
    if default_dtype(fill_value) is not None and np.ndim(fill_value) == 0:
        wanted = _type(dtype) if dtype is not None else default_or_complex(fill_value)
        return filled(graph, fill_value, wanted, sizes, name or "full")
    tensor = to_tensor(fill_value, None, graph)
    if dtype is not None:
        tensor = cast_to(tensor, as_dtype(dtype))
    if broadcast_shapes(tensor.shape, sizes) != sizes:
        raise ShapeError(
            "the fill value does not broadcast to the shape",
            given=f"{tensor.value.type} to {sizes}",
            origin=capture_origin(),
        )
    return broadcast_to(tensor, sizes, name or "full")


def default_or_complex(number: Any) -> DType:
    """The default float, or the complex type beside it for a complex number."""
    own = default_dtype(number)
    return own if own is not None and own.is_complex else floatx()


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """0 at every position of the shape of x, of its element type by default."""
    return full_like(x, 0, dtype, name or "zeros_like")


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """1 at every position of the shape of x, of its element type by default."""
    return full_like(x, 1, dtype, name or "ones_like")


def empty_like(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """A tensor like x whose elements do not matter; they are 0."""
    return full_like(x, 0, dtype, name or "empty_like")


def full_like(x: Any, fill_value: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """`fill_value` at every position of the shape of x, of its element type by default."""
    graph = graph_of((x, fill_value))
    tensor = to_tensor(x, None, graph)
    wanted = tensor.dtype if dtype is None else as_dtype(dtype)
    return full(tensor.shape, fill_value, wanted, name or "full_like")


# -- counted ---------------------------------------------------------------------------------------


def iota(size: Dimension, dtype: DType, name: str | None = None) -> Tensor:
    """0, 1, 2, … as a vector."""
    return apply("iota", dtype=dtype, shape=(size,), iota_dimension=0, name=name)


def arange(
    start: Any, stop: Any = None, step: Any = None, dtype: Any = None, name: str | None = None
) -> Tensor:
    """start, start + step, … before stop, as a vector.

    Args:
        start: the first number; 0 where only one argument is given, which is `stop`.
        stop: not reached. Sizes (`x.shape[0]`, `ops.shape(x)[0]`) may be known only when fed.
        step: 1 by default.
        dtype: by default what the numbers are: int32, int64 or the default float.
        name: of the result.

    Raises:
        ShapeError: the number of elements is not known while the graph is built.
        DTypeError: truth values cannot be counted.
    """
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    first, last, increment = (_number(bound) for bound in (start, stop, step))
    wanted = as_dtype(dtype) if dtype is not None else _counted_type(start, stop, step)
    if wanted is BOOL or wanted.is_host:
        raise DTypeError(f"cannot count in {wanted}", origin=capture_origin())
    if increment == 0:
        raise ShapeError("the step of arange() is 0", origin=capture_origin())
    if any(isinstance(bound, Dim) for bound in (first, last, increment)):
        count = (last - first + increment - 1) // increment
    else:
        count = max(0, math.ceil((last - first) / increment))
    is_plain = isinstance(first, (int, float)) and first == 0 and increment == 1
    label = name or "arange"
    counted = iota(count, wanted, label if is_plain else None)
    if is_plain:
        return counted
    scaled = counted if increment == 1 else multiply(counted, _of_type(increment, wanted))
    if isinstance(first, Dim):
        return add(scaled, cast_to(to_tensor(start), wanted), name=label)
    return add(scaled, _of_type(first, wanted), name=label)


def _of_type(number: Any, dtype: DType) -> Tensor:
    return constant_tensor(get_default_graph(), np.asarray(number).astype(dtype.numpy), dtype)


def _number(bound: Any) -> Any:
    """A Python number, or a size."""
    if isinstance(bound, (bool, np.bool_)):
        return int(bound)
    if isinstance(bound, (float, np.floating)):
        return float(bound)
    return as_size(bound, "a bound of arange()")


def _counted_type(*bounds: Any) -> DType:
    found: DType | None = None
    for bound in bounds:
        own = I32 if isinstance(bound, Dim) else default_dtype(bound) or as_dtype(bound.dtype)
        own = I32 if own is BOOL else own
        found = own if found is None else promote(found, own, floatx())
    assert found is not None
    return found


# -- evenly spaced ---------------------------------------------------------------------------------


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    name: str | None = None,
) -> Any:
    """`num` numbers from start to stop, evenly spaced.

    Args:
        start: a number or a tensor.
        stop: likewise; broadcast with start.
        num: how many.
        endpoint: whether stop is the last one.
        retstep: whether to give the distance between two as well.
        dtype: of the result; the default float, or that of tensors.
        axis: of the result, along which the numbers are.
        name: of the result.

    Returns:
        A tensor with one more axis than start and stop; with `retstep` a pair.

    Raises:
        ShapeError: `num` is negative.
    """
    try:
        count = operator.index(num)
    except TypeError:
        count = -1
    if count < 0:
        raise ShapeError("num is a whole number of at least 0", given=num, origin=capture_origin())
    parts = max(count - 1 if endpoint else count, 1)
    label = name or "linspace"
    if default_dtype(start) is not None and default_dtype(stop) is not None and axis == 0:
        wanted = _type(dtype)
        numbers = np.linspace(start, stop, count, endpoint)
        if wanted.is_integer:
            numbers = np.floor(numbers)
        made = constant_tensor(graph_of(()), numbers.astype(wanted.numpy), wanted, label)
        distance = np.true_divide(np.subtract(stop, start), parts)
        return (made, constant_tensor(graph_of(()), distance, _type(None))) if retstep else made
    first, last = inexact(start), inexact(stop)
    width = subtract(last, first)
    fractions = multiply(iota(count, width.dtype), 1.0 / parts)
    columns = expand_dims(fractions, tuple(range(1, 1 + width.ndim))) if width.ndim else fractions
    # A weighted mean gives both ends exactly, a sum of steps would not.
    spread = add(multiply(first, subtract(1.0, columns)), multiply(last, columns))
    spread = moveaxis(spread, 0, axis) if axis != 0 else spread
    wanted = spread.dtype if dtype is None else as_dtype(dtype)
    made = (
        apply("convert", spread, dtype=wanted, name=label)
        if wanted is not spread.dtype
        else (spread)
    )
    return (made, multiply(width, 1.0 / parts)) if retstep else made


def logspace(
    start: float,
    stop: float,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: Any = None,
    axis: int = 0,
    name: str | None = None,
) -> Tensor:
    """Base to powers evenly spaced from start to stop: numbers known while the graph is built."""
    wanted = _type(dtype)
    numbers = np.logspace(start, stop, num, endpoint, base, axis=axis).astype(wanted.numpy)
    return constant_tensor(get_default_graph(), numbers, wanted, name or "logspace")


def geomspace(
    start: float,
    stop: float,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
    name: str | None = None,
) -> Tensor:
    """Numbers, each the same multiple of the one before: a constant."""
    wanted = _type(dtype)
    numbers = np.geomspace(start, stop, num, endpoint, axis=axis).astype(wanted.numpy)
    return constant_tensor(get_default_graph(), numbers, wanted, name or "geomspace")

"""What normalisations share: means and variances along axes, and the way back through them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from graphc.dimensions import Dimension
from graphc.dtypes import F32, DType
from graphc.errors import AttributeValueError, ShapeError
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Cost, OpCall

Array = np.ndarray[Any, Any]
Values = Sequence[Value]
Cotangents = Sequence[Value | None]
Axes = Sequence[int]


def computed_in(dtype: DType) -> DType:
    """Squares of 16-bit floats overflow and lose too much: they are summed as float32."""
    return dtype if dtype.itemsize >= F32.itemsize else F32


def as_type(build: Builder, value: Value, dtype: DType) -> Value:
    """A value cast to an element type: itself where it has it."""
    return value if value.type.dtype is dtype else build.convert(value, dtype=dtype)


def widened(build: Builder, value: Value) -> Value:
    """A value in the element type in which it is computed with."""
    return as_type(build, value, computed_in(value.type.dtype))


def others(value: Value, axes: Axes) -> list[int]:
    """The axes of a value that are not among some."""
    return [axis for axis in range(value.type.rank) if axis not in axes]


def along(build: Builder, vector: Value, axis: int, like: Value) -> Value:
    """A vector of features as wide as `like`, repeated to its shape."""
    wide = as_type(build, vector, like.type.dtype)
    return build.broadcast_in_dim(wide, shape=like.type.shape, broadcast_dimensions=(axis,))


def repeat(build: Builder, reduced: Value, axes: Axes, like: Value) -> Value:
    """What is left of `like` without some axes, repeated along them."""
    kept = others(like, axes)
    return build.broadcast_in_dim(reduced, shape=like.type.shape, broadcast_dimensions=kept)


def count_like(build: Builder, x: Value, axes: Axes, total: Value) -> Value:
    """The number of elements along some axes of x, at every position of `total`."""
    known = 1
    count: Value | None = None
    for axis in axes:
        if isinstance(size := x.type.shape[axis], int):
            known *= size
            continue
        number = build.convert(build.dimension_size(x, axis=axis), dtype=total.type.dtype)
        count = number if count is None else build.multiply(count, number)
    if count is None:
        return build.full_like(total, known)
    if known != 1:
        count = build.multiply(count, build.full_like(count, known))
    return build.broadcast_in_dim(count, shape=total.type.shape, broadcast_dimensions=())


def mean(build: Builder, x: Value, axes: Axes) -> Value:
    """The mean along axes, which are removed."""
    total = build.reduce_sum(x, axes=tuple(axes))
    return build.divide(total, count_like(build, x, axes, total))


def inverse_root(build: Builder, variance: Value, epsilon: float) -> Value:
    """One over the root of the variance, plus epsilon."""
    return build.rsqrt(build.add(variance, build.full_like(variance, epsilon)))


class Normal(NamedTuple):
    """Numbers of mean square 1, and what they were multiplied with, repeated to their shape."""

    numbers: Value
    inverse: Value


def normalised(build: Builder, x: Value, axes: Axes, epsilon: float, *, is_centred: bool) -> Normal:
    """X, less its mean along axes if centred, divided by the root of its mean square."""
    if is_centred:
        x = build.subtract(x, repeat(build, mean(build, x, axes), axes, x))
    square = mean(build, build.multiply(x, x), axes)
    inverse = repeat(build, inverse_root(build, square, epsilon), axes, x)
    return Normal(build.multiply(x, inverse), inverse)


def through_normalised(
    build: Builder, normal: Normal, ct: Value, axes: Axes, *, is_centred: bool
) -> Value:
    """The cotangent of x, from that of `normalised`.

    What changes the mean or the size of all numbers together is taken out, since that does not
    change the result.
    """
    numbers = normal.numbers
    share = mean(build, build.multiply(ct, numbers), axes)
    left = build.subtract(ct, build.multiply(numbers, repeat(build, share, axes, ct)))
    if is_centred:
        left = build.subtract(left, repeat(build, mean(build, ct, axes), axes, ct))
    return build.multiply(left, normal.inverse)


def require_epsilon(call: OpCall) -> None:
    """Check the attribute epsilon.

    Raises:
        AttributeValueError: it is negative, or no number.
    """
    epsilon: float = call.attributes["epsilon"]
    if not epsilon >= 0:
        raise call.error(AttributeValueError, f"epsilon is {epsilon}", "a number of at least 0")


def require_vectors(call: OpCall, size: Dimension, names: Sequence[str]) -> None:
    """Check that the operands behind the first are vectors with one number per feature.

    Raises:
        ShapeError: one is not.
    """
    for name, type_ in zip(names, call.types[1:], strict=False):
        if type_.rank != 1:
            raise call.error(ShapeError, f"{name} has {type_.rank} axes", "1, as long as the axis")
        call.require_equal(size, type_.shape[0], f"the sizes of the axis and of {name}")


def passes_cost(call: OpCall, operations: int) -> Cost:
    """Some operations per element of the first operand; all else is read and written once."""
    moved: Dimension = 0
    for type_ in (*call.types, *call.results):
        moved = moved + type_.byte_size
    return Cost(call.types[0].size * operations, moved)


# --- the same in NumPy ----------------------------------------------------------------------------


def vector_shape(x: Array, axis: int) -> list[int]:
    """The shape in which a vector of features broadcasts with x."""
    return [size if each == axis else 1 for each, size in enumerate(x.shape)]


def reference_normalised(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    """(x - mean) / sqrt(variance + epsilon) in float64."""
    average, variance = (f(x, axis=axes, keepdims=True) for f in (np.mean, np.var))
    return (x - average) / np.sqrt(variance + epsilon)

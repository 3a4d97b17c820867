"""Reducing along one axis, and repeating along it what is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dimensions import Dimension
from graphc.dtypes import F32
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Cost, OpCall
from graphc.ir.types import TensorType

Array = np.ndarray[Any, Any]
Values = Sequence[Value]
Cotangents = Sequence[Value | None]


def without_axis(type_: TensorType, axis: int) -> TensorType:
    """The type of what is left when an axis is reduced."""
    return type_.with_shape((*type_.shape[:axis], *type_.shape[axis + 1 :]))


def repeat(build: Builder, value: Value, like: Value, axis: int) -> Value:
    """A value that lacks one axis of `like`, repeated along it."""
    kept = [i for i in range(like.type.rank) if i != axis]
    return build.broadcast_in_dim(value, shape=like.type.shape, broadcast_dimensions=kept)


def sum_along(build: Builder, value: Value, axis: int) -> Value:
    """The sum along one axis; of 16-bit floats taken as float32, as JAX takes it."""
    dtype = value.type.dtype
    if not dtype.is_floating or dtype.itemsize >= F32.itemsize:
        return build.reduce_sum(value, axes=(axis,))
    total = build.reduce_sum(build.convert(value, dtype=F32), axes=(axis,))
    return build.convert(total, dtype=dtype)


def below_maximum(build: Builder, x: Value, axis: int) -> Value:
    """X less its maximum along an axis: at most 0, so its exponential does not overflow.

    Softmax and its relatives do not change when a constant is subtracted, so the derivative through
    the maximum is zero and is stopped.
    """
    greatest = build.stop_gradient(build.reduce_max(x, axes=(axis,)))
    return build.subtract(x, repeat(build, greatest, x, axis))


def passes_cost(call: OpCall, passes: int) -> Cost:
    """The cost of some operations per element of the first operand, with all else in registers."""
    moved: Dimension = 0
    for type_ in (*call.types, *call.results):
        moved = moved + type_.byte_size
    return Cost(call.types[0].size * passes, moved)

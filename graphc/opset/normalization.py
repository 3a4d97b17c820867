"""Normalisation of rows to mean 0 and variance 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dimensions import Dimension
from graphc.dtypes import F32, DType
from graphc.errors import AttributeValueError, ShapeError
from graphc.ir.attributes import FLOAT, INTEGER, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, Cost, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.samples import draw
from graphc.opset.type_rules import FLOATING, require_axes, require_dtype, require_same_dtype

Array = np.ndarray[Any, Any]

# --- layer_normalization --------------------------------------------------------------------------


def _type(call: OpCall) -> TensorType:
    require_dtype(call, 0, FLOATING)
    require_same_dtype(call)
    axis: int = call.attributes["axis"]
    x, epsilon = call.types[0], call.attributes["epsilon"]
    require_axes(call, [axis], x.rank, "axis")
    if not epsilon >= 0:
        raise call.error(AttributeValueError, f"epsilon is {epsilon}", "a number of at least 0")
    for name, type_ in zip(("scale", "offset"), call.types[1:], strict=True):
        if type_.rank != 1:
            raise call.error(ShapeError, f"{name} has {type_.rank} axes", "1, as long as the axis")
        call.require_equal(x.shape[axis], type_.shape[0], f"the sizes of the axis and of {name}")
    return x


def _computed_in(dtype: DType) -> DType:
    """Squares of 16-bit floats overflow and lose too much: they are summed as float32."""
    return dtype if dtype.itemsize >= F32.itemsize else F32


def _decomposition(build: Builder, call: OpCall, x: Value, scale: Value, offset: Value) -> Value:
    axis: int = call.attributes["axis"]
    epsilon: float = call.attributes["epsilon"]
    dtype, shape = _computed_in(x.type.dtype), x.type.shape
    rows = [i for i in range(x.type.rank) if i != axis]

    def convert(value: Value, to: DType) -> Value:
        return value if value.type.dtype is to else build.convert(value, dtype=to)

    def repeat(value: Value, axes: list[int]) -> Value:
        return build.broadcast_in_dim(value, shape=shape, broadcast_dimensions=axes)

    def mean(value: Value) -> Value:
        total = build.reduce_sum(value, axes=(axis,))
        if isinstance(size := shape[axis], int):
            count = build.full_like(total, size)
        else:
            number = build.convert(build.dimension_size(x, axis=axis), dtype=dtype)
            count = build.broadcast_in_dim(number, shape=total.type.shape, broadcast_dimensions=())
        return build.divide(total, count)

    wide = convert(x, dtype)
    centred = build.subtract(wide, repeat(mean(wide), rows))
    variance = mean(build.multiply(centred, centred))
    inverse = build.rsqrt(build.add(variance, build.full_like(variance, epsilon)))
    normal = build.multiply(centred, repeat(inverse, rows))
    scaled = build.multiply(normal, repeat(convert(scale, dtype), [axis]))
    shifted = build.add(scaled, repeat(convert(offset, dtype), [axis]))
    return convert(shifted, x.type.dtype)


def _reference(call: OpCall, x: Array, scale: Array, offset: Array) -> Array:
    axis, epsilon = call.attributes["axis"], call.attributes["epsilon"]
    wide = np.moveaxis(np.asarray(x, np.float64), axis, -1)
    mean, variance = (f(wide, axis=-1, keepdims=True) for f in (np.mean, np.var))
    normal = (wide - mean) / np.sqrt(variance + epsilon)
    return np.moveaxis(normal * scale + offset, -1, axis).astype(x.dtype)


def _cost(call: OpCall) -> Cost:
    moved: Dimension = call.result.byte_size
    for type_ in call.types:
        moved = moved + type_.byte_size
    return Cost(call.types[0].size * 8, moved)


def _samples() -> list[Sample]:
    def sample(*shape: int, axis: int, far: float = 0, epsilon: float = 1e-3) -> Sample:
        size = shape[axis]
        operands = (draw(*shape) + np.float32(far), draw(size, salt=1), draw(size, salt=2))
        return Sample(operands, {"axis": axis, "epsilon": epsilon}, rtol=1e-4)

    return [
        sample(2, 3, axis=1),
        sample(2, 3, 4, axis=1),
        sample(4, axis=0, epsilon=1e-6),
        sample(2, 5, axis=1, far=100),
    ]


LAYER_NORMALIZATION = REGISTRY.register(
    OpSpec(
        name="layer_normalization",
        doc="(x - mean) / sqrt(variance + epsilon) along one axis, times scale, plus offset.",
        arity=3,
        attributes=Schema(axis=INTEGER, epsilon=FLOAT),
        infer=_type,
        lower=ByDecomposition(),
        gradient=ByDecomposition(),
        reference=_reference,
        cost=_cost,
        samples=_samples,
        traits=Trait.COMPOSITE,
        decomposition=_decomposition,
    )
)

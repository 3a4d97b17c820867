"""Normalisation of groups of channels, each over all positions of one example."""

from __future__ import annotations

import math

import numpy as np

from graphc.dimensions import Dimension
from graphc.errors import ShapeError
from graphc.ir.attributes import FLOAT, INTEGER, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.normalization.statistics import (
    Array,
    Cotangents,
    Normal,
    Values,
    along,
    as_type,
    normalised,
    others,
    passes_cost,
    reference_normalised,
    require_epsilon,
    require_vectors,
    through_normalised,
    vector_shape,
    widened,
)
from graphc.opset.samples import draw
from graphc.opset.type_rules import FLOATING, require_axes, require_dtype, require_same_dtype


def _type(call: OpCall) -> TensorType:
    require_dtype(call, 0, FLOATING)
    require_same_dtype(call)
    axis: int = call.attributes["axis"]
    groups: int = call.attributes["groups"]
    x = call.types[0]
    require_axes(call, [axis], x.rank, "axis")
    require_epsilon(call)
    if axis == 0:
        raise call.error(ShapeError, "the channels are on axis 0", "there the examples are")
    channels = x.shape[axis]
    if not isinstance(channels, int) or groups < 1 or channels % groups:
        raise call.error(
            ShapeError,
            f"{channels} channels do not make {groups} groups",
            "a number of channels that is known, and divided by the number of groups",
        )
    require_vectors(call, channels, ("scale", "offset"))
    return x


def _grouped_shape(call: OpCall, shape: tuple[Dimension, ...]) -> tuple[Dimension, ...]:
    """The shape in which the axis of the channels is two: group, channel of the group."""
    axis: int = call.attributes["axis"]
    groups: int = call.attributes["groups"]
    channels = shape[axis]
    assert isinstance(channels, int)
    return (*shape[:axis], groups, channels // groups, *shape[axis + 1 :])


def _axes(call: OpCall) -> tuple[int, ...]:
    """The axes of the grouped shape along which is normalised: not examples, not groups."""
    rank = call.types[0].rank + 1
    return tuple([each for each in range(rank) if each not in (0, call.attributes["axis"])])


def _normal(build: Builder, call: OpCall, x: Value) -> Normal:
    wide = build.reshape(widened(build, x), shape=_grouped_shape(call, x.type.shape))
    return normalised(build, wide, _axes(call), call.attributes["epsilon"], is_centred=True)


def _decomposition(build: Builder, call: OpCall, x: Value, scale: Value, offset: Value) -> Value:
    axis = call.attributes["axis"]
    numbers = build.reshape(_normal(build, call, x).numbers, shape=x.type.shape)
    scaled = build.multiply(numbers, along(build, scale, axis, numbers))
    made = build.add(scaled, along(build, offset, axis, numbers))
    return as_type(build, made, x.type.dtype)


def _gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    axis, (x, scale, _) = call.attributes["axis"], operands
    shape, wide = x.type.shape, widened(build, ct[0])
    normal = _normal(build, call, x)
    scaled = build.multiply(wide, along(build, scale, axis, wide))
    grouped = build.reshape(scaled, shape=_grouped_shape(call, shape))
    for_x = through_normalised(build, normal, grouped, _axes(call), is_centred=True)
    rows = others(wide, (axis,))
    numbers = build.reshape(normal.numbers, shape=shape)
    found = (
        build.reshape(for_x, shape=shape),
        build.reduce_sum(build.multiply(wide, numbers), axes=rows),
        build.reduce_sum(wide, axes=rows),
    )
    return [as_type(build, each, x.type.dtype) for each in found]


def _reference(call: OpCall, x: Array, scale: Array, offset: Array) -> Array:
    axis, groups = call.attributes["axis"], call.attributes["groups"]
    last = np.moveaxis(np.asarray(x, np.float64), axis, 1)
    rest = math.prod(last.shape[1:]) // groups
    rows = last.reshape(last.shape[0], groups, rest)
    normal = reference_normalised(rows, (2,), call.attributes["epsilon"]).reshape(last.shape)
    shape = vector_shape(x, axis)
    made = np.moveaxis(normal, 1, axis) * scale.reshape(shape) + offset.reshape(shape)
    return made.astype(x.dtype)


def _samples() -> list[Sample]:
    def sample(*shape: int, axis: int, groups: int, epsilon: float = 1e-3) -> Sample:
        operands = (draw(*shape), draw(shape[axis], salt=1), draw(shape[axis], salt=2))
        attributes = {"groups": groups, "axis": axis, "epsilon": epsilon}
        return Sample(operands, attributes, rtol=1e-4)

    return [
        sample(2, 4, axis=1, groups=2),
        sample(2, 3, 6, axis=2, groups=2),
        sample(2, 4, 2, 2, axis=1, groups=4),
        sample(1, 2, 3, axis=2, groups=1),
        sample(2, 3, axis=1, groups=3, epsilon=0.5),
        sample(0, 4, axis=1, groups=2),
    ]


GROUP_NORMALIZATION = REGISTRY.register(
    OpSpec(
        name="group_normalization",
        doc="Each group of channels of each example to mean 0 and variance 1, times scale, plus "
        "offset; axis 0 has the examples, axis the channels.",
        arity=3,
        attributes=Schema(groups=INTEGER, axis=INTEGER, epsilon=FLOAT),
        infer=_type,
        lower=ByDecomposition(),
        gradient=_gradient,
        reference=_reference,
        cost=lambda call: passes_cost(call, 8),
        samples=_samples,
        traits=Trait.COMPOSITE,
        decomposition=_decomposition,
    )
)

"""Normalisation of the features of each example: to mean 0 and variance 1, or to mean square 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.ir.attributes import FLOAT, INTEGER, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.normalization.statistics import (
    Array,
    Cotangents,
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


def _define(
    name: str,
    doc: str,
    vectors: Sequence[str],
    reference: Callable[..., Any],
    *,
    is_centred: bool,
) -> OpSpec:
    """Register a normalisation along one axis.

    Args:
        name: of the op.
        doc: one line.
        vectors: what the operands behind the first are called: scale, or scale and offset.
        reference: takes x in float64, axis and epsilon; gives the result before the scale.
        is_centred: whether the mean is taken out.
    """

    def infer(call: OpCall) -> TensorType:
        require_dtype(call, 0, FLOATING)
        require_same_dtype(call)
        axis: int = call.attributes["axis"]
        x = call.types[0]
        require_axes(call, [axis], x.rank, "axis")
        require_epsilon(call)
        require_vectors(call, x.shape[axis], vectors)
        return x

    def decompose(build: Builder, call: OpCall, x: Value, scale: Value, *offset: Value) -> Value:
        axis, epsilon = call.attributes["axis"], call.attributes["epsilon"]
        normal = normalised(build, widened(build, x), (axis,), epsilon, is_centred=is_centred)
        made = build.multiply(normal.numbers, along(build, scale, axis, normal.numbers))
        for each in offset:
            made = build.add(made, along(build, each, axis, made))
        return as_type(build, made, x.type.dtype)

    def gradient(
        build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
    ) -> Cotangents:
        axis, epsilon = call.attributes["axis"], call.attributes["epsilon"]
        dtype = operands[0].type.dtype
        x, wide = widened(build, operands[0]), widened(build, ct[0])
        normal = normalised(build, x, (axis,), epsilon, is_centred=is_centred)
        scaled = build.multiply(wide, along(build, operands[1], axis, wide))
        for_x = through_normalised(build, normal, scaled, (axis,), is_centred=is_centred)
        rows = others(wide, (axis,))
        sums = [build.multiply(wide, normal.numbers), wide][: len(vectors)]
        for_vectors = [build.reduce_sum(each, axes=rows) for each in sums]
        return [as_type(build, each, dtype) for each in (for_x, *for_vectors)]

    def compute(call: OpCall, x: Array, scale: Array, offset: Any = None) -> Array:
        axis: int = call.attributes["axis"]
        shape = vector_shape(x, axis)
        normal = reference(np.asarray(x, np.float64), axis, call.attributes["epsilon"])
        made = normal * scale.reshape(shape)
        return (made if offset is None else made + offset.reshape(shape)).astype(x.dtype)

    def samples() -> list[Sample]:
        def sample(*shape: int, axis: int, far: float = 0, epsilon: float = 1e-3) -> Sample:
            size = shape[axis]
            weights = [draw(size, salt=1 + i) for i, _ in enumerate(vectors)]
            operands = (draw(*shape) + np.float32(far), *weights)
            return Sample(operands, {"axis": axis, "epsilon": epsilon}, rtol=1e-4)

        constant = (np.full((2, 3), 5, np.float32), *[draw(3, salt=3)] * len(vectors))
        return [
            sample(2, 3, axis=1),
            sample(2, 3, 4, axis=1),
            sample(4, axis=0, epsilon=1e-6),
            sample(2, 5, axis=1, far=100),
            sample(3, 1, axis=1, epsilon=0.1),
            sample(0, 3, axis=1),
            Sample(constant, {"axis": 1, "epsilon": 0.5}, rtol=1e-4),
        ]

    return REGISTRY.register(
        OpSpec(
            name=name,
            doc=doc,
            arity=1 + len(vectors),
            attributes=Schema(axis=INTEGER, epsilon=FLOAT),
            infer=infer,
            lower=ByDecomposition(),
            gradient=gradient,
            reference=compute,
            cost=lambda call: passes_cost(call, 8 if is_centred else 5),
            samples=samples,
            traits=Trait.COMPOSITE,
            decomposition=decompose,
        )
    )


# --- layer_normalization --------------------------------------------------------------------------


def _layer_reference(x: Array, axis: int, epsilon: float) -> Array:
    return reference_normalised(x, (axis,), epsilon)


LAYER_NORMALIZATION = _define(
    "layer_normalization",
    "(x - mean) / sqrt(variance + epsilon) along one axis, times scale, plus offset.",
    ("scale", "offset"),
    _layer_reference,
    is_centred=True,
)

# --- rms_normalization ----------------------------------------------------------------------------


def _rms_reference(x: Array, axis: int, epsilon: float) -> Array:
    size = max(x.shape[axis], 1)
    return x / np.sqrt(np.sum(x * x, axis=axis, keepdims=True) / size + epsilon)


RMS_NORMALIZATION = _define(
    "rms_normalization",
    "x / sqrt(mean of x * x + epsilon) along one axis, times scale.",
    ("scale",),
    _rms_reference,
    is_centred=False,
)

"""l2_normalize: vectors divided by their lengths."""

from __future__ import annotations

import numpy as np

from graphc.ir.attributes import AXES, FLOAT, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.normalization.statistics import (
    Array,
    Cotangents,
    Values,
    as_type,
    passes_cost,
    repeat,
    require_epsilon,
    widened,
)
from graphc.opset.samples import draw
from graphc.opset.type_rules import FLOATING, require_axes, require_dtype


def _type(call: OpCall) -> TensorType:
    require_dtype(call, 0, FLOATING)
    require_axes(call, call.attributes["axes"], call.types[0].rank, "axes")
    require_epsilon(call)
    return call.types[0]


def _parts(build: Builder, call: OpCall, x: Value) -> tuple[Value, Value, Value]:
    """The sum of squares, its least value, and one over the root of the larger of them."""
    total = build.reduce_sum(build.multiply(x, x), axes=call.attributes["axes"])
    least = build.full_like(total, call.attributes["epsilon"])
    return total, least, build.rsqrt(build.maximum(total, least))


def _decomposition(build: Builder, call: OpCall, x: Value) -> Value:
    wide = widened(build, x)
    *_, inverse = _parts(build, call, wide)
    made = build.multiply(wide, repeat(build, inverse, call.attributes["axes"], wide))
    return as_type(build, made, x.type.dtype)


def _gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    """What is left of the cotangent at right angles to the vector, divided by its length."""
    axes, dtype = call.attributes["axes"], operands[0].type.dtype
    x, wide = widened(build, operands[0]), widened(build, ct[0])
    total, least, inverse = _parts(build, call, x)
    scale = repeat(build, inverse, axes, x)
    unit = build.multiply(x, scale)
    share = build.reduce_sum(build.multiply(wide, unit), axes=axes)
    # where the length is held at its least, it is a constant
    counts = build.compare(total, least, direction="GT")
    share = build.select(counts, share, build.full_like(share, 0))
    left = build.subtract(wide, build.multiply(unit, repeat(build, share, axes, x)))
    return (as_type(build, build.multiply(left, scale), dtype),)


def _reference(call: OpCall, x: Array) -> Array:
    wide = np.asarray(x, np.float64)
    total = np.sum(wide * wide, axis=call.attributes["axes"], keepdims=True)
    return (wide / np.sqrt(np.maximum(total, call.attributes["epsilon"]))).astype(x.dtype)


def _samples() -> list[Sample]:
    small = np.array([[0, 0], [1e-3, -1e-3], [300, -400]], np.float32)
    return [
        Sample((draw(2, 3),), {"axes": (1,), "epsilon": 1e-6}),
        Sample((draw(2, 3, 4),), {"axes": (0, 2), "epsilon": 1e-6}),
        Sample((draw(2, 3),), {"axes": (), "epsilon": 9.0}),
        Sample((small,), {"axes": (1,), "epsilon": 0.25}),
        Sample((draw(2, 0),), {"axes": (1,), "epsilon": 1e-6}),
    ]


L2_NORMALIZE = REGISTRY.register(
    OpSpec(
        name="l2_normalize",
        doc="x / sqrt(the sum of x * x along axes, at least epsilon).",
        arity=1,
        attributes=Schema(axes=AXES, epsilon=FLOAT),
        infer=_type,
        lower=ByDecomposition(),
        gradient=_gradient,
        reference=_reference,
        cost=lambda call: passes_cost(call, 4),
        samples=_samples,
        traits=Trait.COMPOSITE,
        decomposition=_decomposition,
    )
)

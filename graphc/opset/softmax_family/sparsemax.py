"""Sparsemax: the point of the probability simplex that is nearest to the logits.

Source: A. Martins, R. Astudillo, "From softmax to sparsemax", 2016. A class whose logit is exactly
at the threshold has probability 0, and derivative 0 with it.
"""

from __future__ import annotations

import numpy as np

from graphc.dtypes import F32, DType
from graphc.ir.attributes import INTEGER, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.samples import draw
from graphc.opset.softmax_family.along_axis import (
    Array,
    Cotangents,
    Values,
    below_maximum,
    passes_cost,
    repeat,
    sum_along,
)
from graphc.opset.type_rules import FLOATING, require_axes, require_dtype


def _type(call: OpCall) -> TensorType:
    require_dtype(call, 0, FLOATING)
    require_axes(call, [call.attributes["axis"]], call.types[0].rank, "axis")
    return call.types[0]


def _convert(build: Builder, value: Value, dtype: DType) -> Value:
    return value if value.type.dtype is dtype else build.convert(value, dtype=dtype)


def _wide(build: Builder, value: Value) -> Value:
    """Floats of 16 bits as float32: they cannot count to the number of classes."""
    return value if value.type.dtype.itemsize >= F32.itemsize else _convert(build, value, F32)


def _sparsemax(build: Builder, call: OpCall, x: Value) -> Value:
    axis: int = call.attributes["axis"]
    logits = _wide(build, below_maximum(build, x, axis))
    dtype, zero = logits.type.dtype, build.full_like(logits, 0)
    negated = build.sort(build.negate(logits), dimension=axis)
    descending = build.negate(negated)
    totals = build.cumulative_sum(descending, axis=axis)
    place = build.iota(dtype=dtype, shape=logits.type.shape, iota_dimension=axis)
    rank = build.add(place, build.full_like(place, 1))
    reach = build.add(build.multiply(rank, descending), build.full_like(rank, 1))
    supports = build.compare(reach, totals, direction="GT")
    count = sum_along(build, build.convert(supports, dtype=dtype), axis)
    total = sum_along(build, build.select(supports, descending, zero), axis)
    excess = build.subtract(total, build.full_like(total, 1))
    threshold = repeat(build, build.divide(excess, count), logits, axis)
    above = build.subtract(logits, threshold)
    outside = build.compare(above, zero, direction="LE")  # false of NaN, which is kept
    return _convert(build, build.select(outside, zero, above), x.type.dtype)


def _gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    """What reaches the support, less its mean over the support."""
    axis: int = call.attributes["axis"]
    y, wide = results[0], _wide(build, ct[0])
    zero = build.full_like(wide, 0)
    supports = build.compare(y, build.full_like(y, 0), direction="GT")
    kept = build.select(supports, wide, zero)
    count = sum_along(build, build.convert(supports, dtype=wide.type.dtype), axis)
    mean = build.divide(sum_along(build, kept, axis), count)
    found = build.select(supports, build.subtract(wide, repeat(build, mean, wide, axis)), zero)
    return (_convert(build, found, y.type.dtype),)


def _reference(call: OpCall, x: Array) -> Array:
    return _project(np.asarray(x, np.float64), call.attributes["axis"])


def _project(x: Array, axis: int) -> Array:
    """By bisection for the threshold, then exactly from the support that it leaves."""
    low = np.asarray(np.max(x, axis=axis, keepdims=True, initial=-np.inf)) - 1.0
    high = low + 1.0
    for _ in range(60):
        middle = (low + high) / 2
        enough = _sum(np.maximum(x - middle, 0), axis) >= 1
        low, high = np.where(enough, middle, low), np.where(enough, high, middle)
    supports = np.asarray(x > high, np.float64)
    threshold = (_sum(supports * x, axis) - 1) / _sum(supports, axis)
    return np.maximum(x - threshold, 0)


def _sum(x: Array, axis: int) -> Array:
    return np.asarray(np.sum(x, axis=axis, keepdims=True))


def _samples() -> list[Sample]:
    extreme = np.array([[1000, -1000, 999.5], [-1000, -1000, -1000]], np.float32)
    return [
        Sample((draw(2, 3),), {"axis": 1}),
        Sample((draw(2, 5, 4),), {"axis": 1}),
        Sample((draw(3),), {"axis": 0}),
        Sample((draw(0, 3),), {"axis": 1}),
        Sample((draw(2, 1),), {"axis": 1}),
        Sample((extreme,), {"axis": 1}, differentiable=False),
    ]


SPARSEMAX = REGISTRY.register(
    OpSpec(
        name="sparsemax",
        doc="The nearest numbers to x that are at least 0 and sum to 1 along an axis.",
        arity=1,
        attributes=Schema(axis=INTEGER),
        infer=_type,
        lower=ByDecomposition(),
        gradient=_gradient,
        reference=_reference,
        cost=lambda call: passes_cost(call, 20),
        samples=_samples,
        traits=Trait.COMPOSITE,
        decomposition=_sparsemax,
    )
)

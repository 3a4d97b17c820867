"""Activations that move numbers towards 0, or make small ones 0."""

from __future__ import annotations

import numpy as np

from graphc.ir.attributes import FLOAT, Attribute, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import OpCall
from graphc.opset.activations.definition import (
    Array,
    compare_with,
    define_activation,
    edge_samples,
    rounded,
    shifted,
)

_THRESHOLD = Schema(threshold=Attribute(FLOAT, 0.5))


def _far_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    far = compare_with(build, build.abs(x), "GT", call.attributes["threshold"])
    return build.select(far, ct, build.full_like(ct, 0))


# --- hard_shrink ----------------------------------------------------------------------------------


def _hard_shrink(build: Builder, call: OpCall, x: Value) -> Value:
    far = compare_with(build, build.abs(x), "GT", call.attributes["threshold"])
    return build.select(far, x, build.full_like(x, 0))


def _hard_shrink_reference(call: OpCall, x: Array) -> Array:
    return np.where(np.abs(x) > rounded(call, "threshold"), x, 0.0)


HARD_SHRINK = define_activation(
    "hard_shrink", "x where it is further from 0 than the threshold, else 0.", 2, _hard_shrink,
    _far_pullback, _hard_shrink_reference,
    edge_samples(0, 0.75, -0.75, np.inf, -np.inf, threshold=0.75), _THRESHOLD,
)  # fmt: skip

# --- soft_shrink ----------------------------------------------------------------------------------


def _soft_shrink(build: Builder, call: OpCall, x: Value) -> Value:
    threshold: float = call.attributes["threshold"]
    raised, lowered = shifted(build, x, threshold), shifted(build, x, -threshold)
    below = compare_with(build, x, "LT", -threshold)
    rest = build.select(below, raised, build.full_like(x, 0))
    return build.select(compare_with(build, x, "GT", threshold), lowered, rest)


def _soft_shrink_reference(call: OpCall, x: Array) -> Array:
    threshold = rounded(call, "threshold")
    return np.where(x > threshold, x - threshold, np.where(x < -threshold, x + threshold, 0.0))


SOFT_SHRINK = define_activation(
    "soft_shrink", "x moved towards 0 by the threshold; 0 where that is further than it is away.",
    5, _soft_shrink, _far_pullback, _soft_shrink_reference,
    edge_samples(0, 0.75, -0.75, np.inf, -np.inf, threshold=0.75), _THRESHOLD,
)  # fmt: skip

# --- tanh_shrink ----------------------------------------------------------------------------------


def _tanh_shrink(build: Builder, call: OpCall, x: Value) -> Value:
    return build.subtract(x, build.tanh(x))


def _tanh_shrink_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    # 1 - (1 - tanh²), without the differences
    bent = build.tanh(x)
    return build.multiply(ct, build.multiply(bent, bent))


TANH_SHRINK = define_activation(
    "tanh_shrink", "x - tanh(x).", 4, _tanh_shrink, _tanh_shrink_pullback,
    lambda call, x: x - np.tanh(x), edge_samples(0, np.inf, -np.inf),
)  # fmt: skip

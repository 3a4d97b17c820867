"""Activations that are made of lines and parabolas, for the sigmoid, tanh, silu and softplus."""

from __future__ import annotations

import numpy as np

from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import OpCall
from graphc.opset.activations.definition import (
    Array,
    clamped,
    compare_with,
    define_activation,
    edge_samples,
    scaled,
    shifted,
    within,
)

# --- hard_sigmoid, hard_silu ----------------------------------------------------------------------


def _hard_sigmoid(build: Builder, call: OpCall, x: Value) -> Value:
    return build.divide(clamped(build, shifted(build, x, 3), 0, 6), build.full_like(x, 6))


def _hard_sigmoid_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    sixth = build.divide(ct, build.full_like(ct, 6))
    return within(build, x, -3, 3, sixth)


HARD_SIGMOID = define_activation(
    "hard_sigmoid", "x / 6 + 1/2, but not below 0 nor above 1; its derivative at both is 0.", 4,
    _hard_sigmoid, _hard_sigmoid_pullback, lambda call, x: np.clip(x + 3, 0, 6) / 6,
    edge_samples(0, 3, -3, np.inf, -np.inf),
)  # fmt: skip


def _hard_silu(build: Builder, call: OpCall, x: Value) -> Value:
    return build.multiply(x, build.hard_sigmoid(x))


def _hard_silu_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    inside = within(build, x, -3, 3, build.divide(x, build.full_like(x, 6)))
    return build.multiply(ct, build.add(build.hard_sigmoid(x), inside))


HARD_SILU = define_activation(
    "hard_silu", "x times its hard_sigmoid.", 5, _hard_silu, _hard_silu_pullback,
    lambda call, x: x * (np.clip(x + 3, 0, 6) / 6), edge_samples(0, 3, -3),
)  # fmt: skip

# --- hard_tanh ------------------------------------------------------------------------------------


def _hard_tanh(build: Builder, call: OpCall, x: Value) -> Value:
    least = compare_with(build, x, "LT", -1)
    rising = build.select(least, build.full_like(x, -1), x)
    return build.select(compare_with(build, x, "GT", 1), build.full_like(x, 1), rising)


def _hard_tanh_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    outside = compare_with(build, build.abs(x), "GT", 1)
    return build.select(outside, build.full_like(ct, 0), ct)


HARD_TANH = define_activation(
    "hard_tanh", "x, but not below -1 nor above 1; its derivative at both is 1.", 2, _hard_tanh,
    _hard_tanh_pullback, lambda call, x: np.clip(x, -1, 1),
    edge_samples(0, 1, -1, np.inf, -np.inf),
)  # fmt: skip

# --- sparse_sigmoid, sparse_plus ------------------------------------------------------------------


def _sparse_sigmoid(build: Builder, call: OpCall, x: Value) -> Value:
    raised = build.maximum(shifted(build, x, 1), build.full_like(x, 0))
    return scaled(build, build.minimum(raised, build.full_like(x, 2)), 0.5)


def _sparse_sigmoid_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    kink = compare_with(build, build.abs(x), "EQ", 1)
    half = scaled(build, ct, 0.5)
    return build.select(kink, scaled(build, half, 0.5), within(build, x, -1, 1, half))


SPARSE_SIGMOID = define_activation(
    "sparse_sigmoid", "(x + 1) / 2, but not below 0 nor above 1; its derivative at both is 1/4.",
    4, _sparse_sigmoid, _sparse_sigmoid_pullback, lambda call, x: np.clip(x + 1, 0, 2) / 2,
    edge_samples(0, 1, -1, np.inf, -np.inf),
)  # fmt: skip


def _sparse_plus(build: Builder, call: OpCall, x: Value) -> Value:
    zero = build.full_like(x, 0)
    falls, rises = compare_with(build, x, "LE", -1), compare_with(build, x, "GE", 1)
    # what is not chosen stays small: an infinity times 0 would be no derivative
    safe = build.select(falls, zero, build.select(rises, zero, x))
    raised = shifted(build, safe, 1)
    bent = scaled(build, build.multiply(raised, raised), 0.25)
    return build.select(falls, zero, build.select(rises, x, bent))


def _sparse_plus_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    falls, rises = compare_with(build, x, "LE", -1), compare_with(build, x, "GE", 1)
    bent = build.multiply(ct, scaled(build, shifted(build, x, 1), 0.5))
    return build.select(falls, build.full_like(ct, 0), build.select(rises, ct, bent))


def _sparse_plus_reference(call: OpCall, x: Array) -> Array:
    return np.where(x <= -1, 0.0, np.where(x >= 1, x, (x + 1) ** 2 / 4))


SPARSE_PLUS = define_activation(
    "sparse_plus", "0 up to -1, x from 1 on, the square of x + 1 over 4 between.", 7, _sparse_plus,
    _sparse_plus_pullback, _sparse_plus_reference, edge_samples(0, 1, -1, np.inf, -np.inf),
)  # fmt: skip

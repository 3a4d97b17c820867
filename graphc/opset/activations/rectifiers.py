"""Activations that keep what is positive, and do something else with the rest."""

from __future__ import annotations

import numpy as np

from graphc.ir.attributes import FLOAT, Attribute, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import OpCall
from graphc.opset.activations.definition import (
    Array,
    clamped,
    compare_with,
    define_activation,
    edge_samples,
    rounded,
    scaled,
    within,
)

# --- relu -----------------------------------------------------------------------------------------


def _relu(build: Builder, call: OpCall, x: Value) -> Value:
    return build.maximum(x, build.full_like(x, 0))


def _relu_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    # 0 at 0, as in TensorFlow and jax.nn.relu; the two halves of maximum would give 1/2
    # Asked of y, which the next op keeps anyway; x need not be kept.
    return build.select(compare_with(build, y, "GT", 0), ct, build.full_like(ct, 0))


RELU = define_activation(
    "relu", "x where it is positive, else 0; its derivative at 0 is 0.", 1, _relu, _relu_pullback,
    lambda call, x: np.maximum(x, 0), edge_samples(),
)  # fmt: skip

# --- relu6 ----------------------------------------------------------------------------------------


def _relu6(build: Builder, call: OpCall, x: Value) -> Value:
    return clamped(build, x, 0, 6)


def _relu6_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    return within(build, x, 0, 6, ct)


RELU6 = define_activation(
    "relu6", "x, but not below 0 nor above 6; its derivative at both is 0.", 2, _relu6,
    _relu6_pullback, lambda call, x: np.clip(x, 0, 6), edge_samples(0, 6, np.inf, -np.inf),
)  # fmt: skip

# --- leaky_relu -----------------------------------------------------------------------------------


def _leaky_relu(build: Builder, call: OpCall, x: Value) -> Value:
    rest = scaled(build, x, call.attributes["negative_slope"])
    return build.select(compare_with(build, x, "GE", 0), x, rest)


def _leaky_relu_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    rest = scaled(build, ct, call.attributes["negative_slope"])
    return build.select(compare_with(build, x, "GE", 0), ct, rest)


def _leaky_relu_reference(call: OpCall, x: Array) -> Array:
    return np.where(x >= 0, x, call.attributes["negative_slope"] * x)


LEAKY_RELU = define_activation(
    "leaky_relu", "x from 0 on, negative_slope times x below; its derivative at 0 is 1.", 2,
    _leaky_relu, _leaky_relu_pullback, _leaky_relu_reference,
    edge_samples(0, -0.0, np.inf, -np.inf, negative_slope=0.2),
    Schema(negative_slope=Attribute(FLOAT, 0.2)),
)  # fmt: skip

# --- threshold ------------------------------------------------------------------------------------


def _threshold(build: Builder, call: OpCall, x: Value) -> Value:
    above = compare_with(build, x, "GT", call.attributes["threshold"])
    return build.select(above, x, build.full_like(x, call.attributes["value"]))


def _threshold_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    above = compare_with(build, x, "GT", call.attributes["threshold"])
    return build.select(above, ct, build.full_like(ct, 0))


def _threshold_reference(call: OpCall, x: Array) -> Array:
    return np.where(x > rounded(call, "threshold"), x, call.attributes["value"])


THRESHOLD = define_activation(
    "threshold", "x where it is above the threshold, else value.", 1, _threshold,
    _threshold_pullback, _threshold_reference,
    edge_samples(0.5, np.inf, -np.inf, threshold=0.5, value=-9.0),
    Schema(threshold=FLOAT, value=FLOAT),
)  # fmt: skip

# --- elu, selu, celu ------------------------------------------------------------------------------

# G. Klambauer and others, "Self-normalizing neural networks", 2017
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


def _bent(build: Builder, x: Value, scale: float, alpha: float, width: float) -> Value:
    """Scale times x where it is positive, alpha times e to the power x / width, less 1, else."""
    positive = compare_with(build, x, "GT", 0)
    falling = build.exponential_minus_one(_falling(build, positive, x, width))
    return build.select(positive, scaled(build, x, scale), scaled(build, falling, alpha))


def _bent_pullback(
    build: Builder, x: Value, ct: Value, scale: float, alpha: float, width: float
) -> Value:
    positive = compare_with(build, x, "GT", 0)
    slope = build.exponential(_falling(build, positive, x, width))
    below = build.multiply(ct, scaled(build, slope, alpha / width))
    return build.select(positive, scaled(build, ct, scale), below)


def _falling(build: Builder, positive: Value, x: Value, width: float) -> Value:
    """X / width where it is not positive: no exponential sees a large number, nor multiplies 0."""
    safe = build.select(positive, build.full_like(x, 0), x)
    return safe if width == 1 else build.divide(safe, build.full_like(x, width))


def _bent_reference(x: Array, scale: float, alpha: float, width: float) -> Array:
    return np.where(x > 0, scale * x, alpha * np.expm1(np.minimum(x, 0) / width))


def _elu(build: Builder, call: OpCall, x: Value) -> Value:
    return _bent(build, x, 1, call.attributes["alpha"], 1)


def _elu_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    return _bent_pullback(build, x, ct, 1, call.attributes["alpha"], 1)


ELU = define_activation(
    "elu", "x where it is positive, else alpha times e to the power x, less alpha.", 5, _elu,
    _elu_pullback, lambda call, x: _bent_reference(x, 1, call.attributes["alpha"], 1),
    edge_samples(0, -0.0, np.inf, -np.inf, alpha=1.5), Schema(alpha=Attribute(FLOAT, 1.0)),
)  # fmt: skip


def _selu(build: Builder, call: OpCall, x: Value) -> Value:
    return _bent(build, x, _SELU_SCALE, _SELU_SCALE * _SELU_ALPHA, 1)


def _selu_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    return _bent_pullback(build, x, ct, _SELU_SCALE, _SELU_SCALE * _SELU_ALPHA, 1)


SELU = define_activation(
    "selu", "elu with an alpha and a scale that keep mean 0 and variance 1.", 6, _selu,
    _selu_pullback, lambda call, x: _bent_reference(x, _SELU_SCALE, _SELU_SCALE * _SELU_ALPHA, 1),
    edge_samples(0, -0.0, np.inf, -np.inf),
)  # fmt: skip


def _celu(build: Builder, call: OpCall, x: Value) -> Value:
    return _bent(build, x, 1, call.attributes["alpha"], call.attributes["alpha"])


def _celu_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    alpha: float = call.attributes["alpha"]
    return _bent_pullback(build, x, ct, 1, alpha, alpha)


def _celu_reference(call: OpCall, x: Array) -> Array:
    return _bent_reference(x, 1, call.attributes["alpha"], call.attributes["alpha"])


CELU = define_activation(
    "celu", "x where it is positive, else alpha times e to the power x / alpha, less alpha.", 6,
    _celu, _celu_pullback, _celu_reference,
    edge_samples(0, -0.0, np.inf, -np.inf, alpha=0.5), Schema(alpha=Attribute(FLOAT, 1.0)),
)  # fmt: skip

"""Activations without a kink, made of exponentials and roots."""

from __future__ import annotations

import math

import numpy as np

from graphc.dtypes import F16, F32
from graphc.ir.attributes import FLOAT, TRUTH, Attribute, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, OpCall
from graphc.opset.activations.definition import (
    Array,
    compare_with,
    define_activation,
    edge_samples,
    scaled,
    shifted,
)

# --- softplus, log_sigmoid ------------------------------------------------------------------------


def _softplus(build: Builder, call: OpCall, x: Value) -> Value:
    # no maximum, no absolute value: at 0 their derivatives are not those that make up 1/2
    positive = compare_with(build, x, "GT", 0)
    falling = build.select(positive, build.negate(x), x)
    line = build.select(positive, x, build.full_like(x, 0))
    return build.add(line, build.log_plus_one(build.exponential(falling)))


def _softplus_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    return build.multiply(ct, build.logistic(x))


SOFTPLUS = define_activation(
    "softplus", "log(1 + e to the power x), which neither overflows nor rounds to 0 too early.", 6,
    _softplus, _softplus_pullback, lambda call, x: np.logaddexp(x, 0),
    edge_samples(0, np.inf, -np.inf),
)  # fmt: skip


def _log_sigmoid(build: Builder, call: OpCall, x: Value) -> Value:
    return build.negate(build.softplus(build.negate(x)))


def _log_sigmoid_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    return build.multiply(ct, build.logistic(build.negate(x)))


LOG_SIGMOID = define_activation(
    "log_sigmoid", "The logarithm of the sigmoid, finite for every finite x.", 8, _log_sigmoid,
    _log_sigmoid_pullback, lambda call, x: -np.logaddexp(-x, 0), edge_samples(0, np.inf, -np.inf),
)  # fmt: skip

# --- silu -----------------------------------------------------------------------------------------


def _silu(build: Builder, call: OpCall, x: Value) -> Value:
    return build.multiply(x, build.logistic(x))


def _silu_reference(call: OpCall, x: Array) -> Array:
    return x * np.exp(-np.logaddexp(0, -x))


SILU = define_activation(
    "silu", "x times its sigmoid (also called swish).", 5, _silu, ByDecomposition(),
    _silu_reference, edge_samples(),
)  # fmt: skip

# --- gelu -----------------------------------------------------------------------------------------

_CUBIC = 0.044715


def _gelu(build: Builder, call: OpCall, x: Value) -> Value:
    """D. Hendrycks, K. Gimpel, "Gaussian error linear units", 2016; with tanh, their equation 2."""
    if call.attributes["approximate"]:
        if x.type.dtype is F16:  # whose cube is infinite from 41 on, and the gradient then NaN
            wide = _gelu(build, call, build.convert(x, dtype=F32))
            return build.convert(wide, dtype=F16)
        cube = build.multiply(build.multiply(x, x), x)
        inner = scaled(build, build.add(x, scaled(build, cube, _CUBIC)), math.sqrt(2 / math.pi))
        bent = build.tanh(inner)
    else:
        bent = build.erf(scaled(build, x, math.sqrt(0.5)))
    return build.multiply(scaled(build, x, 0.5), shifted(build, bent, 1))


def _gelu_reference(call: OpCall, x: Array) -> Array:
    if call.attributes["approximate"]:
        bent = np.tanh(math.sqrt(2 / math.pi) * (x + _CUBIC * x**3))
    else:
        bent = np.vectorize(math.erf, otypes=[np.float64])(x * math.sqrt(0.5))
    return 0.5 * x * (bent + 1)


GELU = define_activation(
    "gelu", "x times the probability that a normal number is below x; through tanh if approximate.",
    12, _gelu, ByDecomposition(), _gelu_reference,
    lambda: [*edge_samples(approximate=False)(), *edge_samples(approximate=True)()],
    Schema(approximate=Attribute(TRUTH, False)),
)  # fmt: skip

# --- mish -----------------------------------------------------------------------------------------


def _mish(build: Builder, call: OpCall, x: Value) -> Value:
    """D. Misra, "Mish: a self regularized non-monotonic activation function", 2019."""
    return build.multiply(x, build.tanh(build.softplus(x)))


def _mish_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    gate = build.tanh(build.softplus(x))
    one = build.full_like(x, 1)
    flatness = build.multiply(build.add(one, gate), build.subtract(one, gate))
    rest = build.multiply(build.multiply(x, build.logistic(x)), flatness)
    return build.multiply(ct, build.add(gate, rest))


MISH = define_activation(
    "mish", "x times the hyperbolic tangent of its softplus.", 12, _mish, _mish_pullback,
    lambda call, x: x * np.tanh(np.logaddexp(x, 0)), edge_samples(0),
)  # fmt: skip

# --- softsign, squareplus -------------------------------------------------------------------------


def _softsign(build: Builder, call: OpCall, x: Value) -> Value:
    return build.divide(x, shifted(build, build.abs(x), 1))


def _softsign_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    # twice by the sum: its square overflows a float16 from 255 on
    divisor = shifted(build, build.abs(x), 1)
    return build.divide(build.divide(ct, divisor), divisor)


SOFTSIGN = define_activation(
    "softsign", "x / (1 + |x|).", 3, _softsign, _softsign_pullback,
    lambda call, x: x / (1 + np.abs(x)), edge_samples(0),
)  # fmt: skip


def _root(build: Builder, call: OpCall, x: Value) -> Value:
    """The square root of x² + b; for a large x of 1 + b/x², times |x|, so as not to overflow."""
    size, one = build.abs(x), build.full_like(x, 1)
    large = compare_with(build, size, "GT", 1)
    scale = build.select(large, size, one)
    rest = build.divide(build.divide(build.full_like(x, call.attributes["b"]), scale), scale)
    square = build.select(large, one, build.multiply(x, x))
    return build.multiply(scale, build.sqrt(build.add(square, rest)))


def _squareplus(build: Builder, call: OpCall, x: Value) -> Value:
    """J. Barron, "Squareplus: a softplus-like algebraic rectifier", 2021."""
    total = build.add(build.abs(x), _root(build, call, x))
    # for a negative x the sum of x and the root would cancel: it is b over their difference
    below = build.divide(build.full_like(x, call.attributes["b"] / 2), total)
    return build.select(compare_with(build, x, "GE", 0), scaled(build, total, 0.5), below)


def _squareplus_pullback(build: Builder, call: OpCall, x: Value, y: Value, ct: Value) -> Value:
    return build.multiply(ct, build.divide(y, _root(build, call, x)))


def _squareplus_reference(call: OpCall, x: Array) -> Array:
    b: float = call.attributes["b"]
    root = np.sqrt(x * x + b)
    return np.where(x >= 0, (x + root) / 2, b / (2 * (root - x)))


SQUAREPLUS = define_activation(
    "squareplus", "Half of x and the square root of x² + b.", 12, _squareplus,
    _squareplus_pullback, _squareplus_reference, edge_samples(0, 1, -1, b=4.0),
    Schema(b=Attribute(FLOAT, 4.0)),
)  # fmt: skip

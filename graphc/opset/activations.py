"""Activations that are made of other ops. `logistic`, `tanh` and `maximum` are ops of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.ir.attributes import TRUTH, Attribute, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, Cost, Gradient, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.opset.samples import draw
from graphc.opset.type_rules import FLOATING, elementwise

Array = np.ndarray[Any, Any]
Values = Sequence[Value]
Cotangents = Sequence[Value | None]


def _samples(**attributes: Any) -> list[Sample]:
    edges = np.array([1000, -1000, 90, -90, 20, -20, np.nan], np.float32)
    return [
        Sample((draw(2, 3),), attributes),
        Sample((draw(salt=5),), attributes),
        Sample((edges,), attributes, differentiable=False),
    ]


def _define(
    name: str,
    doc: str,
    operations: int,
    decomposition: Callable[[Builder, OpCall, Value], Value],
    gradient: Gradient,
    reference: Callable[[OpCall, Array], Any],
    attributes: Schema | None = None,
    samples: Callable[[], list[Sample]] = _samples,
) -> OpSpec:
    def cost(call: OpCall) -> Cost:
        return Cost(call.types[0].size * operations, call.types[0].byte_size * 2)

    return REGISTRY.register(
        OpSpec(
            name=name,
            doc=doc,
            arity=1,
            attributes=attributes or Schema(),
            infer=elementwise(FLOATING),
            lower=ByDecomposition(),
            gradient=gradient,
            reference=reference,
            cost=cost,
            samples=samples,
            traits=Trait.COMPOSITE | Trait.ELEMENTWISE | Trait.ROW_WISE,
            decomposition=decomposition,
        )
    )


# --- relu -----------------------------------------------------------------------------------------


def _relu(build: Builder, call: OpCall, x: Value) -> Value:
    return build.maximum(x, build.full_like(x, 0))


def _relu_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    # 0 at 0, as in TensorFlow and jax.nn.relu; the two halves of maximum would give 1/2
    zero = build.full_like(ct[0], 0)
    positive = build.compare(operands[0], build.full_like(operands[0], 0), direction="GT")
    return (build.select(positive, ct[0], zero),)


def _relu_reference(call: OpCall, x: Array) -> Array:
    return np.maximum(x, np.zeros_like(x))


RELU = _define(
    "relu",
    "x where it is positive, else 0; its derivative at 0 is 0.",
    1,
    _relu,
    _relu_gradient,
    _relu_reference,
)

# --- softplus -------------------------------------------------------------------------------------


def _softplus(build: Builder, call: OpCall, x: Value) -> Value:
    small = build.log_plus_one(build.exponential(build.negate(build.abs(x))))
    return build.add(build.maximum(x, build.full_like(x, 0)), small)


def _softplus_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.multiply(ct[0], build.logistic(operands[0])),)


def _softplus_reference(call: OpCall, x: Array) -> Array:
    return np.logaddexp(x, np.zeros_like(x))


SOFTPLUS = _define(
    "softplus",
    "log(1 + e to the power x), which neither overflows nor rounds to 0 too early.",
    6,
    _softplus,
    _softplus_gradient,
    _softplus_reference,
)

# --- silu -----------------------------------------------------------------------------------------


def _silu(build: Builder, call: OpCall, x: Value) -> Value:
    return build.multiply(x, build.logistic(x))


def _silu_reference(call: OpCall, x: Array) -> Array:
    wide = np.asarray(x, np.float64)
    return (wide * np.exp(-np.logaddexp(0.0, -wide))).astype(x.dtype)


SILU = _define(
    "silu",
    "x times its sigmoid (also called swish).",
    5,
    _silu,
    ByDecomposition(),
    _silu_reference,
)

# --- gelu -----------------------------------------------------------------------------------------

_CUBIC = 0.044715


def _gelu(build: Builder, call: OpCall, x: Value) -> Value:
    """D. Hendrycks, K. Gimpel, "Gaussian error linear units", 2016; with tanh, their equation 2."""

    def times(value: Value, number: float) -> Value:
        return build.multiply(value, build.full_like(value, number))

    if call.attributes["approximate"]:
        cube = build.multiply(build.multiply(x, x), x)
        inner = times(build.add(x, times(cube, _CUBIC)), math.sqrt(2 / math.pi))
        bent = build.tanh(inner)
    else:
        bent = build.erf(times(x, math.sqrt(0.5)))
    return build.multiply(times(x, 0.5), build.add(bent, build.full_like(x, 1)))


def _gelu_reference(call: OpCall, x: Array) -> Array:
    wide = np.asarray(x, np.float64)
    if call.attributes["approximate"]:
        bent = np.tanh(math.sqrt(2 / math.pi) * (wide + _CUBIC * wide**3))
    else:
        bent = np.vectorize(math.erf, otypes=[np.float64])(wide * math.sqrt(0.5))
    return (0.5 * wide * (bent + 1)).astype(x.dtype)


GELU = _define(
    "gelu",
    "x times the probability that a normal number is below x; through tanh if approximate.",
    12,
    _gelu,
    ByDecomposition(),
    _gelu_reference,
    Schema(approximate=Attribute(TRUTH, False)),
    lambda: [*_samples(approximate=False), *_samples(approximate=True)],
)

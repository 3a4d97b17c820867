"""Sines, cosines, tangents and angles, element by element. Source: StableHLO specification."""

from __future__ import annotations

import numpy as np

from graphc.ir.builder import Builder
from graphc.ir.op import OpCall, Sample
from graphc.opset.elementwise_definition import Array, Cotangents, Values, define_elementwise
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import INEXACT


def _samples() -> list[Sample]:
    edges = np.array([0.0, -0.0, np.inf, np.nan, 3.14159, 100.0, -100.0], np.float32)
    return [
        Sample((draw(2, 3, low=-1.4, high=1.4),)),
        Sample((draw(low=-1.4, high=1.4, salt=5),)),
        Sample((edges,), differentiable=False),
    ]


# --- sine, cosine ---------------------------------------------------------------------------------


def _sine_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.multiply(ct[0], build.cosine(operands[0])),)


SINE = define_elementwise(
    "sine", "The sine of an angle in radians.", 1, primitive("sin", accuracy=None), np.sin,
    _sine_gradient, INEXACT, samples=_samples,
)  # fmt: skip


def _cosine_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.negate(build.multiply(ct[0], build.sine(operands[0]))),)


COSINE = define_elementwise(
    "cosine", "The cosine of an angle in radians.", 1, primitive("cos", accuracy=None), np.cos,
    _cosine_gradient, INEXACT, samples=_samples,
)  # fmt: skip

# --- tan ------------------------------------------------------------------------------------------


def _tan_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    y = results[0]
    slope = build.add(build.full_like(y, 1), build.multiply(y, y))
    return (build.multiply(ct[0], slope),)


TAN = define_elementwise(
    "tan", "The tangent of an angle in radians.", 1, primitive("tan", accuracy=None), np.tan,
    _tan_gradient, INEXACT, samples=_samples,
)  # fmt: skip

# --- atan2 ----------------------------------------------------------------------------------------


def _atan2_samples() -> list[Sample]:
    y = np.array([0, 0, 1, -1, 0, np.inf, np.nan], np.float32)
    x = np.array([1, -1, 0, 0, 0, np.inf, 1], np.float32)
    return [
        Sample((draw(2, 3), draw(2, 3, salt=1))),
        Sample((draw(salt=5), draw(salt=6))),
        Sample((y, x), differentiable=False),
    ]


def _atan2_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    y, x = operands
    square = build.add(build.multiply(y, y), build.multiply(x, x))
    return (
        build.multiply(ct[0], build.divide(x, square)),
        build.multiply(ct[0], build.divide(build.negate(y), square)),
    )


def _atan2_reference(y: Array, x: Array) -> Array:
    if y.dtype.kind != "c":
        return np.arctan2(y, x)
    return -1j * np.log((x + 1j * y) / np.sqrt(x * x + y * y))


ATAN2 = define_elementwise(
    "atan2", "The angle of the point with ordinate y and abscissa x, from -pi to pi.", 2,
    primitive("atan2"), _atan2_reference, _atan2_gradient, INEXACT, samples=_atan2_samples,
)  # fmt: skip

"""Angles whose sine, cosine or tangent is given, in radians, element by element.

Source: CHLO. Complex numbers have the branch cuts of Abramowitz and Stegun, section 4.4; on a cut,
XLA takes the side of the sign of a zero that NumPy may take for the other's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import OpCall, Sample
from graphc.opset.elementwise_definition import Cotangents, Values, define_elementwise
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import INEXACT


def _samples(limit: float) -> Callable[[], list[Sample]]:
    edges = np.array([0, -0.0, 1, -1, 0.5, -0.5, 1e-6, 2, -2, 1e6, np.inf, -np.inf, np.nan])

    def make() -> list[Sample]:
        return [
            Sample((draw(2, 3, low=-limit, high=limit),)),
            Sample((draw(low=-limit, high=limit, salt=5),)),
            Sample((edges.astype(np.float32),), differentiable=False),
        ]

    return make


# --- asin, acos -----------------------------------------------------------------------------------


def _cosine_of_asin(build: Builder, x: Value) -> Value:
    """1 / sqrt(1 - x²), without the cancellation that 1 - x * x has near 1."""
    one = build.full_like(x, 1)
    return build.rsqrt(build.multiply(build.subtract(one, x), build.add(one, x)))


def _asin_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.multiply(ct[0], _cosine_of_asin(build, operands[0])),)


ASIN = define_elementwise(
    "asin", "The angle from -pi/2 to pi/2 whose sine is x; NaN for a float outside [-1, 1].", 1,
    primitive("asin"), np.arcsin, _asin_gradient, INEXACT, samples=_samples(0.95),
)  # fmt: skip


def _acos_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.negate(build.multiply(ct[0], _cosine_of_asin(build, operands[0]))),)


ACOS = define_elementwise(
    "acos", "The angle from 0 to pi whose cosine is x; NaN for a float outside [-1, 1].", 1,
    primitive("acos"), np.arccos, _acos_gradient, INEXACT, samples=_samples(0.95),
)  # fmt: skip

# --- atan -----------------------------------------------------------------------------------------


def _atan_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    x = operands[0]
    return (build.divide(ct[0], build.add(build.full_like(x, 1), build.multiply(x, x))),)


ATAN = define_elementwise(
    "atan", "The angle from -pi/2 to pi/2 whose tangent is x.", 1, primitive("atan"), np.arctan,
    _atan_gradient, INEXACT, samples=_samples(2.0),
)  # fmt: skip

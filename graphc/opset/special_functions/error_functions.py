"""The error function, its complement and its inverse, element by element. Source: CHLO."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import OpCall, Sample
from graphc.opset.elementwise_definition import Cotangents, Values, define_elementwise
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.special_functions import error_references as references
from graphc.opset.type_rules import FLOATING


def _samples(edges: Sequence[float], limit: float = 2.0) -> Callable[[], list[Sample]]:
    def make() -> list[Sample]:
        return [
            Sample((draw(2, 3, low=-limit, high=limit),)),
            Sample((draw(low=-limit, high=limit, salt=5),)),
            Sample((np.array(edges, np.float32),), differentiable=False),
        ]

    return make


_REAL_LINE = (0.0, -0.0, np.inf, -np.inf, np.nan, 1e-6, -1e-6, 30.0, -30.0, 8.0, 3.5)


def _bell(build: Builder, ct: Value, x: Value, factor: float) -> Value:
    """A cotangent times `factor` e to the power -x²."""
    bell = build.exponential(build.negate(build.multiply(x, x)))
    return build.multiply(build.multiply(ct, build.full_like(x, factor)), bell)


# --- erf, erfc ------------------------------------------------------------------------------------


def _erf_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (_bell(build, ct[0], operands[0], 2 / math.sqrt(math.pi)),)


ERF = define_elementwise(
    "erf", "The error function.", 1, primitive("erf"), references.erf, _erf_gradient, FLOATING,
    samples=_samples(_REAL_LINE),
)  # fmt: skip


def _erfc_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (_bell(build, ct[0], operands[0], -2 / math.sqrt(math.pi)),)


ERFC = define_elementwise(
    "erfc", "1 - erf(x), with all its digits where that is small.", 1, primitive("erfc"),
    references.erfc, _erfc_gradient, FLOATING, samples=_samples(_REAL_LINE),
)  # fmt: skip

# --- erf_inv --------------------------------------------------------------------------------------


def _erf_inv_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    y = results[0]
    steep = build.exponential(build.multiply(y, y))
    scaled = build.multiply(ct[0], build.full_like(y, math.sqrt(math.pi) / 2))
    return (build.multiply(scaled, steep),)


ERF_INV = define_elementwise(
    "erf_inv", "The number whose error function is x; infinite at 1 and -1, NaN beyond.", 1,
    primitive("erf_inv"), references.erf_inv, _erf_inv_gradient, FLOATING,
    samples=_samples((0.0, -0.0, 1.0, -1.0, 2.0, np.inf, np.nan, 1e-6, 0.99, -0.995), limit=0.9),
)  # fmt: skip

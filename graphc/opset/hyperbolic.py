"""Hyperbolic functions and their inverses, element by element; `tanh` is with the exponentials.

Source: CHLO. Complex numbers have the branch cuts of Abramowitz and Stegun, section 4.6.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from graphc.ir.builder import Builder
from graphc.ir.op import OpCall, Sample
from graphc.opset.elementwise_definition import Cotangents, Values, define_elementwise
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import INEXACT

_REAL_LINE = (0.0, -0.0, np.inf, -np.inf, np.nan, 1e-6, -1e-6, 30.0, -30.0, 89.0, -89.0)


def _samples(
    edges: Sequence[float], low: float = -2.0, high: float = 2.0
) -> Callable[[], list[Sample]]:
    def make() -> list[Sample]:
        return [
            Sample((draw(2, 3, low=low, high=high),)),
            Sample((draw(low=low, high=high, salt=5),)),
            Sample((np.array(edges, np.float32),), differentiable=False),
        ]

    return make


# --- sinh, cosh -----------------------------------------------------------------------------------


def _sinh_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.multiply(ct[0], build.cosh(operands[0])),)


SINH = define_elementwise(
    "sinh", "The hyperbolic sine.", 1, primitive("sinh"), np.sinh, _sinh_gradient, INEXACT,
    samples=_samples(_REAL_LINE),
)  # fmt: skip


def _cosh_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.multiply(ct[0], build.sinh(operands[0])),)


COSH = define_elementwise(
    "cosh", "The hyperbolic cosine.", 1, primitive("cosh"), np.cosh, _cosh_gradient, INEXACT,
    samples=_samples(_REAL_LINE),
)  # fmt: skip

# --- asinh, acosh, atanh --------------------------------------------------------------------------


def _asinh_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    x = operands[0]
    one = build.full_like(x, 1)
    if x.type.dtype.is_complex:
        return (build.multiply(ct[0], build.rsqrt(build.add(build.multiply(x, x), one))),)
    # the hypotenuse of x and 1; the square of x overflows a float16 from 256 on
    size = build.abs(x)
    longer, shorter = build.maximum(size, one), build.minimum(size, one)
    ratio = build.divide(shorter, longer)
    root = build.sqrt(build.add(one, build.multiply(ratio, ratio)))
    return (build.divide(ct[0], build.multiply(longer, root)),)


ASINH = define_elementwise(
    "asinh", "The number whose hyperbolic sine is x.", 1, primitive("asinh"), np.arcsinh,
    _asinh_gradient, INEXACT, samples=_samples((*_REAL_LINE, 1e10, -1e10)),
)  # fmt: skip


def _acosh_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    # One root of the product would have the wrong sign for a complex x left of 0. And for a float
    # x below 1 these are NaN, as the function is, where the product is positive again below -1.
    x = operands[0]
    one = build.full_like(x, 1)
    below, above = build.rsqrt(build.subtract(x, one)), build.rsqrt(build.add(x, one))
    return (build.multiply(ct[0], build.multiply(below, above)),)


ACOSH = define_elementwise(
    "acosh", "The number of at least 0 whose hyperbolic cosine is x; NaN for a float below 1.", 1,
    primitive("acosh"), np.arccosh, _acosh_gradient, INEXACT,
    samples=_samples((1.0, 0.5, 0.0, 1.0001, 1e6, 1e30, np.inf, np.nan), low=1.2, high=5.0),
)  # fmt: skip


def _atanh_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    x = operands[0]
    one = build.full_like(x, 1)
    return (build.divide(build.divide(ct[0], build.add(one, x)), build.subtract(one, x)),)


ATANH = define_elementwise(
    "atanh", "The number whose hyperbolic tangent is x; NaN for a float outside [-1, 1].", 1,
    primitive("atanh"), np.arctanh, _atanh_gradient, INEXACT,
    samples=_samples((0.0, -0.0, 1.0, -1.0, 2.0, 1e-6, np.inf, np.nan), low=-0.9, high=0.9),
)  # fmt: skip

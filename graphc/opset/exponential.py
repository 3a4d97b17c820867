"""Exponentials, logarithms, roots and the functions made of them, element by element.

Source: StableHLO specification.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax import lax

from graphc.dtypes import F32
from graphc.ir.builder import Builder
from graphc.ir.op import OpCall, Sample, TracedLowering
from graphc.opset.elementwise_definition import Array, Cotangents, Values, define_elementwise
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import FLOATING, INEXACT


def _samples(
    edges: Sequence[float], low: float = -2.0, high: float = 2.0
) -> Callable[[], list[Sample]]:
    """Numbers of the domain, then its edges, where only agreement with JAX is asked for."""

    def make() -> list[Sample]:
        return [
            Sample((draw(2, 3, low=low, high=high),)),
            Sample((draw(low=low, high=high, salt=5),)),
            Sample((np.array(edges, np.float32),), differentiable=False),
        ]

    return make


_REAL_LINE = (0.0, -0.0, np.inf, -np.inf, np.nan, 1e-6, -1e-6, 30.0, -30.0)
_POSITIVE = (0.0, 1.0, np.inf, -1.0, np.nan, 1e-6, 1e6)

# --- exponential, exponential_minus_one, exp2 -----------------------------------------------------


def _exponential_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.multiply(ct[0], results[0]),)


EXPONENTIAL = define_elementwise(
    "exponential", "e to the power x.", 1, primitive("exp", accuracy=None), np.exp,
    _exponential_gradient, INEXACT, samples=_samples(_REAL_LINE),
)  # fmt: skip


def _exponential_minus_one_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    # not the result plus 1: where x is far below 0 that is 0, and e to the power x is not
    return (build.multiply(ct[0], build.exponential(operands[0])),)


EXPONENTIAL_MINUS_ONE = define_elementwise(
    "exponential_minus_one", "e to the power x, minus 1, exact near 0.", 1,
    primitive("expm1", accuracy=None), np.expm1, _exponential_minus_one_gradient, INEXACT,
    samples=_samples(_REAL_LINE),
)  # fmt: skip


def _exp2_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    y = results[0]
    return (build.multiply(build.multiply(ct[0], y), build.full_like(y, math.log(2))),)


def _exp2_lowering(call: OpCall, x: Any) -> Any:
    # JAX multiplies by log 2, which is off by 1/400 as a bfloat16: 2 to the power 30 by 4 %
    dtype = call.result.dtype
    narrow = dtype.is_floating and dtype.itemsize < F32.itemsize
    return lax.exp2(x.astype(F32.numpy)).astype(dtype.numpy) if narrow else lax.exp2(x)


EXP2 = define_elementwise(
    "exp2", "2 to the power x.", 1, TracedLowering(_exp2_lowering), np.exp2, _exp2_gradient,
    INEXACT, samples=_samples(_REAL_LINE),
)  # fmt: skip

# --- log, log_plus_one ----------------------------------------------------------------------------


def _log_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.divide(ct[0], operands[0]),)


LOG = define_elementwise(
    "log", "The natural logarithm.", 1, primitive("log", accuracy=None), np.log, _log_gradient,
    INEXACT, samples=_samples(_POSITIVE, low=0.1, high=3.0),
)  # fmt: skip


def _log_plus_one_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.divide(ct[0], build.add(operands[0], build.full_like(operands[0], 1))),)


LOG_PLUS_ONE = define_elementwise(
    "log_plus_one", "The natural logarithm of 1 + x, exact near 0.", 1,
    primitive("log1p", accuracy=None), np.log1p, _log_plus_one_gradient, INEXACT,
    samples=_samples((*_POSITIVE, -2.0), low=-0.9, high=3.0),
)  # fmt: skip

# --- logistic, tanh -------------------------------------------------------------------------------


def _logistic_reference(x: Array) -> Array:
    if x.dtype.kind == "c":
        return 1 / (1 + np.exp(-x))
    return np.exp(-np.logaddexp(np.zeros_like(x), -x))


def _logistic_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    y = results[0]
    slope = build.multiply(y, build.subtract(build.full_like(y, 1), y))
    return (build.multiply(ct[0], slope),)


LOGISTIC = define_elementwise(
    "logistic", "1 / (1 + e to the power -x), the sigmoid.", 1,
    primitive("logistic", accuracy=None), _logistic_reference, _logistic_gradient, INEXACT,
    samples=_samples(_REAL_LINE),
)  # fmt: skip


def _tanh_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    # (1 + y)(1 - y) keeps digits that 1 - y*y loses near 1 and -1
    y = results[0]
    sum_ = build.add(ct[0], build.multiply(ct[0], y))
    return (build.multiply(sum_, build.subtract(build.full_like(y, 1), y)),)


TANH = define_elementwise(
    "tanh", "The hyperbolic tangent.", 1, primitive("tanh", accuracy=None), np.tanh,
    _tanh_gradient, INEXACT, samples=_samples(_REAL_LINE),
)  # fmt: skip

# --- sqrt, rsqrt, cbrt ----------------------------------------------------------------------------


def _sqrt_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    y = results[0]
    return (build.multiply(ct[0], build.divide(build.full_like(y, 0.5), y)),)


SQRT = define_elementwise(
    "sqrt", "The square root.", 1, primitive("sqrt", accuracy=None), np.sqrt, _sqrt_gradient,
    INEXACT, samples=_samples(_POSITIVE, low=0.1, high=3.0),
)  # fmt: skip


def _rsqrt_reference(x: Array) -> Array:
    return 1 / np.sqrt(x)


def _rsqrt_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    x, y = operands[0], results[0]
    slope = build.multiply(build.full_like(x, -0.5), build.divide(y, x))
    return (build.multiply(ct[0], slope),)


RSQRT = define_elementwise(
    "rsqrt", "1 / the square root of x.", 1, primitive("rsqrt", accuracy=None),
    _rsqrt_reference, _rsqrt_gradient, INEXACT,
    samples=_samples(_POSITIVE, low=0.1, high=3.0),
)  # fmt: skip


def _cbrt_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    y = results[0]
    slope = build.divide(build.full_like(y, 1 / 3), build.multiply(y, y))
    return (build.multiply(ct[0], slope),)


CBRT = define_elementwise(
    "cbrt", "The real cube root.", 1, primitive("cbrt", accuracy=None), np.cbrt, _cbrt_gradient,
    FLOATING, samples=_samples((*_POSITIVE, -8.0), low=0.1, high=3.0),
)  # fmt: skip

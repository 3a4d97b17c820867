"""The incomplete gamma functions and derivatives of them, element by element.

Source: `jax.lax.igamma` and its kin, which are no ops of StableHLO; XLA gets them as loops. Where
the density of the gamma distribution at y underflows, `random_gamma_grad` is only the first term of
its series there, as in JAX: no number that was drawn from the distribution is that far out.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from graphc.errors import GradientError
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import NoGradient, OpCall, Sample, TracedLowering
from graphc.opset.elementwise_definition import Cotangents, Values, define_elementwise
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.special_functions import incomplete_gamma_references as references
from graphc.opset.type_rules import FLOATING


def _samples() -> list[Sample]:
    """One alone: XLA compiles these loops for seconds."""
    a = np.append(draw(5, low=0.3, high=5.0), np.array([20, 20, 50], np.float32))
    x = np.append(draw(5, low=0.1, high=9.0, salt=1), np.array([18, 30, 40], np.float32))
    return [Sample((a, x), rtol=1e-4)]


def _igamma_samples() -> list[Sample]:
    a = np.array([0, 0, 0.5, 0.01, 50, 2, -1, 0, np.nan, 1], np.float32)
    x = np.array([0.5, 2, 0, 1e-6, 1, -1, 2, 0, 1, np.nan], np.float32)
    return [*_samples(), Sample((a, x), differentiable=False, rtol=1e-4)]


# --- igamma, igammac ------------------------------------------------------------------------------


def _density(build: Builder, a: Value, x: Value) -> Value:
    """The derivative of igamma by x: x to the power a - 1, e to the power -x, over gamma(a)."""
    one = build.full_like(a, 1)
    power = build.multiply(build.subtract(a, one), build.log(x))
    # at x = 0 the power is 1 where a is 1, though no multiple of log 0 says so
    flat = build.compare(a, one, direction="EQ")
    power = build.select(flat, build.full_like(a, 0), power)
    return build.exponential(build.subtract(build.subtract(power, x), build.lgamma(a)))


def _igamma_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    a, x = operands
    for_a = build.multiply(ct[0], build.igamma_grad_a(a, x)) if call.wants(0) else None
    for_x = build.multiply(ct[0], _density(build, a, x)) if call.wants(1) else None
    return (for_a, for_x)


def _igamma_lowering(call: OpCall, a: Any, x: Any) -> Any:
    # JAX's is NaN for a = 0 and x below 1
    return jnp.where((a == 0) & (x > 0), 1, lax.igamma(a, x))


IGAMMA = define_elementwise(
    "igamma", "The regularized lower incomplete gamma function of shape x, at y.", 2,
    TracedLowering(_igamma_lowering), references.igamma, _igamma_gradient, FLOATING,
    samples=_igamma_samples,
)  # fmt: skip


def _igammac_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return _igamma_gradient(build, call, operands, results, [build.negate(ct[0])])


IGAMMAC = define_elementwise(
    "igammac", "1 - igamma(x, y), with all its digits where that is small.", 2,
    primitive("igammac"), references.igammac, _igammac_gradient, FLOATING,
    samples=_samples,
)  # fmt: skip

# --- igamma_grad_a, random_gamma_grad -------------------------------------------------------------


def _igamma_grad_a_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    if call.wants(0):
        raise call.error(GradientError, "the second derivative by the shape is not known")
    a, x = operands
    slope = build.subtract(build.log(x), build.digamma(a))
    return (None, build.multiply(ct[0], build.multiply(_density(build, a, x), slope)))


def _igamma_grad_a_lowering(call: OpCall, a: Any, x: Any) -> Any:
    # JAX's is NaN for an infinite x, where igamma is 1 whatever a is
    far = (x == jnp.inf) & (a > 0)
    return jnp.where(far, 0, lax.igamma_grad_a(a, jnp.where(far, 1, x)))


IGAMMA_GRAD_A = define_elementwise(
    "igamma_grad_a", "The derivative of igamma(x, y) with respect to x.", 2,
    TracedLowering(_igamma_grad_a_lowering), references.igamma_grad_a, _igamma_grad_a_gradient,
    FLOATING, samples=_samples,
)  # fmt: skip


def _random_gamma_grad_lowering(call: OpCall, a: Any, x: Any) -> Any:
    functions: Any = lax  # its annotations ask for a dtype that its wrapper gives
    return functions.random_gamma_grad(a, x)


RANDOM_GAMMA_GRAD = define_elementwise(
    "random_gamma_grad", "The derivative of a number y drawn from Gamma(x, 1) with respect to x.",
    2, TracedLowering(_random_gamma_grad_lowering), references.random_gamma_grad,
    NoGradient("its derivatives are not known; JAX has none either", is_error=True), FLOATING,
    samples=_samples,
)  # fmt: skip

"""The gamma function's logarithm and derivatives, and Hurwitz's zeta function, element by element.

Source: CHLO. Its zeta and polygamma are made for positive arguments, and wrong, without a NaN to
say so, for those below -9 (jax.lax.polygamma(1., -20.5) is -0.05, and should be 9.8). Here those
are computed from positive ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from graphc.dtypes import F32, F64
from graphc.errors import GradientError
from graphc.ir.builder import Builder
from graphc.ir.op import OpCall, Sample, TracedLowering
from graphc.opset.elementwise_definition import Cotangents, Values, define_elementwise
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.special_functions import gamma_references as references
from graphc.opset.type_rules import FLOATING

# to the left of these JAX's derivative of digamma, a polygamma, loses its digits
_SIDES = np.array([-0.5, -1.5, -2.25, -2.75, 0.25, 12.5], np.float32)


def _line_samples() -> list[Sample]:
    edges = np.array([0.0, 1.0, 2.0, -1.0, -3.0, 1e4, -20.25, np.inf, -np.inf, np.nan], np.float32)
    return [
        Sample((draw(2, 3, low=0.3, high=9.0),)),
        Sample((draw(low=0.3, high=9.0, salt=5),)),
        Sample((_SIDES,)),
        Sample((edges,), differentiable=False),
    ]


# --- lgamma, digamma ------------------------------------------------------------------------------


def _lgamma_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.multiply(ct[0], build.digamma(operands[0])),)


LGAMMA = define_elementwise(
    "lgamma", "The logarithm of the absolute value of the gamma function.", 1,
    primitive("lgamma"), references.lgamma, _lgamma_gradient, FLOATING, samples=_line_samples,
)  # fmt: skip


def _digamma_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    x = operands[0]
    return (build.multiply(ct[0], build.polygamma(build.full_like(x, 1), x)),)


DIGAMMA = define_elementwise(
    "digamma", "The derivative of lgamma; NaN at its poles -1, -2, and on; at 0 as XLA has it.", 1,
    primitive("digamma"), references.digamma, _digamma_gradient, FLOATING,
    samples=lambda: [*_line_samples()[:3], Sample(
        (np.array([0, -0.0, 1, -1, 1e4, 1e-6, -np.inf, np.nan], np.float32),),
        differentiable=False,
    )],
)  # fmt: skip

# --- zeta, polygamma ------------------------------------------------------------------------------


def _is_odd(x: Any) -> Any:
    return x != 2 * jnp.floor(x / 2)


def _from_positive(function: Callable[[Any, Any], Any], order: Any, x: Any, flips: Any) -> Any:
    """A sum over x, x + 1, … where x is negative, by sums over positive numbers.

    The terms left of 0 are those at minus what 1 - x, 2 - x, … lack of all that are left of 0 at
    minus `below`, `below` + 1, …

    Args:
        function: the sum, right for positive x and at its poles.
        order: its first operand.
        x: its second.
        flips: where a term changes its sign with its argument.
    """
    inside = (x < 0) & (x != jnp.floor(x))
    whole = function(order, jnp.where(inside, x - jnp.floor(x), x))
    below = function(order, jnp.where(inside, jnp.ceil(x) - x, 1))
    below = below - function(order, jnp.where(inside, 1 - x, 1))
    return jnp.where(inside, whole + jnp.where(flips, -below, below), whole)


def _zeta_lowering(call: OpCall, s: Any, q: Any) -> Any:
    s, q = _widened(s), _widened(q)
    found = _from_positive(lax.zeta, s, q, _is_odd(s))
    found = jnp.where((q < 0) & (s != jnp.floor(s)), jnp.nan, found)
    found = jnp.where((q == jnp.inf) & (s > 1) & (s < jnp.inf), 0, found)
    return jnp.where(jnp.isnan(q), jnp.nan, found).astype(call.result.dtype.numpy)


def _widened(x: Any) -> Any:
    """Narrow floats as float32: differences of two sums keep more digits than they have."""
    return x if x.dtype in (F32.numpy, F64.numpy) else x.astype(F32.numpy)


def _zeta_samples() -> list[Sample]:
    s = np.array([2, 3, 4, 2, 3], np.float32)
    q = np.array([-0.5, -1.5, -20.25, -7.75, 1e4], np.float32)
    return [
        Sample((draw(2, 3, low=1.2, high=6.0), draw(2, 3, low=0.3, high=9.0, salt=1))),
        Sample((draw(low=1.2, high=6.0, salt=5), draw(low=0.3, high=9.0, salt=6))),
        Sample((s, q), rtol=3e-5),
    ]


def _zeta_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    if call.wants(0):
        raise call.error(GradientError, "the derivative with respect to the exponent is not known")
    s, q = operands
    above = build.zeta(build.add(s, build.full_like(s, 1)), q)
    return (None, build.negate(build.multiply(build.multiply(ct[0], s), above)))


ZETA = define_elementwise(
    "zeta", "Hurwitz's zeta: the sum of (y + k) to the power -x over k = 0, 1, 2, and on.", 2,
    TracedLowering(_zeta_lowering), references.zeta, _zeta_gradient, FLOATING,
    samples=_zeta_samples,
)  # fmt: skip


def _polygamma_lowering(call: OpCall, m: Any, x: Any) -> Any:
    m, x = _widened(m), _widened(x)
    found = _from_positive(lax.polygamma, m, x, ~_is_odd(m))
    found = jnp.where((x == jnp.inf) & (m >= 1) & (m == jnp.floor(m)), 0, found)
    return found.astype(call.result.dtype.numpy)


def _polygamma_samples() -> list[Sample]:
    orders = np.array([[0, 1, 2], [3, 1, 4]], np.float32)
    m = np.array([1, 2, 3, 0, 1, 2, 1.5, -1, 1, np.nan], np.float32)
    x = np.array([-20.25, -20.25, -1.5, -9.75, 0, 0, 2, 2, np.nan, 1], np.float32)
    return [
        Sample((orders, draw(2, 3, low=0.5, high=9.0))),
        Sample((np.array(1, np.float32), draw(low=0.5, high=9.0, salt=5))),
        Sample((np.array([0, 1, 2, 1, 2, 1], np.float32), _SIDES)),
        Sample((m, x), differentiable=False, rtol=3e-5),
    ]


def _polygamma_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    if call.wants(0):
        raise call.error(GradientError, "the order is a whole number, and has no derivative")
    m, x = operands
    above = build.polygamma(build.add(m, build.full_like(m, 1)), x)
    return (None, build.multiply(ct[0], above))


POLYGAMMA = define_elementwise(
    "polygamma", "The derivative of order x of digamma, at y; NaN for an x that is no order.", 2,
    TracedLowering(_polygamma_lowering), references.polygamma, _polygamma_gradient, FLOATING,
    samples=_polygamma_samples,
)  # fmt: skip

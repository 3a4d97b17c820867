"""Identities of sums, products, powers, absolute values and the parts of complex numbers."""

from __future__ import annotations

from typing import Final

from graphc.rewriting.match import Match
from graphc.rewriting.rules import NOT_NEEDED, Equation, RuleCollector
from graphc.rewriting.terms import Captured, Splat, Tensor, op
from passes.known_values import is_never_negative
from passes.refusals import for_floats, for_integers, for_real, for_signed

_rules = RuleCollector("arithmetic")

_COMPLEX_PARTS: Final = "0 times an infinite part of a complex number is NaN"
_IMAGINARY_ZERO: Final = "the other part of the number is 0.0, and -0.0 + 0.0 is 0.0"
_UNSIGNED: Final = "unsigned numbers have no sign"
_SIGNED_ZERO: Final = "-0.0 + 0.0 is 0.0"
_INFINITY: Final = "it is NaN where x is infinite or NaN"
_WHOLE_QUOTIENT: Final = "whole quotients are rounded"

# --- sums -----------------------------------------------------------------------------------------


@_rules.equation("exact", for_real(_IMAGINARY_ZERO))
def add_negative_zero(x: Tensor) -> Equation:
    """X + -0.0 is x, even for x = -0.0."""
    return x + -0.0, x


@_rules.equation("exact", for_integers(_SIGNED_ZERO))
def add_zero(x: Tensor) -> Equation:
    """X + 0 is x for whole numbers."""
    return x + 0, x


@_rules.equation("exact")
def add_negated(x: Tensor, y: Tensor) -> Equation:
    """X + (-y) is x - y."""
    return x + -y, x - y


@_rules.equation("exact")
def add_broadcast_of_negated(x: Tensor, y: Tensor, shape: Captured, axes: Captured) -> Equation:
    """X + broadcast(-y) is x - broadcast(y)."""
    before = x + op.broadcast_in_dim(-y, shape=shape, broadcast_dimensions=axes)
    return before, x - op.broadcast_in_dim(y, shape=shape, broadcast_dimensions=axes)


@_rules.equation("exact")
def subtract_negated(x: Tensor, y: Tensor) -> Equation:
    """X - (-y) is x + y."""
    return x - -y, x + y


def _not_both_constant(match: Match) -> str | None:
    if match.scope.splat(match["x"]) is not None:
        return NOT_NEEDED
    return for_signed(_UNSIGNED)(match)


@_rules.equation("exact", _not_both_constant)
def subtract_constant(x: Tensor, c: Splat) -> Equation:
    """X - c is x + (-c), so that sums with constants have one form."""
    return x - c, x + -c


@_rules.equation("exact", for_integers(_INFINITY))
def subtract_itself(x: Tensor) -> Equation:
    """X - x is 0 for whole numbers."""
    return x - x, 0


@_rules.equation("exact", for_real(_IMAGINARY_ZERO))
def subtract_from_negative_zero(x: Tensor) -> Equation:
    """-0.0 - x is -x."""
    return -0.0 - x, -x


@_rules.equation("exact", for_integers("0.0 - 0.0 is 0.0, and -(0.0) is -0.0"))
def subtract_from_zero(x: Tensor) -> Equation:
    """0 - x is -x for whole numbers."""
    return 0 - x, -x


@_rules.equation("exact", for_integers("x - x is 0.0, and -(x - x) is -0.0"))
def negate_difference(x: Tensor, y: Tensor) -> Equation:
    """-(x - y) is y - x for whole numbers."""
    return -(x - y), y - x


@_rules.equation("exact")
def double_negation(x: Tensor) -> Equation:
    """-(-x) is x."""
    return op.negate(-x), x


# --- products -------------------------------------------------------------------------------------


@_rules.equation("exact", for_real(_COMPLEX_PARTS))
def multiply_by_one(x: Tensor) -> Equation:
    """X * 1 is x."""
    return x * 1, x


@_rules.equation("exact", for_real(_COMPLEX_PARTS))
def multiply_by_minus_one(x: Tensor) -> Equation:
    """X * -1 is -x."""
    return x * -1, -x


@_rules.equation("exact", for_integers(_INFINITY))
def multiply_by_zero(x: Tensor) -> Equation:
    """X * 0 is 0 for whole numbers."""
    return x * 0, 0


@_rules.equation("exact", for_real(_COMPLEX_PARTS))
def divide_by_one(x: Tensor) -> Equation:
    """X / 1 is x."""
    return x / 1, x


@_rules.equation("exact", for_floats("the least whole number has no negative"))
def divide_by_minus_one(x: Tensor) -> Equation:
    """X / -1 is -x."""
    return x / -1, -x


@_rules.equation("exact", for_real(_COMPLEX_PARTS))
def multiply_negated_by_negated(x: Tensor, y: Tensor) -> Equation:
    """(-x) * (-y) is x * y."""
    return (-x) * (-y), x * y


@_rules.equation("exact", for_floats(_WHOLE_QUOTIENT))
def divide_negated_by_negated(x: Tensor, y: Tensor) -> Equation:
    """(-x) / (-y) is x / y."""
    return -x / -y, x / y


@_rules.equation("exact", for_real(_COMPLEX_PARTS))
def multiply_negated_by_constant(x: Tensor, c: Splat) -> Equation:
    """(-x) * c is x * (-c)."""
    return -x * c, x * -c


@_rules.equation("exact", for_floats(_WHOLE_QUOTIENT))
def divide_negated_by_constant(x: Tensor, c: Splat) -> Equation:
    """(-x) / c is x / (-c)."""
    return -x / c, x / -c


@_rules.equation("exact", for_floats(_WHOLE_QUOTIENT))
def divide_constant_by_negated(x: Tensor, c: Splat) -> Equation:
    """C / (-x) is (-c) / x."""
    return c / -x, -c / x


@_rules.equation("exact", for_real(_COMPLEX_PARTS))
def negate_multiple(x: Tensor, c: Splat) -> Equation:
    """-(x * c) is x * (-c)."""
    return -(x * c).used_once(), x * -c


@_rules.equation("exact", for_floats(_WHOLE_QUOTIENT))
def negate_quotient_by_constant(x: Tensor, c: Splat) -> Equation:
    """-(x / c) is x / (-c)."""
    return -(x / c).used_once(), x / -c


@_rules.equation("exact", for_floats(_WHOLE_QUOTIENT))
def negate_quotient_of_constant(x: Tensor, c: Splat) -> Equation:
    """-(c / x) is (-c) / x."""
    return -(c / x).used_once(), -c / x


@_rules.equation("exact", for_real(_COMPLEX_PARTS))
def multiply_negated(x: Tensor, y: Tensor) -> Equation:
    """(-x) * y is -(x * y)."""
    return (-x).used_once() * y, -(x * y)


@_rules.equation("exact", for_floats(_WHOLE_QUOTIENT))
def divide_negated(x: Tensor, y: Tensor) -> Equation:
    """(-x) / y is -(x / y)."""
    return (-x).used_once() / y, -(x / y)


@_rules.equation("exact", for_floats(_WHOLE_QUOTIENT))
def divide_by_negated(x: Tensor, y: Tensor) -> Equation:
    """X / (-y) is -(x / y)."""
    return x / (-y).used_once(), -(x / y)


@_rules.equation("reassociates", for_floats(_WHOLE_QUOTIENT))
def multiply_by_reciprocal(x: Tensor, y: Tensor) -> Equation:
    """X * (1 / y) is x / y."""
    return x * (1 / y).used_once(), x / y


@_rules.equation("reassociates", for_floats(_WHOLE_QUOTIENT))
def divide_by_reciprocal(x: Tensor, y: Tensor) -> Equation:
    """X / (1 / y) is x * y."""
    return x / (1 / y), x * y


@_rules.equation("reassociates", for_floats("complex roots have branches"))
def reciprocal_of_square_root(x: Tensor) -> Equation:
    """1 / sqrt(x) is rsqrt(x)."""
    return 1 / op.sqrt(x), op.rsqrt(x)


@_rules.equation("exact", for_integers("the remainder of a float is its fraction"))
def remainder_by_one(x: Tensor) -> Equation:
    """X mod 1 is 0 for whole numbers."""
    return op.remainder(x, 1), 0


# --- powers ---------------------------------------------------------------------------------------


@_rules.equation("exact", for_floats("a complex power is computed by logarithms"))
def power_of_one(x: Tensor) -> Equation:
    """X ** 1 is x."""
    return x**1, x


@_rules.equation("exact", for_floats("a complex power is computed by logarithms"))
def power_of_zero(x: Tensor) -> Equation:
    """X ** 0 is 1, for every x."""
    return x**0, 1


@_rules.equation("reassociates", for_floats("a complex power is computed by logarithms"))
def power_of_two(x: Tensor) -> Equation:
    """X ** 2 is x * x."""
    return x**2, x * x


@_rules.equation("reassociates", for_floats("a complex power is computed by logarithms"))
def power_of_minus_one(x: Tensor) -> Equation:
    """X ** -1 is 1 / x."""
    return x**-1, 1 / x


def _is_not_negative(match: Match) -> str | None:
    base = match.operands()[0]
    if not base.type.dtype.is_floating:
        return "complex roots have branches"
    if not is_never_negative(base, match.scope):
        return "it may be minus infinity, whose power is infinite, and which has no square root"
    return None


@_rules.equation("reassociates", _is_not_negative)
def power_of_half(x: Tensor) -> Equation:
    """X ** 0.5 is sqrt(x), where x is a square, a sum of such, or never negative otherwise."""
    return x**0.5, op.sqrt(x)


@_rules.equation("reassociates", _is_not_negative)
def power_of_minus_half(x: Tensor) -> Equation:
    """X ** -0.5 is rsqrt(x), where x is never negative."""
    return x**-0.5, op.rsqrt(x)


# --- absolute values, complex numbers, identities -------------------------------------------------


@_rules.equation("exact")
def absolute_value_of_negated(x: Tensor) -> Equation:
    """|-x| is |x|."""
    return op.abs(-x), op.abs(x)


@_rules.equation("exact")
def absolute_value_twice(x: Tensor) -> Equation:
    """||x|| is |x|."""
    return op.abs(op.abs(x)), op.abs(x)


@_rules.equation("exact")
def real_part_of_complex(x: Tensor, y: Tensor) -> Equation:
    """The real part of x + i y is x."""
    return op.real(op.complex(x, y)), x


@_rules.equation("exact")
def imaginary_part_of_complex(x: Tensor, y: Tensor) -> Equation:
    """The imaginary part of x + i y is y."""
    return op.imag(op.complex(x, y)), y


@_rules.equation("exact")
def complex_of_parts(x: Tensor) -> Equation:
    """A complex number put together from its own parts."""
    return op.complex(op.real(x), op.imag(x)), x


@_rules.equation("exact")
def conjugate_twice(x: Tensor) -> Equation:
    """The conjugate of the conjugate."""
    return op.conj(op.conj(x)), x


@_rules.equation("exact")
def stop_gradient_twice(x: Tensor) -> Equation:
    """One stop is enough."""
    return op.stop_gradient(op.stop_gradient(x)), op.stop_gradient(x)


ARITHMETIC = _rules.rule_set()

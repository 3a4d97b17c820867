"""Greatest common divisors and least common multiples of integers."""

from __future__ import annotations

from typing import Any

from graphc.errors import DTypeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import absolute, fmod, multiply
from graphc.ops.broadcasting import aligned, apply
from graphc.ops.comparison import equal, not_equal, where
from graphc.ops.identities import named
from graphc.ops.loops import while_loop
from graphc.ops.reductions import any as any_of
from graphc.ops.tensor import Tensor


def _whole_operands(x1: Any, x2: Any, what: str) -> list[Tensor]:
    operands = aligned((x1, x2))
    if not operands[0].dtype.is_integer:
        raise DTypeError(
            f"{what}() takes integers",
            given=" and ".join(str(operand.value.type) for operand in operands),
            expected="integers",
            fix="cast with ops.cast",
            origin=capture_origin(),
        )
    return operands


def _common_divisor(left: Tensor, right: Tensor) -> Tensor:
    """Euclid's algorithm on all pairs at once, until no remainder is left."""

    def is_left(larger: Tensor, smaller: Tensor) -> Tensor:
        return any_of(not_equal(smaller, 0))

    def divide_once(larger: Tensor, smaller: Tensor) -> tuple[Tensor, Tensor]:
        done = equal(smaller, 0)
        remainder = fmod(larger, where(done, 1, smaller))
        return where(done, larger, smaller), where(done, smaller, remainder)

    divisor, _ = while_loop(is_left, divide_once, (left, right), name="gcd")
    return absolute(divisor)


def gcd(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The greatest integer of at least 0 that divides both; 0 for two zeros.

    Raises:
        DTypeError: floats, complex numbers or truth values.
    """
    return named(_common_divisor(*_whole_operands(x1, x2, "gcd")), name or "gcd")


def lcm(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The least integer above 0 that both divide; 0 where one of them is 0.

    Raises:
        DTypeError: floats, complex numbers or truth values.
    """
    left, right = _whole_operands(x1, x2, "lcm")
    divisor = _common_divisor(left, right)
    part = apply("divide", left, where(equal(divisor, 0), 1, divisor))
    return absolute(multiply(part, right), name or "lcm")

"""Checks that several rules share: for which element types a rule holds, and why not for others."""

from __future__ import annotations

import math
from collections.abc import Callable

from graphc.dtypes import DType
from graphc.ir.node import Value
from graphc.rewriting.match import Match, MatchScope
from graphc.rewriting.rules import Check
from passes.known_values import smallest_normal


def for_integers(why: str) -> Check:
    """Holds for whole numbers, which overflow by wrapping around, and for truth values.

    Args:
        why: why it does not hold for floats.
    """
    return _for(lambda dtype: not dtype.is_inexact, why)


def for_floats(why: str) -> Check:
    """Holds for floats alone."""
    return _for(lambda dtype: dtype.is_floating, why)


def for_signed(why: str) -> Check:
    """Holds where a number can be negative."""
    return _for(lambda dtype: dtype.kind not in ("unsigned", "bool"), why)


def for_real(why: str) -> Check:
    """Holds for all but complex numbers."""
    return _for(lambda dtype: not dtype.is_complex, why)


def _for(holds: Callable[[DType], bool], why: str) -> Check:
    def check(match: Match) -> str | None:
        operands = match.operands()
        dtype = operands[0].type.dtype if operands else match.type.dtype
        return None if holds(dtype) else why

    return check


def is_constant(value: Value, scope: MatchScope) -> bool:
    """Whether a value is a constant, or one number at every position."""
    return value.node.op.name == "constant" or scope.splat(value) is not None


def is_normal(number: object, dtype: DType) -> bool:
    """Whether a float is finite and far enough from zero to have all its digits."""
    try:
        size = abs(float(number))  # type: ignore[arg-type]
    except OverflowError:
        return False
    return math.isfinite(size) and size >= smallest_normal(dtype)

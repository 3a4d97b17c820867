"""Identities of comparison, selection, bounds and conversion between element types."""

from __future__ import annotations

import math
from typing import Final

from graphc.dtypes import DType
from graphc.ir.node import Value
from graphc.rewriting.match import Match
from graphc.rewriting.rules import NOT_NEEDED, Equation, RuleCollector
from graphc.rewriting.terms import (
    Captured,
    Constant,
    Splat,
    Tensor,
    attribute,
    op,
    splats,
    variables,
)
from passes.refusals import for_integers, is_constant

_rules = RuleCollector("choices")
_x, _y, _p = variables("x", "y", "p")
(_c,) = splats("c")

# --- order of operands ----------------------------------------------------------------------------

COMMUTATIVE: Final = ("add", "multiply", "maximum", "minimum", "and", "or", "xor")


def _other_is_variable(match: Match) -> str | None:
    return NOT_NEEDED if is_constant(match["x"], match.scope) else None


def _constant_right(op_name: str) -> None:
    def rewrite(match: Match) -> Value:
        return getattr(match.build, op_name)(match["x"], match["c"])

    rewrite.__name__ = f"constant_right_of_{op_name}"
    rewrite.__doc__ = "A constant stands right."
    terms = [op(op_name, constant, _x).in_order() for constant in (Splat("c"), Constant("c"))]
    _rules.rewrite("exact", *terms, check=_other_is_variable)(rewrite)


for _name in COMMUTATIVE:
    _constant_right(_name)

MIRRORED: Final = {"LT": "GT", "LE": "GE", "GT": "LT", "GE": "LE", "EQ": "EQ", "NE": "NE"}
_OPPOSITE: Final = {"LT": "GE", "LE": "GT", "GT": "LE", "GE": "LT", "EQ": "NE", "NE": "EQ"}


def _mirrored(match: Match) -> Value:
    direction = MIRRORED[match.attribute("direction")]
    return match.build.compare(match["x"], match["c"], direction=direction)


@_rules.rewrite(
    "exact",
    op.compare(_c, _x, direction=attribute("direction")),
    op.compare(Constant("c"), _x, direction=attribute("direction")),
    check=_other_is_variable,
)
def compare_with_constant_right(match: Match) -> Value:
    """C < x is x > c."""
    return _mirrored(match)


def _neither_is_constant(match: Match) -> str | None:
    if any(is_constant(match[name], match.scope) for name in ("x", "c")):
        return NOT_NEEDED
    return None


@_rules.rewrite(
    "exact",
    op.compare(Tensor("c"), _x, direction=attribute("direction", lambda d: d in ("GT", "GE"))),
    check=_neither_is_constant,
)
def compare_upwards(match: Match) -> Value:
    """X > y is y < x."""
    return _mirrored(match)


# --- comparisons ----------------------------------------------------------------------------------

_NAN: Final = "NaN is neither equal to itself nor ordered"


@_rules.equation("exact", for_integers(_NAN))
def equal_to_itself(x: Tensor) -> Equation:
    """X == x is true for whole numbers."""
    return op.compare(x, x, direction=attribute("d", lambda d: d in ("EQ", "LE", "GE"))), True


@_rules.equation("exact", for_integers(_NAN))
def differs_from_itself(x: Tensor) -> Equation:
    """X != x is false for whole numbers."""
    return op.compare(x, x, direction=attribute("d", lambda d: d in ("NE", "LT", "GT"))), False


def _is_total(match: Match) -> str | None:
    if match.attribute("direction") in ("EQ", "NE") or not match["x"].type.dtype.is_inexact:
        return None
    return _NAN


@_rules.rewrite(
    "exact", op("not", op.compare(_x, _y, direction=attribute("direction"))), check=_is_total
)
def not_of_comparison(match: Match) -> Value:
    """Not (x == y) is x != y; not (x < y) is x >= y for whole numbers."""
    direction = _OPPOSITE[match.attribute("direction")]
    return match.build.compare(match["x"], match["y"], direction=direction)


# --- maximum, minimum -----------------------------------------------------------------------------


@_rules.equation("exact")
def maximum_of_one(x: Tensor) -> Equation:
    """max(x, x) is x."""
    return op.maximum(x, x), x


@_rules.equation("exact")
def minimum_of_one(x: Tensor) -> Equation:
    """min(x, x) is x."""
    return op.minimum(x, x), x


@_rules.equation("exact")
def maximum_with_least(x: Tensor) -> Equation:
    """max(x, -infinity) is x, also for NaN."""
    return op.maximum(x, -math.inf), x


@_rules.equation("exact")
def minimum_with_greatest(x: Tensor) -> Equation:
    """min(x, infinity) is x, also for NaN."""
    return op.minimum(x, math.inf), x


# --- select ---------------------------------------------------------------------------------------


@_rules.equation("exact")
def select_equal(p: Tensor, x: Tensor) -> Equation:
    """A choice between x and x."""
    return op.select(p, x, x), x


@_rules.equation("exact")
def select_always(x: Tensor, y: Tensor) -> Equation:
    """A choice that is always the first."""
    return op.select(True, x, y), x


@_rules.equation("exact")
def select_never(x: Tensor, y: Tensor) -> Equation:
    """A choice that is always the second."""
    return op.select(False, x, y), y


@_rules.equation("exact")
def select_by_negation(p: Tensor, x: Tensor, y: Tensor) -> Equation:
    """A choice by not p is the opposite choice by p."""
    return op.select(~p, x, y), op.select(p, y, x)


@_rules.equation("exact")
def select_within_first(p: Tensor, x: Tensor, y: Tensor, z: Tensor) -> Equation:
    """Where p holds, an inner choice by p is its first."""
    return op.select(p, op.select(p, x, y), z), op.select(p, x, z)


@_rules.equation("exact")
def select_within_second(p: Tensor, x: Tensor, y: Tensor, z: Tensor) -> Equation:
    """Where p does not hold, an inner choice by p is its second."""
    return op.select(p, x, op.select(p, y, z)), op.select(p, x, z)


def _predicate_like_result(match: Match) -> str | None:
    return None if match["p"].type is match.type else "one truth value chooses for a whole tensor"


@_rules.equation("exact", _predicate_like_result)
def select_true_or_false(p: Tensor) -> Equation:
    """True where p, else false: p."""
    return op.select(p, True, False), p


@_rules.equation("exact", _predicate_like_result)
def select_false_or_true(p: Tensor) -> Equation:
    """False where p, else true: not p."""
    return op.select(p, False, True), ~p


# --- convert --------------------------------------------------------------------------------------


def _has_same_type(match: Match) -> str | None:
    return None if match["x"].type is match.type else NOT_NEEDED


@_rules.equation("exact", _has_same_type)
def convert_to_same(x: Tensor, dtype: Captured) -> Equation:
    """A conversion to the element type that x has."""
    return op.convert(x, dtype=dtype), x


def holds_exactly(narrow: DType, wide: DType) -> bool:
    """Whether every number of one element type is a number of another."""
    if narrow is wide or narrow.kind == "bool":
        return True
    if wide.kind == "bool":
        return False
    if narrow.is_complex:
        return wide.is_complex and wide.itemsize >= narrow.itemsize
    if narrow.is_integer and wide.is_integer:
        if narrow.kind == wide.kind:
            return wide.itemsize >= narrow.itemsize
        return wide.kind == "signed" and wide.itemsize > narrow.itemsize
    digits, exponent = _FLOATS.get(wide.name, (0, 0))
    if narrow.is_integer:
        bits = 8 * narrow.itemsize - (narrow.kind == "signed")
        return bits <= digits and bits < exponent
    mine, my_exponent = _FLOATS[narrow.name]
    # A wider range of exponents holds the subnormal numbers as well.
    return mine <= digits and my_exponent <= exponent


# Digits of the significand, and the exponent above the greatest number.
_FLOATS: Final = {
    "float8_e4m3fn": (4, 9),
    "float8_e5m2": (3, 16),
    "bfloat16": (8, 128),
    "float16": (11, 16),
    "float32": (24, 128),
    "float64": (53, 1024),
    "complex64": (24, 128),
    "complex128": (53, 1024),
}


def _loses_nothing(match: Match) -> str | None:
    first, last = match["x"].type.dtype, match.type.dtype
    middle: DType = match.attribute("middle")
    if middle.is_complex and last.kind == "bool":
        return "a complex number is compared with zero"
    if not holds_exactly(first, middle):
        return f"{middle} does not hold every {first}"
    wraps = first.is_integer and last.is_integer and not holds_exactly(first, last)
    if wraps and not middle.is_integer:
        return f"a {middle} that is too large becomes the greatest {last}, a {first} wraps around"
    return None


@_rules.rewrite(
    "exact", op.convert(op.convert(_x, dtype=attribute("middle"))), check=_loses_nothing
)
def convert_twice(match: Match) -> Value:
    """A conversion by way of a type that holds every number of the first."""
    return match.build.convert(match["x"], dtype=match.type.dtype)


CHOICES = _rules.rule_set()

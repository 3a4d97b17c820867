"""Gathering the constants of a sum, and of a chain of products and quotients, in one.

Whole numbers wrap around, so for them every bit stays. Floats are rounded once where they were
rounded twice; a rule refuses where the one constant would overflow or lose digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from graphc.ir.node import Value
from graphc.rewriting.match import Match
from graphc.rewriting.rules import Check, Numerics, RuleCollector
from graphc.rewriting.terms import Operation, splats, variables
from passes.refusals import is_normal

_rules = RuleCollector("gathering")
_x = variables("x")[0]
_a, _b = splats("a", "b")

_Combine = Callable[[Any, Any], Any]


def _combined(match: Match, combine: _Combine) -> Any:
    with np.errstate(all="ignore"):
        return combine(match.number("a"), match.number("b"))


def _for_integers(match: Match) -> str | None:
    return None if match.type.dtype.is_integer else "not whole numbers: they are rounded"


def _keeps_digits(combine: _Combine) -> Check:
    def check(match: Match) -> str | None:
        dtype = match.type.dtype
        if not dtype.is_floating:
            return "neither floats nor whole numbers"
        number = _combined(match, combine)
        if is_normal(number, dtype) or (number == 0 and combine in (np.add, np.subtract)):
            return None
        return f"the gathered constant would be {float(number)}"

    return check


def _gather(
    name: str,
    doc: str,
    numerics: Numerics,
    pattern: Operation,
    combine: _Combine,
    rewrite: Callable[[Match, Value], Value],
) -> None:
    def gather(match: Match) -> Value:
        return rewrite(match, match.full(_combined(match, combine), like=match["a"]))

    gather.__name__, gather.__doc__ = name, doc
    check = _for_integers if numerics == "exact" else _keeps_digits(combine)
    _rules.rewrite(numerics, pattern, check=check)(gather)


def _plus(match: Match, constant: Value) -> Value:
    return match.build.add(match["x"], constant)


def _minus_x(match: Match, constant: Value) -> Value:
    return match.build.subtract(constant, match["x"])


def _times(match: Match, constant: Value) -> Value:
    return match.build.multiply(match["x"], constant)


def _over(match: Match, constant: Value) -> Value:
    return match.build.divide(match["x"], constant)


_ROWS: Final[tuple[tuple[str, str, Operation, _Combine, Any, bool], ...]] = (
    # name, doc, pattern, how the constants combine, what is built, whether it holds for integers
    ("sum", "(x + a) + b is x + (a + b).", (_x + _a) + _b, np.add, _plus, True),
    ("difference_plus", "(a - x) + b is (a + b) - x.", (_a - _x) + _b, np.add, _minus_x, True),
    ("minus_sum", "a - (x + b) is (a - b) - x.", _a - (_x + _b), np.subtract, _minus_x, True),
    ("minus_difference", "a - (b - x) is x + (a - b).", _a - (_b - _x), np.subtract, _plus, True),
    ("product", "(x * a) * b is x * (a * b).", (_x * _a) * _b, np.multiply, _times, True),
    ("quotient", "(x / a) / b is x / (a * b).", (_x / _a) / _b, np.multiply, _over, False),
    ("product_over", "(x * a) / b is x * (a / b).", (_x * _a) / _b, np.divide, _times, False),
    ("quotient_times", "(x / b) * a is x * (a / b).", (_x / _b) * _a, np.divide, _times, False),
)

for _name, _doc, _pattern, _combine, _build, _holds_for_integers in _ROWS:
    if _holds_for_integers:
        _gather(f"gather_whole_{_name}", _doc, "exact", _pattern, _combine, _build)
    _gather(f"gather_{_name}", _doc, "reassociates", _pattern, _combine, _build)

GATHERING = _rules.rule_set()

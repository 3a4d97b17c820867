"""Stable forms of logarithms and exponentials, element by element.

The building blocks: `softplus(x) = log(1 + e^x)`, `logistic(x) = 1 / (1 + e^-x)`,
`log_plus_one(x) = log(1 + x)`, `exponential_minus_one(x) = e^x - 1`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from graphc.ir.node import Value
from graphc.rewriting.match import Match
from graphc.rewriting.rules import Numerics, RuleCollector
from graphc.rewriting.terms import Operation, Term, TermLike, op, variables
from passes.refusals import for_floats

_rules = RuleCollector("exponentials")
_x = variables("x")[0]
_floats: Final = for_floats("logarithms of complex numbers have branches")


def _define(
    name: str,
    doc: str,
    after: TermLike,
    *before: Operation,
    numerics: Numerics = "stabilises",
    check: Callable[[Match], str | None] = _floats,
) -> None:
    """One rule with every spelling of its left side."""
    _rules.add(name, doc, before, after, numerics, check)


def _one_plus(term: Term) -> Operation:
    return term + 1


def _minus_one(term: Term) -> tuple[Operation, Operation]:
    """The spellings of `term - 1`."""
    return term + -1, term - 1


def _minus(left: Term, right: Term) -> tuple[Operation, Operation]:
    """The spellings of `left - right`."""
    return left - right, left + (-right)


def _one_minus(term: Term) -> tuple[Operation, Operation]:
    """The spellings of `1 - term`."""
    return 1 - term, -term + 1


_exp = op.exponential(_x)
_exp_of_minus = op.exponential(-_x)
_logistic = op.logistic(_x)

# --- log ------------------------------------------------------------------------------------------

_define("log_of_exponential", "log(e^x) is x.", _x, op.log(_exp))
_define(
    "log_of_logistic",
    "log(logistic(x)) is -softplus(-x).",
    -op.softplus(-_x),
    op.log(_logistic),
)
_define(
    "log_of_one_minus_logistic",
    "log(1 - logistic(x)) is -softplus(x).",
    -op.softplus(_x),
    *[op.log(term) for term in _one_minus(_logistic)],
    op.log_plus_one(-_logistic),
)


def _is_new(match: Match) -> str | None:
    # e^-|x| neither overflows nor is far from the truth: softplus itself is made of it.
    if _is_minus_absolute(match, match["x"]):
        return "e^-|x| is at most 1: this is stable already"
    return _floats(match)


def _is_minus_absolute(match: Match, value: Value) -> bool:
    """Whether a value is -|x|, or the choice of -x and x that softplus makes."""
    name = value.node.op.name
    if name == "negate":
        return match.operands(value)[0].node.op.name == "abs"
    if name != "select":
        return False
    _, negated, plain = match.operands(value)
    return negated.node.op.name == "negate" and match.operands(negated)[0] is plain


_define(
    "log_of_one_plus_exponential",
    "log(1 + e^x) is softplus(x).",
    op.softplus(_x),
    op.log(_one_plus(_exp)),
    op.log_plus_one(_exp),
    check=_is_new,
)
_define(
    "log_of_one_plus",
    "log(1 + x) is log_plus_one(x).",
    op.log_plus_one(_x),
    op.log(_one_plus(_x)),
)
_define(
    "log_of_one_minus",
    "log(1 - x) is log_plus_one(-x).",
    op.log_plus_one(-_x),
    op.log(1 - _x),
)

# --- softplus -------------------------------------------------------------------------------------

_softplus = op.softplus(_x)

_define(
    "log_sigmoid",
    "log_sigmoid(x) is -softplus(-x).",  # one form for the rules below to see
    -op.softplus(-_x),
    op.log_sigmoid(_x),
    numerics="exact",
)
_define(
    "softplus_minus_argument",
    "softplus(x) - x is softplus(-x).",
    op.softplus(-_x),
    *_minus(_softplus, _x),
)
_define(
    "argument_minus_softplus",
    "x - softplus(x) is -softplus(-x).",
    -op.softplus(-_x),
    *_minus(_x, _softplus),
)
_define(
    "softplus_of_negated_plus_argument",
    "softplus(-x) + x is softplus(x).",
    _softplus,
    op.softplus(-_x) + _x,
)
_define(
    "softplus_of_parts",
    "max(x, 0) + log(1 + e^-|x|) is softplus(x).",
    _softplus,
    op.maximum(_x, 0) + op.log_plus_one(op.exponential(-op.abs(_x))),
    op.relu(_x) + op.log_plus_one(op.exponential(-op.abs(_x))),
    numerics="reassociates",
)
_define(
    "exponential_of_minus_softplus",
    "e^-softplus(x) is logistic(-x).",
    op.logistic(-_x),
    op.exponential(-_softplus),
    numerics="reassociates",
)

# --- logistic -------------------------------------------------------------------------------------

_define(
    "reciprocal_of_one_plus_exponential",
    "1 / (1 + e^x) is logistic(-x).",
    op.logistic(-_x),
    1 / _one_plus(_exp),
    _one_plus(_exp) ** -1,
)
_define(
    "exponential_over_one_plus_exponential",
    "e^x / (1 + e^x) is logistic(x).",
    _logistic,
    _exp / _one_plus(_exp),
)
_define(
    "one_minus_logistic",
    "1 - logistic(x) is logistic(-x).",
    op.logistic(-_x),
    *_one_minus(_logistic.used_once()),
)

# --- e^x - 1, and what cancels like it ------------------------------------------------------------

_define(
    "exponential_minus_one",
    "e^x - 1 is exponential_minus_one(x).",
    op.exponential_minus_one(_x),
    *_minus_one(_exp),
)
_define(
    "one_minus_exponential",
    "1 - e^x is -exponential_minus_one(x).",
    -op.exponential_minus_one(_x),
    *_one_minus(_exp),
)
_define(
    "quotient_of_hyperbolic",
    "(e^x - e^-x) / (e^x + e^-x) is tanh(x).",
    op.tanh(_x),
    *[term / (_exp + _exp_of_minus) for term in _minus(_exp, _exp_of_minus)],
)
_define(
    "root_of_square",
    "sqrt(x * x) is |x|.",
    op.abs(_x),
    op.sqrt(_x * _x),
    op.sqrt(_x**2),
)

EXPONENTIALS = _rules.rule_set()

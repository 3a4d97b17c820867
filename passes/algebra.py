"""Algebra: identities of arithmetic, comparison, choice and logic, up to the rounding they declare.

The canonical form, which no rule of another set undoes:

* A constant stands right of a commutative op and of a comparison. Other operands keep the order in
  which they were written: an order by position or by content would differ from one repeated block
  to the next. `common_subexpressions` sees `x*y` and `y*x` as one all the same.
* `x - c` is `x + (-c)` for a constant c; `x + (-y)` is `x - y`. Both are exact.
* Signs stand outside of products (`(-x)*y` is `-(x*y)`) and inside constants (`-(x*c)` is
  `x*(-c)`).
* `x > y` is `y < x`, and `x >= y` is `y <= x`, unless a constant has to stand right.
* Constants of a sum, and of a chain of products and quotients, are gathered in one.

What holds for real numbers does not always hold for floats. `x * 0` is NaN for an infinite x,
`x - x` too, `x / x` also for 0, and `-0.0 + 0.0` is `0.0`: those rules are for integers only, and
say so when they refuse.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphc.rewriting.rule_pass import RulePass
from graphc.rewriting.rules import RuleSet
from passes.constant_gathering import GATHERING
from passes.rules.arithmetic import ARITHMETIC
from passes.rules.choice import CHOICES
from passes.rules.logic import LOGIC

RULES = RuleSet("algebra", (*ARITHMETIC, *GATHERING, *CHOICES, *LOGIC))


@dataclass(frozen=True)
class Algebra(RulePass):
    """Applies identities of arithmetic, comparison, choice and logic."""

    rules: RuleSet = RULES

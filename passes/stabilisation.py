"""Stabilisation: the same mathematics in a form that neither overflows nor cancels.

XLA computes what is written: `log(softmax(x))` is minus infinity where softmax rounds to 0,
`log(1 + exp(x))` is infinite for x = 100, `exp(x) - 1` is 0 for x = 1e-9. Each rule here takes a
formula as people write it to one whose value is right wherever the formula's is, and where it is
not. Constants may stand on either side, and differences may be written as sums: every spelling is
matched, also when `algebra` does not run.

All rules are for floats only: logarithms of complex numbers have branches.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphc.rewriting.rule_pass import RulePass
from graphc.rewriting.rules import RuleSet
from passes.rules.exponential import EXPONENTIALS
from passes.rules.softmax import SOFTMAX

RULES = RuleSet("stabilisation", (*SOFTMAX, *EXPONENTIALS))


@dataclass(frozen=True)
class Stabilisation(RulePass):
    """Rewrites formulas that overflow or cancel to forms that do not."""

    rules: RuleSet = RULES

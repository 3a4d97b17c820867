"""Shape simplification: moves of elements that cancel, merge, or come later.

The canonical form, which no rule of another set undoes:

* At most one reshape, transpose, broadcast, slice or reverse in a row.
* What is computed element by element is computed before it is repeated, and before axes of size 1
  are inserted.
* Axes of size 1 are inserted by a reshape where nothing is repeated, and by the broadcast itself
  where something is.
* A matrix product takes its axes where they are: no transpose stands before it unless the order of
  its own result would change.

Sizes may be symbolic everywhere: a rule fires only on what holds for every size.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphc.rewriting.rule_pass import RulePass
from graphc.rewriting.rules import RuleSet
from passes.rules.contraction import CONTRACTION
from passes.rules.layout import LAYOUT
from passes.rules.lifting import LIFTING
from passes.rules.slicing import SLICING

RULES = RuleSet("shape_simplification", (*LAYOUT, *SLICING, *CONTRACTION, *LIFTING))


@dataclass(frozen=True)
class ShapeSimplification(RulePass):
    """Cancels, merges and postpones moves of elements."""

    rules: RuleSet = RULES

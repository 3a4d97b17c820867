"""The rule that finds attention in other ops: see the package's description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from graphc.ir.node import Value
from graphc.rewriting.match import Match
from graphc.rewriting.rule_pass import RulePass
from graphc.rewriting.rules import NOT_NEEDED, RuleCollector, RuleSet
from graphc.rewriting.terms import op, variables
from passes.attention_fusion.emission import emit, hidden_places
from passes.attention_fusion.products import NearMissError, find_attention

_rules = RuleCollector("attention_fusion")
_x, _y = variables("x", "y")


def _is_attention(match: Match) -> str | None:
    if not any(value.type.dtype.is_floating for value in match.operands()):
        return NOT_NEEDED
    try:
        found = find_attention(match.node, match.editor)
        if found is None:
            return NOT_NEEDED
        hidden_places(found)
    except NearMissError as reason:
        return str(reason)
    return None


@_rules.rewrite("stabilises", op.dot_general(_x, _y), check=_is_attention)
def scaled_dot_products(match: Match) -> Value:
    """Values weighted by a softmax of products of queries and keys are attention.

    In any order of axes; with a scale of the products or of the queries, biases, conditions that
    put one number in the place of hidden logits, and a maximum that is subtracted first. What order
    or distance hides is found in comparisons of places. 16-bit floats are computed as the op does.
    """
    found = find_attention(match.node, match.editor)
    assert found is not None
    return emit(match.build, found, match.type.shape)


RULES: Final = _rules.rule_set()


@dataclass(frozen=True)
class AttentionFusion(RulePass):
    """Finds attention in other ops, so that it gets the form that suits its size and platform."""

    rules: RuleSet = RULES

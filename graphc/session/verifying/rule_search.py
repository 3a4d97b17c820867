"""Which rule is to blame for a step that breaks numbers: the rules that fired, halved and halved.

Half of the rules are applied to the graph before the step; where that breaks the numbers too, the
rule is among them. Where neither half alone does, rules are left out one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphc.errors import PassError
from graphc.ir.graph import Graph
from graphc.rewriting.driver import rewrite_jointly
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.rewrite_step import RewriteStep
from graphc.rewriting.rules import RewriteRule, RuleSet

Fired = Sequence[tuple[str, RewriteRule]]


def find_rule(
    step: RewriteStep,
    suspects: Fired,
    context: PassContext,
    is_broken: Callable[[Graph, Fired], bool],
) -> tuple[str, RewriteRule] | None:
    """The pass and the rule to blame; None where no single rule is.

    Args:
        step: a step whose passes have rules.
        suspects: those that fired.
        context: for running them again.
        is_broken: whether a graph that these rules made breaks numbers.
    """

    def breaks(rules: Fired) -> bool:
        made = apply_rules(step, rules, context)
        return made is not None and is_broken(made, rules)

    while len(suspects) > 1:
        half = len(suspects) // 2
        if breaks(suspects[:half]):
            suspects = suspects[:half]
        elif breaks(suspects[half:]):
            suspects = suspects[half:]
        else:
            return _needed_by_all(suspects, breaks)
    return suspects[0] if suspects and breaks(suspects) else None


def _needed_by_all(
    suspects: Fired, breaks: Callable[[Fired], bool]
) -> tuple[str, RewriteRule] | None:
    """The only rule without which nothing breaks."""
    needed = [each for each in suspects if not breaks([o for o in suspects if o is not each])]
    return needed[0] if len(needed) == 1 else None


def apply_rules(step: RewriteStep, rules: Fired, context: PassContext) -> Graph | None:
    """What some rules alone make of the graph before a step; None where they find no end."""
    sets: dict[str, list[RewriteRule]] = {}
    for owner, rule in rules:
        sets.setdefault(owner, []).append(rule)
    try:
        joined = [RuleSet(owner, tuple(those)) for owner, those in sets.items()]
        return rewrite_jointly(step.before, joined, context).graph
    except PassError:  # some rules undo each other without the rest
        return None

"""One change of a graph on its way through a pipeline, for whoever watches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphc.ir.graph import Graph
from graphc.rewriting.graph_pass import GraphPass
from graphc.rewriting.pipeline import Stage
from graphc.rewriting.rule_pass import RulePass
from graphc.rewriting.rules import Numerics, RewriteRule


@dataclass(frozen=True)
class RewriteStep:
    """What a pass, or several rule passes as one, made of a graph.

    Attributes:
        stage: the stage it belongs to.
        passes: the passes; several where rule passes ran together.
        before: the graph they were given.
        after: what they made of it.
        details: what they report of themselves.
    """

    stage: Stage
    passes: tuple[GraphPass, ...]
    before: Graph
    after: Graph
    details: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The names of the passes that changed something."""
        names = [each.name for each in self.passes]
        if len(names) > 1:
            names = list(dict.fromkeys(owner for owner, _ in self.fired))
        return " + ".join(names)

    @property
    def fired(self) -> list[tuple[str, RewriteRule]]:
        """The rules that fired, with the names of their passes."""
        found: list[tuple[str, RewriteRule]] = []
        for each in self.passes:
            if isinstance(each, RulePass):
                for rule in each.active_rules:
                    if f"{each.name}.{rule.name}" in self.details:
                        found.append((each.name, rule))
        return found

    @property
    def numerics(self) -> set[Numerics]:
        """What the step may have done to numbers, as its passes and rules declare."""
        found: set[Numerics] = {rule.numerics for _, rule in self.fired}
        for each in self.passes:
            if not isinstance(each, RulePass):
                found.add(each.effect_on_numbers)
        return found


Observer: TypeAlias = Callable[[RewriteStep], object]

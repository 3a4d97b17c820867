"""A named set of rules as a pass; several of them run as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from graphc.ir.graph import Graph
from graphc.rewriting.driver import rewrite_jointly
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import NUMERICS, Numerics, RuleSet


@dataclass(frozen=True)
class RulePass(GraphPass):
    """Applies rules until none fires.

    In a fixpoint stage the pass manager runs neighbouring rule passes together, in one worklist,
    so that a rule of one sees what a rule of another just made.

    Attributes:
        rules: the rules; their set's name is the pass's name.
        numerics: rules that do anything else to numbers are left out: `("exact",)` keeps every bit.
    """

    idempotent: ClassVar[bool] = True

    rules: RuleSet
    numerics: tuple[Numerics, ...] = NUMERICS

    @property
    def name(self) -> str:  # type: ignore[override]  # a name per set, where others have one per class
        return self.rules.name

    @property
    def active_rules(self) -> RuleSet:
        """The rules that the pass applies."""
        if set(NUMERICS) <= set(self.numerics):
            return self.rules
        return self.rules.keeping(*self.numerics)

    def options(self) -> dict[str, Any]:
        return {name: value for name, value in super().options().items() if name != "rules"}

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        return rewrite_jointly(graph, [self.active_rules], context)

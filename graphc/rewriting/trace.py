"""What fired where, and what was refused why: the record that reports are made of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from graphc.ir.node import Node
from graphc.ir.origin import Origin


@dataclass(frozen=True)
class Firing:
    """One application of a rule.

    Attributes:
        pass_name: the pass that the rule belongs to.
        rule: its name.
        op: the op of the node that it replaced.
        node_name: that node's name.
        origin: the user's line that made it.
    """

    pass_name: str
    rule: str
    op: str
    node_name: str
    origin: Origin


@dataclass
class RewriteTrace:
    """Everything that rules did while a graph went through a pipeline.

    Attributes:
        firings: in order, up to `limit`; `fired` counts them all.
        fired: (pass, rule) to how often it fired.
        refused: (pass, rule, reason) to how often its check refused a match for that reason.
        limit: how many firings are kept one by one.
    """

    firings: list[Firing] = field(default_factory=list[Firing])
    fired: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    refused: Counter[tuple[str, str, str]] = field(default_factory=Counter[tuple[str, str, str]])
    limit: int = 1000

    def copy(self) -> RewriteTrace:
        """The same so far, to go on from."""
        counts = Counter(self.fired), Counter(self.refused)
        return RewriteTrace(list(self.firings), *counts, self.limit)

    def fire(self, pass_name: str, rule: str, node: Node) -> None:
        """Note that a rule replaced a node."""
        self.fired[pass_name, rule] += 1
        if len(self.firings) < self.limit:
            self.firings.append(Firing(pass_name, rule, node.op.name, node.name, node.origin))

    def refuse(self, pass_name: str, rule: str, reason: str) -> None:
        """Note that a rule's pattern matched and its check refused."""
        self.refused[pass_name, rule, reason] += 1

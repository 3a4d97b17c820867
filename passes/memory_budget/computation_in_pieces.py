"""The pass that computes in pieces what a budget leaves no room for whole; see the package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from graphc.ir.graph import Graph
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.memory_budget.largest_values import largest_values
from passes.memory_budget.piece_groups import most_alive
from passes.memory_budget.pieces import InPieces, in_pieces


@dataclass(frozen=True)
class ComputationInPieces(GraphPass):
    """Computes parts of a graph in pieces, where keeping less is not enough to meet a goal.

    Attributes:
        pieces: how many pieces there may be at most; the first number that is enough is taken.
    """

    pieces: tuple[int, ...] = (2, 4, 8, 16)

    name: ClassVar[str] = "computation_in_pieces"
    effect_on_numbers: ClassVar[Numerics] = "reassociates"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        goal = context.memory
        if goal is None or goal.remove <= 0 or not goal.is_least:
            return PassResult.unchanged(graph)
        goal.is_least = False  # before pieces were tried
        if goal.removed >= goal.remove:
            return PassResult.unchanged(graph)
        before, best, removed = most_alive(graph.nodes, set(graph.outputs)), InPieces(graph), 0
        for most in self.pieces:
            made = in_pieces(graph, most, context.registry)
            saved = before - most_alive(made.graph.nodes, set(made.graph.outputs))
            if saved > removed or not made.loops:
                best, removed = made, max(saved, 0)
            if goal.removed + removed >= goal.remove:
                break
        else:
            goal.is_least = True
        goal.removed += removed
        for loop in best.loops:
            context.trace.fire(self.name, "loop", loop)
        for reason in best.refused:
            context.trace.refuse(self.name, "loop", reason)
        if not best.loops:
            return PassResult.unchanged(graph)
        goal.largest = largest_values(best.graph)
        return PassResult(best.graph, True, best.values, {"bytes": removed})

"""The pass that rolls repeated layers: see the package's description."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from graphc.ir.editor import ChainedMap, GraphEditor, ValueMap
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.layer_rolling.dropout_rates import dropouts_of_several_rates, write_out
from passes.layer_rolling.emission import RULE, LoopEmitter
from passes.layer_rolling.expansion import difference_after_expansion
from passes.layer_rolling.loop_search import LoopSearch
from passes.layer_rolling.loops import Loop
from passes.layer_rolling.node_signatures import is_heavy
from passes.layer_rolling.own_beginnings import OwnBeginnings
from passes.layer_rolling.row_costs import better_written_out, row_variables
from passes.layer_rolling.selection import takes_more_memory
from passes.scans import Scan


@dataclass(frozen=True)
class LayerRolling(GraphPass):
    """Rolls chains of equal blocks into one `scan` each.

    Attributes:
        least: how many blocks a chain must have. Two or three compile about as fast written out.
        weighs_stacks: whether what must be stacked for a loop, or lies beside its stacks, is
            weighed against what the loop saves.
    """

    least: int = 4
    weighs_stacks: bool = False

    name: ClassVar[str] = RULE
    effect_on_numbers: ClassVar[Numerics] = "exact"
    idempotent: ClassVar[bool] = True

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        found = self._search(graph)
        search, loops = found.search, found.loops
        for reason in (*search.refused, *search.left_out()):
            context.trace.refuse(self.name, "roll", reason)
        if not loops:
            return PassResult.unchanged(graph)
        ordered = search.in_order(loops)
        reason = None
        if self.weighs_stacks:
            reason = takes_more_memory(ordered, search.users)
            if reason is None and context.memory is None:  # a budget is met in loops
                reason = better_written_out(graph, ordered, context.packs)
                if reason is not None:
                    context.packs.keep_apart(itertools.chain(*map(row_variables, ordered)))
        if reason is not None:
            context.trace.refuse(self.name, "roll", reason)
            return PassResult.unchanged(graph)
        editor = GraphEditor(found.graph, context.registry)
        scans = LoopEmitter(editor, context.registry, search.users).emit(ordered)
        details = [_describe(loop, scan) for loop, scan in zip(ordered, scans, strict=True)]
        for scan in scans:
            context.trace.fire(self.name, "roll", scan)
        result = PassResult.of(editor, {"loops": details})
        difference = difference_after_expansion(found.graph, result.graph)
        if difference is not None:
            context.trace.refuse(self.name, "roll", f"expanding does not give back: {difference}")
            return PassResult.unchanged(graph)
        return replace(result, values=ChainedMap(found.values, result.values))

    def _search(self, graph: Graph) -> _Found:
        """The loops of a graph; if more layers are in loops so, with dropouts written out."""
        search = LoopSearch(graph, self.least, self.weighs_stacks)
        own = OwnBeginnings(graph, search.signatures, search.users, self.least)
        if own.graph is not graph:
            search = LoopSearch(own.graph, self.least, self.weighs_stacks)
        found = _Found(own.graph, own, search, search.run())
        in_loops = {node for loop in found.loops for node in loop.nodes()}
        left = [node for node in own.graph.nodes if node not in in_loops]
        dropouts = dropouts_of_several_rates(left, self.least)
        if not dropouts:
            return found
        written, moved = write_out(own.graph, dropouts)
        again = LoopSearch(written, self.least, self.weighs_stacks)
        other = _Found(written, ChainedMap(own, moved), again, again.run())
        return other if other.heavy > found.heavy else found


@dataclass(frozen=True)
class _Found:
    """The loops that a search found.

    Attributes:
        graph: in which they are.
        values: where the values of the graph before are in it.
        search: what found them.
        loops: in no order.
    """

    graph: Graph
    values: ValueMap
    search: LoopSearch
    loops: Sequence[Loop]

    @property
    def heavy(self) -> int:
        """How many products, convolutions and loops they hold."""
        return sum([loop.heavy_nodes() for loop in self.loops])


def _describe(loop: Loop, scan: Node) -> dict[str, Any]:
    parts = Scan(scan)
    return {
        "name": scan.name,
        "line": f"{Path(scan.origin.file).name}:{scan.origin.line}" if scan.origin.line else "",
        "iterations": loop.schedule.length,
        "period": _layers_of_block(loop),
        "nodes before": loop.schedule.length * len(loop.orbits),
        "body nodes": len(loop.orbits),
        "carried": parts.carries,
        "scanned": len(parts.scanned),
        "invariant": len(parts.invariant),
        "stacked results": len(parts.stacked),
    }


def _layers_of_block(loop: Loop) -> int:
    """How many layers a block is made of, by the name scopes of its heavy nodes; at least 1."""
    nodes = [orbit.nodes[loop.schedule.elements(orbit)[0]] for orbit in loop.orbits]
    scopes = {node.name.partition("/")[0] for node in nodes if is_heavy(node) and "/" in node.name}
    return max(1, len(scopes))

"""The pass that computes again what a memory budget leaves no room for; see the package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.registry import OpRegistry
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.memory_budget.kept_sets import flops_of
from passes.memory_budget.largest_values import largest_values
from passes.memory_budget.long_lived_values import find_long_lived
from passes.memory_budget.loop_pairs import find_pairs
from passes.memory_budget.plans import Option, long_lived_options, pair_options, plans
from passes.memory_budget.recomputation import RULE
from passes.scans import Scan

_LITTLE: Final = 8
"""Beside loops that stack so many times more, what is kept outside of them is let be."""


@dataclass(frozen=True)
class MemoryBudget(GraphPass):
    """Keeps less, where a goal is set: of all ways the one with the least work that meets it.

    What it gave up is what types say; XLA's memory analysis decides, and may ask for more.
    """

    name: ClassVar[str] = RULE
    effect_on_numbers: ClassVar[Numerics] = "exact"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        goal = context.memory
        if goal is None:
            return PassResult.unchanged(graph)
        goal.total_flops = sum(map(flops_of, graph.nodes))
        goal.largest = largest_values(graph)
        if goal.remove <= 0:
            goal.is_least = False
            return PassResult.unchanged(graph)
        parts = list(_parts(graph, 1, set()))
        found = plans([part.options for part in parts])
        first, last = found[0], found[-1]

        def removed(plan: Sequence[Option]) -> int:
            return sum(own.bytes - option.bytes for own, option in zip(first, plan, strict=True))

        chosen = next((plan for plan in found if removed(plan) >= goal.remove), last)
        goal.steps = [removed(plan) for plan in found[1:]]
        goal.removed = removed(chosen)
        goal.flops = sum(option.flops for option in chosen)
        goal.is_least = chosen is last
        if chosen is first:
            return PassResult.unchanged(graph)
        applied: dict[Graph, list[Option]] = {}
        for part, option in zip(parts, chosen, strict=True):
            applied.setdefault(part.graph, []).append(option)
        result = PassResult.of(
            _edit(graph, applied, context.registry) or GraphEditor(graph, context.registry),
            {"removed_bytes": goal.removed, "recomputed_flops": goal.flops},
        )
        goal.largest = largest_values(result.graph)
        return result


@dataclass(frozen=True, eq=False)
class _Part:
    """What can be computed in several ways, in the graph that it stands in."""

    graph: Graph
    options: list[Option]


def _parts(graph: Graph, times: int, seen: set[Graph]) -> Iterator[_Part]:
    """The parts of a graph and of the bodies of its loops, but of those that are parts."""
    seen.add(graph)
    taken: set[Node] = set()
    stacked = 0
    for pair in find_pairs(graph):
        taken |= {pair.forth.node, pair.back.node}
        stacked += pair.stacked_bytes
        yield _Part(graph, [option.repeated(times) for option in pair_options(pair)])
    found = find_long_lived(graph)
    if found.kept_bytes * _LITTLE > stacked:
        options = long_lived_options(found)
        yield _Part(graph, [option.repeated(times) for option in options])
    for node in graph.nodes:
        for region in node.regions:
            if node not in taken and region not in seen:
                loop = Scan.of(node)
                yield from _parts(region, times * (loop.length if loop else 1), seen)


def _edit(
    graph: Graph, applied: Mapping[Graph, Sequence[Option]], registry: OpRegistry
) -> GraphEditor | None:
    """An editor of a graph in which its options are applied, and those of its regions."""
    editor = GraphEditor(graph, registry) if graph in applied else None
    for node in graph.nodes:
        inner = [_edit(region, applied, registry) for region in node.regions]
        if not any(inner):
            continue
        editor = editor or GraphEditor(graph, registry)
        regions = tuple(
            [
                old if new is None else new.freeze()[0]
                for old, new in zip(node.regions, inner, strict=True)
            ]
        )
        with editor.build.located(node.origin, node.name):
            made = editor.build.make(node.op, node.inputs, node.attributes, regions)
        for old, new in zip(node.outputs, made.outputs, strict=True):
            editor.replace(old, new)
    for option in applied.get(graph, ()):
        assert editor is not None
        option.apply(editor)
    return editor

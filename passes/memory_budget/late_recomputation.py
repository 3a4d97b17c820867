"""Computing values a second time, late: each stretch in a branch that is always taken.

XLA merges what is computed twice from the same operands, but not in such a branch. Its predicate
reads a value of the way back: the stretch cannot run before that is there.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.ir.builder import Builder, GraphBuilder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from passes.hidden_branches import can_anchor, run_in_branch
from passes.memory_budget.long_lived_values import LongLived, Stretches
from passes.memory_budget.recomputation import RULE


def place_stretches(editor: GraphEditor, found: LongLived, way: Stretches) -> None:
    """Let what comes after the peak read values that are computed again."""
    writer = _LateWriter(editor, found, way)
    for place in range(found.peak + 1, len(found.graph.nodes)):
        writer.write(place)


class _LateWriter:
    """Writes the nodes after the peak anew, where they read what is computed again."""

    def __init__(self, editor: GraphEditor, found: LongLived, way: Stretches) -> None:
        self._editor = editor
        self._found = found
        self._stretch_of = {node: nodes for nodes in way.again for node in nodes}
        self._wanted = {
            value
            for value in found.wanted
            if value.node in self._stretch_of and value not in way.kept
        }
        self._again: dict[Value, Value] = {}

    def write(self, place: int) -> None:
        """Write one node."""
        node = self._found.graph.nodes[place]
        operands = tuple([self._late(value, node, place) for value in node.inputs])
        if operands == node.inputs:
            return
        for old, new in zip(node.outputs, self._copy(node, operands), strict=True):
            self._editor.replace(old, new)

    def _copy(self, node: Node, operands: tuple[Value, ...]) -> tuple[Value, ...]:
        with self._editor.build.located(node.origin, node.name):
            made = self._editor.build.make(node.op, operands, node.attributes, node.regions)
        return made.outputs

    def _late(self, value: Value, user: Node, place: int) -> Value:
        """What stands for a value after the peak; itself where nothing changes."""
        if value in self._again:
            return self._again[value]
        node = value.node
        if value in self._wanted:
            nodes = self._stretch_of[node]
            given = [v for each in nodes for v in each.outputs if v in self._wanted]
            anchor = self._editor.resolve(_anchor(self._found, user, place))
            within = _with_plain(self._found, nodes)
            made = _compute_again(self._editor, within, given, anchor)
            self._again.update(zip(given, made, strict=True))
        elif node in self._found.between:
            operands = tuple([self._late(operand, user, place) for operand in node.inputs])
            made = node.outputs if operands == node.inputs else self._copy(node, operands)
            self._again.update(zip(node.outputs, made, strict=True))
        else:
            self._again[value] = value
        return self._again[value]


def _anchor(found: LongLived, user: Node, place: int) -> Value:
    """A value of the way back that is there before the first user of a stretch needs it.

    Nothing before the first user depends on the stretch.
    """
    for value in user.inputs:
        if found.places[value.node] > found.peak and can_anchor(value):
            return value
    for node in reversed(found.graph.nodes[:place]):
        for value in node.outputs:
            if can_anchor(value):
                return value
    raise AssertionError("a graph with something to keep has values")


def _with_plain(found: LongLived, nodes: Sequence[Node]) -> list[Node]:
    """The nodes, and what they read that is made of constants: a branch makes its own."""
    within = dict.fromkeys(nodes)
    pending = list(nodes)
    while pending:
        for value in pending.pop().inputs:
            if value.node in found.plain and value.node not in within:
                within[value.node] = None
                pending.append(value.node)
    return sorted(within, key=lambda node: found.places[node])


def _compute_again(
    editor: GraphEditor, nodes: Sequence[Node], given: Sequence[Value], anchor: Value
) -> Sequence[Value]:
    """The values of a stretch, in a branch."""
    inside = {value for node in nodes for value in node.outputs}
    operands = list(dict.fromkeys(v for node in nodes for v in node.inputs if v not in inside))
    build = editor.build
    with build.located(nodes[0].origin.with_rule(RULE), nodes[0].name):
        branch = _branch(build, operands, nodes, given)
        return run_in_branch(build, anchor, operands, branch)


def _branch(
    build: Builder,
    operands: Sequence[Value],
    nodes: Sequence[Node],
    given: Sequence[Value],
) -> Graph:
    inner = GraphBuilder(build.registry)
    mapped = {v: inner.input(v.type, f"operand{i}") for i, v in enumerate(operands)}
    for node in nodes:
        with inner.located(node.origin.with_rule(RULE), node.name):
            taken = tuple([mapped[value] for value in node.inputs])
            copy = inner.make(node.op, taken, node.attributes, node.regions)
        mapped.update(zip(node.outputs, copy.outputs, strict=True))
    return inner.finish([mapped[value] for value in given])

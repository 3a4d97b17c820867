"""Writing rolled loops out again: the proof that rolling changed nothing.

A rolled graph is expanded from its nodes alone, without the plan that it was made by, and must be
the graph that was rolled, node for node.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final

from graphc.ir.builder import GraphBuilder
from graphc.ir.equality import Structures, first_difference
from graphc.ir.graph import Graph, topological_order
from graphc.ir.literal import Literal
from graphc.ir.node import Node, Value
from graphc.ir.op import OpSpec, Trait
from passes.layer_rolling.emission import RULE
from passes.scans import Scan

_APART: Final = Trait.BARRIER | Trait.INTENT | Trait.EFFECT

Expanded = Value | list[Value]
"""A value of the expanded graph, or the elements of one that rolling has stacked."""


def difference_after_expansion(original: Graph, rolled: Graph) -> str | None:
    """Where a rolled graph, written out, differs from the original; None where nowhere.

    Both are written out by one expander, in which equal nodes are one: where the outputs of both
    are the very same values, so is all that they are made from.
    """
    expander = _Expander()
    mine, theirs = expander.expand(original), expander.expand(rolled)
    names = original.update_names == rolled.update_names
    if mine == theirs and names and original.constraints == rolled.constraints:
        return None
    return first_difference(_graph_of(original, *mine), _graph_of(rolled, *theirs))


def _graph_of(graph: Graph, inputs: Sequence[Value], outputs: Sequence[Value]) -> Graph:
    nodes = topological_order(outputs, inputs)
    return Graph(inputs, outputs, nodes, graph.update_names, graph.constraints)


def _single(value: Expanded) -> Value:
    if isinstance(value, list):
        raise TypeError(f"the stack of {value[0]!r} is read as a whole")
    return value


def _rows(stack: Expanded) -> list[Value]:
    if not isinstance(stack, list):
        raise TypeError(f"{stack!r} is scanned over, and rolling has not stacked it")
    return stack


class _Expander:
    """Writes graphs out, each node that is equal to one before as that one.

    A loop may compute again what another has computed, and holds copies of constants.
    """

    def __init__(self) -> None:
        self._made: dict[object, Node] = {}
        self._constants: dict[object, Value] = {}
        self._bodies = Structures()

    def expand(self, graph: Graph) -> tuple[list[Value], list[Value]]:
        """The inputs of a graph, and its outputs with each loop that rolling made written out."""
        values: dict[Value, Expanded] = {}
        for node in graph.nodes:
            self.add(node, values)
        inputs = [_single(values[value]) for value in graph.inputs]
        return inputs, [_single(values[value]) for value in graph.outputs]

    def add(self, node: Node, values: dict[Value, Expanded]) -> None:
        is_rolled = RULE in node.origin.rules
        if node.op.name == "constant":
            values[node.output] = self._constant(node, is_rolled)
        elif is_rolled and node.op.name == "scan":
            self._scan(node, values)
        elif is_rolled and (moved := _moved(node, values)) is not None:
            values[node.output] = moved
        else:
            self._copy(node, values)

    def _copy(self, node: Node, values: dict[Value, Expanded]) -> None:
        made = node
        op = node.op
        if op.name != "input":
            inputs = tuple([_single(values[value]) for value in node.inputs])
            types = tuple([value.type for value in node.outputs])
            regions = node.regions
            bodies = tuple([self._bodies[region] for region in regions]) if regions else ()
            key = op, node.attributes, inputs, types, bodies
            found = self._made.get(key)
            if found is None:
                if inputs != node.inputs:
                    made = Node(op, inputs, node.attributes, types, regions)
                if not _stays_apart(op):
                    self._made[key] = made
            else:
                made = found
        if len(made.outputs) == 1:
            values[node.outputs[0]] = made.outputs[0]
        else:
            values.update(zip(node.outputs, made.outputs, strict=True))

    def _constant(self, node: Node, is_rolled: bool) -> Expanded:
        literal: Literal = node.attributes["value"]
        if not is_rolled:
            return self._constants.setdefault(literal.key, node.output)
        build = GraphBuilder()
        rows = [build.array(row, literal.type.dtype) for row in literal.array]
        keys = [row.node.attributes["value"].key for row in rows]
        return [self._constants.setdefault(k, row) for k, row in zip(keys, rows, strict=True)]

    def _scan(self, node: Node, values: dict[Value, Expanded]) -> None:
        loop, carries = Scan(node), Scan(node).carries
        carried = [_single(values[value]) for value in node.inputs[:carries]]
        stacks = [_rows(values[node.inputs[position]]) for position in loop.scanned]
        invariants = [_single(values[node.inputs[position]]) for position in loop.invariant]
        results: list[list[Value]] = []
        rows = range(loop.length)
        for row in reversed(rows) if loop.goes_back else rows:
            made = self._body(loop.body, [*carried, *[stack[row] for stack in stacks], *invariants])
            carried = made[:carries]
            results.append(made[carries:])
        if loop.goes_back:
            results.reverse()
        values.update(zip(node.outputs[:carries], carried, strict=True))
        for position, value in enumerate(loop.stacks):
            values[value] = [row[position] for row in results]

    def _body(self, body: Graph, given: Sequence[Value]) -> list[Value]:
        inner: dict[Value, Expanded] = dict(zip(body.inputs, given, strict=True))
        for node in body.nodes:
            if node.op.name == "constant":
                inner[node.output] = self._constant(node, is_rolled=False)
            elif node.op.name != "input":
                self._copy(node, inner)
        return [_single(inner[value]) for value in body.outputs]


@functools.lru_cache(maxsize=1024)
def _stays_apart(op: OpSpec) -> bool:
    return bool(op.traits & _APART)


def _moved(node: Node, values: dict[Value, Expanded]) -> Expanded | None:
    """The value of a node that stacks values or cuts a stack; None for any other node."""
    if node.op.name == "concatenate":
        rows = [values[value] for value in node.inputs]
        return [value for row in rows for value in (row if isinstance(row, list) else [row])]
    given = values[node.inputs[0]]
    if node.op.name == "reshape":
        # a row of a stack that is being made, or the only row of one that was cut
        return given[0] if isinstance(given, list) else [given]
    if node.op.name == "slice" and isinstance(given, list):
        return given[node.attributes["start_indices"][0] : node.attributes["limit_indices"][0]]
    return None

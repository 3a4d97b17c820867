"""Writing rolled loops out again: the proof that rolling changed nothing.

A rolled graph is expanded from its nodes alone, without the plan that it was made by, and must be
the graph that was rolled, node for node.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.ir.builder import GraphBuilder
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph, topological_order
from graphc.ir.literal import Literal
from graphc.ir.node import Node, Value
from passes.layer_rolling.emission import RULE

Expanded = Value | list[Value]
"""A value of the expanded graph, or the elements of one that rolling has stacked."""


def difference_after_expansion(original: Graph, rolled: Graph) -> str | None:
    """Where a rolled graph, written out, differs from the original; None where nowhere."""
    return first_difference(expand(original), expand(rolled))


def expand(graph: Graph) -> Graph:
    """The graph with each loop that rolling made written out, and equal constants as one node."""
    values: dict[Value, Expanded] = {}
    constants: dict[object, Value] = {}
    for node in graph.nodes:
        if node.op.name == "constant":
            _expand_constant(node, values, constants)
        elif node.op.name == "scan" and RULE in node.origin.rules:
            _expand_scan(node, values)
        elif not _expand_stacking(node, values):
            inputs = tuple([_single(values[value]) for value in node.inputs])
            _copy(node, inputs, values)
    outputs = [_single(values[value]) for value in graph.outputs]
    inputs = [_single(values[value]) for value in graph.inputs]
    nodes = topological_order(outputs, inputs)
    return Graph(inputs, outputs, nodes, graph.update_names, graph.constraints)


def _single(value: Expanded) -> Value:
    if isinstance(value, list):
        raise TypeError(f"the stack of {value[0]!r} is read as a whole")
    return value


def _copy(node: Node, inputs: tuple[Value, ...], values: dict[Value, Expanded]) -> None:
    if node.op.name == "input" or inputs == node.inputs:
        made = node
    else:
        types = tuple([value.type for value in node.outputs])
        made = Node(node.op, inputs, node.attributes, types, node.regions, node.name, node.origin)
    values.update(zip(node.outputs, made.outputs, strict=True))


def _expand_constant(
    node: Node, values: dict[Value, Expanded], constants: dict[object, Value]
) -> None:
    """One node for equal constants: where one is the element of a stack, rolling has copied it."""
    literal: Literal = node.attributes["value"]
    if RULE not in node.origin.rules:
        values[node.output] = constants.setdefault(literal.key, node.output)
        return
    build = GraphBuilder()
    rows = [build.array(row, literal.type.dtype) for row in literal.array]
    values[node.output] = [
        constants.setdefault(row.node.attributes["value"].key, row) for row in rows
    ]


def _expand_stacking(node: Node, values: dict[Value, Expanded]) -> bool:
    """Follow the nodes that stack values and cut stacks; whether this is one."""
    if RULE not in node.origin.rules:
        return False
    name = node.op.name
    if name == "reshape":
        given = values[node.inputs[0]]
        # a row of a stack that is being made, or the only row of one that was cut
        values[node.output] = given[0] if isinstance(given, list) else [given]
        return True
    if name == "concatenate":
        rows: list[Value] = []
        for value in node.inputs:
            row = values[value]
            rows += row if isinstance(row, list) else [row]
        values[node.output] = rows
        return True
    if name == "slice":
        given = values[node.inputs[0]]
        if isinstance(given, list):
            start, stop = node.attributes["start_indices"][0], node.attributes["limit_indices"][0]
            values[node.output] = given[start:stop]
            return True
    return False


def _expand_scan(node: Node, values: dict[Value, Expanded]) -> None:
    (body,) = node.regions
    attributes = node.attributes
    carries, length = attributes["carries"], attributes["length"]
    scanned_end = len(node.inputs) - attributes["invariants"]
    carried = [_single(values[value]) for value in node.inputs[:carries]]
    stacks = [_rows(values[value]) for value in node.inputs[carries:scanned_end]]
    invariants = [_single(values[value]) for value in node.inputs[scanned_end:]]
    results: list[list[Value]] = []
    order = range(length - 1, -1, -1) if attributes["reverse"] else range(length)
    for iteration in order:
        given = [*carried, *[stack[iteration] for stack in stacks], *invariants]
        made = _inline(body, given)
        carried = made[:carries]
        results.append(made[carries:])
    if attributes["reverse"]:
        results.reverse()
    values.update(zip(node.outputs[:carries], carried, strict=True))
    for position, value in enumerate(node.outputs[carries:]):
        values[value] = [row[position] for row in results]


def _rows(stack: Expanded) -> list[Value]:
    if not isinstance(stack, list):
        raise TypeError(f"{stack!r} is scanned over, and rolling has not stacked it")
    return stack


def _inline(body: Graph, given: Sequence[Value]) -> list[Value]:
    inner: dict[Value, Expanded] = dict(zip(body.inputs, given, strict=True))
    for node in body.nodes:
        if node.op.name != "input":
            _copy(node, tuple([_single(inner[value]) for value in node.inputs]), inner)
    return [_single(inner[value]) for value in body.outputs]

"""The one text form of a graph. `graphc/ir/parser.py` reads it back to the same text.

    graphc opset 1
    graph {
      input %0 : f32[n0, 784] feed "images"
      input %1 : f32[784, 10] state "dense/kernel"
      %2 = dot_general(%0, %1) {lhs_contracting=[1], …} : f32[n0, 10] "dense/dot_general"
      require n0 == n1
      return %2
      update "dense/kernel" = %5
    }

Values are numbered by position. User names are annotations. A region stands indented below its
node under the name that the op gives it. Constants of more than 16 elements are named by the hash
of their content.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from graphc.ir.attributes import REQUIRED
from graphc.ir.versions import OPSET_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphc.ir.graph import Graph
    from graphc.ir.node import Node, Value


class _Printer:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def graph(self, graph: Graph, head: str, indent: str) -> None:
        numbers: dict[Value, int] = {}
        inside = indent + "  "
        self.lines.append(f"{indent}{head} {{")
        for value in graph.inputs:
            numbers[value] = len(numbers)
            given = value.node.attributes
            line = f"{inside}input %{numbers[value]} : {value.type} "
            line += f"{given['kind']} {json.dumps(given['name'])}"
            if given["members"]:
                line += f" of {json.dumps(given['members'])}"
            self.lines.append(line)
        for node in graph.nodes:
            if node.op.name != "input":
                self.node(node, numbers, inside)
        for constraint in graph.constraints:
            self.lines.append(f"{inside}require {constraint}")
        results = ", ".join([f"%{numbers[value]}" for value in graph.fetches])
        self.lines.append(f"{inside}return {results}".rstrip())
        for name, value in graph.updates.items():
            self.lines.append(f"{inside}update {json.dumps(name)} = %{numbers[value]}")
        self.lines.append(f"{indent}}}")

    def node(self, node: Node, numbers: dict[Value, int], indent: str) -> None:
        operands = ", ".join([f"%{numbers[value]}" for value in node.inputs])
        for value in node.outputs:
            numbers[value] = len(numbers)
        results = ", ".join([f"%{numbers[value]}" for value in node.outputs])
        line = f"{indent}{results} = {node.op.name}({operands})"
        if node.attributes:
            line += f" {{{format_attributes(node)}}}"
        types = [str(value.type) for value in node.outputs]
        line += f" : {types[0]}" if len(types) == 1 else f" : ({', '.join(types)})"
        if node.name:
            line += f" {json.dumps(node.name)}"
        self.lines.append(line)
        for position, region in enumerate(node.regions):
            self.graph(region, node.op.region_name(position), indent + "  ")


def format_attributes(node: Node) -> str:
    """The attributes of a node as `name=value, …`; those at their default are left out."""
    texts: list[str] = []
    values: Mapping[str, object] = node.attributes
    for name, field in node.op.attributes.fields.items():
        value = values[name]
        if value is field.default:
            continue
        text = field.kind.format(value)
        if field.default is REQUIRED or text != field.kind.format(field.default):
            texts.append(f"{name}={text}")
    return ", ".join(texts)


def format_graph(graph: Graph) -> str:
    """The text of a graph, without a newline at the end."""
    printer = _Printer()
    printer.lines.append(f"graphc opset {OPSET_VERSION}")
    printer.graph(graph, "graph", "")
    return "\n".join(printer.lines)

"""A stage of a program as text, Graphviz dot, a self-contained html page, StableHLO or HLO."""

from __future__ import annotations

import html
import json
import os
from pathlib import Path
from typing import Final, Literal, get_args

from graphc.errors import GraphcError, did_you_mean
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.origin import UNKNOWN, capture_origin
from graphc.ir.text import format_attributes
from graphc.session.program import Program

Format = Literal["text", "dot", "html", "stablehlo", "hlo"]

_LARGEST_PICTURE: Final = 2000  # nodes: beyond, a picture helps nobody and takes minutes to lay out


def render(program: Program, stage: str, format: Format) -> str:
    """A program at a stage.

    Raises:
        GraphcError: there is no such stage or format.
    """
    if format == "stablehlo":
        return program.stablehlo()
    if format == "hlo":
        return program.hlo()
    if format not in get_args(Format):
        raise GraphcError(
            f"there is no dump format {format!r}",
            fix=did_you_mean(str(format), get_args(Format)),
            origin=capture_origin(),
        )
    graph = program.graph(stage)
    if format == "dot":
        return to_dot(graph)
    return str(graph) if format == "text" else to_html(graph, stage)


def write_dump(path: str | os.PathLike[str], text: str) -> None:
    """Write a dump to a file.

    Raises:
        GraphcError: the disk refused.
    """
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as problem:
        raise GraphcError(
            f"the dump cannot be written: {problem.strerror}",
            given=str(path),
            fix="choose a folder that is there and that you may write",
            origin=capture_origin(),
        ) from problem


def _label(node: Node) -> str:
    lines = [node.op.name]
    if node.name and node.name != node.op.name:
        lines.append(node.name)
    lines.append(", ".join(str(value.type) for value in node.outputs))
    return "\n".join(lines)


def to_dot(graph: Graph, name: str = "graph") -> str:
    """The data flow for Graphviz: regions are boxes, edges carry the operand's position."""
    if len(graph) > _LARGEST_PICTURE:
        raise GraphcError(
            f"a picture of {len(graph)} nodes helps nobody",
            expected=f"at most {_LARGEST_PICTURE} nodes",
            fix='use format="text", or fetch less',
        )
    lines = [f"digraph {json.dumps(name)} {{", '  node [shape=box, fontname="monospace"];']
    _dot_nodes(graph, lines, "  ", {}, "n")
    return "\n".join([*lines, "}"])


def _dot_nodes(
    graph: Graph, lines: list[str], indent: str, names: dict[Node, str], prefix: str
) -> None:
    for node in graph.nodes:
        names[node] = f"{prefix}{len(names)}"
        style = ', style=filled, fillcolor="lightyellow"' if node.op.name == "input" else ""
        lines.append(f"{indent}{names[node]} [label={json.dumps(_label(node))}{style}];")
        for position, region in enumerate(node.regions):
            box = f"{names[node]}_{position}"
            lines.append(f"{indent}subgraph cluster_{box} {{")
            lines.append(f"{indent}  label={json.dumps(node.op.region_name(position))};")
            _dot_nodes(region, lines, indent + "  ", {}, f"{box}_")
            lines.append(f"{indent}}}")
    for node in graph.nodes:
        for position, value in enumerate(node.inputs):
            tail = f"{names[value.node]} -> {names[node]}"
            label = f' [label="{position}"]' if len(node.inputs) > 1 else ""
            lines.append(f"{indent}{tail}{label};")


_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>graphc: {stage}</title>
<style>
body {{ font: 14px/1.5 ui-monospace, monospace; margin: 2rem; color: #222; background: #fff; }}
h1 {{ font: 600 18px sans-serif; }} input {{ font: inherit; padding: .3rem; width: 30rem; }}
table {{ border-collapse: collapse; margin-top: 1rem; }}
td {{ padding: .1rem .8rem .1rem 0; vertical-align: top; white-space: pre; }}
td.where {{ color: #888; }} tr.input td {{ background: #fffbe6; }}
tr:target td, tr.linked td {{ background: #e6f0ff; }} a {{ color: #06c; text-decoration: none; }}
</style>
<h1>stage {stage}: {count} nodes</h1>
<input id="filter" placeholder="filter: an op, a name, a type, a file" aria-label="filter">
<table>{rows}</table>
<script>
document.getElementById("filter").addEventListener("input", event => {{
  const wanted = event.target.value.toLowerCase();
  for (const row of document.querySelectorAll("tr"))
    row.hidden = !row.textContent.toLowerCase().includes(wanted);
}});
</script></html>
"""


def to_html(graph: Graph, stage: str) -> str:
    """The text form as a page: operands are links, each node shows its user line."""
    rows: list[str] = []
    _html_rows(graph, rows, "v", 0)
    return _PAGE.format(stage=html.escape(stage), count=graph.count(), rows="\n".join(rows))


def _html_rows(graph: Graph, rows: list[str], prefix: str, depth: int) -> None:
    names: dict[object, str] = {}
    for node in graph.nodes:
        for value in node.outputs:
            names[value] = f"{prefix}{len(names)}"
        results = ", ".join(f"%{names[value]}" for value in node.outputs)
        operands = ", ".join(
            f'<a href="#{names[value]}">%{names[value]}</a>' for value in node.inputs
        )
        origin = "" if node.origin is UNKNOWN else html.escape(str(node.origin))
        attributes = html.escape(format_attributes(node))
        types = html.escape(", ".join(str(value.type) for value in node.outputs))
        kind = ' class="input"' if node.op.name == "input" else ""
        anchor = names[node.outputs[0]] if node.outputs else ""
        rows.append(
            f'<tr id="{anchor}"{kind}><td>{"  " * depth}{results}</td>'
            f"<td>{node.op.name}({operands})</td><td>{attributes}</td><td>{types}</td>"
            f'<td>{html.escape(node.name)}</td><td class="where">{origin}</td></tr>'
        )
        for position, region in enumerate(node.regions):
            label = html.escape(node.op.region_name(position))
            rows.append(f"<tr><td>{'  ' * (depth + 1)}{label}</td></tr>")
            _html_rows(region, rows, f"{anchor}_{position}_", depth + 2)
    outputs = ", ".join(f'<a href="#{names[v]}">%{names[v]}</a>' for v in graph.outputs)
    rows.append(f"<tr><td>{'  ' * depth}return {outputs}</td></tr>")

"""A picture as DOT, the language of Graphviz, which finds the places itself."""

from __future__ import annotations

import html
import json

from graphc.models.plotting.box_sizes import TEXT_SIZE, TITLE_SIZE
from graphc.models.plotting.boxes import Box, Cell, Group


def to_dot(group: Group, direction: str, dpi: int, splines: str) -> str:
    """The boxes and edges of a model, with nested models as clusters."""
    lines = [
        f"digraph {json.dumps(group.label)} {{",
        f"  graph [rankdir={direction}, concentrate=true, dpi={dpi}, splines={splines}];",
        '  node [shape=plain, fontname="Helvetica"];',
        "  edge [penwidth=1.5];",
    ]
    _add_members(group, lines, "  ")
    for each in group.groups():
        lines += [f"  {edge.leaves} -> {edge.enters};" for edge in each.edges]
    return "\n".join([*lines, "}", ""])


def _add_members(group: Group, lines: list[str], indent: str) -> None:
    for member in group.members.values():
        if isinstance(member, Box):
            lines.append(f"{indent}{member.key} [label=<{_table(member)}>];")
            continue
        lines.append(f"{indent}subgraph {member.key} {{")
        lines.append(f"{indent}  label={json.dumps(member.label)}; style=dashed; labeljust=l;")
        _add_members(member, lines, indent + "  ")
        lines.append(f"{indent}}}")


def _table(box: Box) -> str:
    """Graphviz's table of a box: rows of different lengths share a common width."""
    whole = max([1, *[len(row) for row in box.rows]])
    rows = [_cell(box.title, whole, TITLE_SIZE)]
    for row in box.rows:
        rest = whole - len(row) + 1  # of the last cell of the row
        spans = [1] * (len(row) - 1) + [rest]
        cells = zip(row, spans, strict=True)
        rows.append("".join(_cell(cell, span, TEXT_SIZE) for cell, span in cells))
    written = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table border="0" cellborder="1" cellspacing="0" cellpadding="8">{written}</table>'


def _cell(cell: Cell, span: int, size: float) -> str:
    label, value = html.escape(cell.label), html.escape(cell.value)
    return (
        f'<td colspan="{span}" bgcolor="{cell.fill}">'
        f'<font color="{cell.ink}" point-size="{size:g}">{label}<b>{value}</b></font></td>'
    )

"""Loops over a part of a stack read its rows by number, so that the part is no copy.

The way back of a train step that is written out goes over all layers but the last, or the first: a
part of what the way forth has stacked, which XLA would copy before the loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from graphc.ir.builder import Builder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.scans import Scan, make_scan, scans_of
from passes.stack_rows import cut_row, first_row, without_axis


@dataclass(frozen=True)
class StackParts(GraphPass):
    """Hands a loop the whole stack of which it scans over a part, and the number of its row."""

    name: ClassVar[str] = "stack_parts"
    effect_on_numbers: ClassVar[Numerics] = "exact"
    idempotent: ClassVar[bool] = True

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        found = {loop: parts for loop in scans_of(graph) if (parts := _parts_read(loop))}
        if not found:
            return PassResult.unchanged(graph)
        editor = GraphEditor(graph, context.registry)
        for loop, parts in found.items():
            context.trace.fire(self.name, "part", _read_by_number(editor, loop, parts))
        return PassResult.of(editor, {"parts": sum(map(len, found.values()))})


def _parts_read(loop: Scan) -> dict[int, tuple[Value, int]]:
    """By position: the stack that a loop scans over a part of, and where the part begins."""
    if loop.length < 2:
        return {}
    found: dict[int, tuple[Value, int]] = {}
    for position in loop.scanned:
        cut = loop.node.inputs[position].node
        if cut.op.name != "slice" or cut.inputs[0].node.op.name == "constant":
            continue
        if (start := first_row(cut)) is not None:
            found[position] = cut.inputs[0], start
    return found


def _read_by_number(editor: GraphEditor, loop: Scan, parts: dict[int, tuple[Value, int]]) -> Node:
    old, node = loop.body, loop.node
    numbers = editor.build.array(np.arange(loop.length, dtype=np.int32))
    body = GraphEditor(old, editor.build.registry)
    number = body.build.input(numbers.type.with_shape(()), "row")
    wholes: dict[Value, Value] = {}
    for position, (stack, start) in parts.items():
        if stack not in wholes:
            wholes[stack] = body.build.input(stack.type, f"stack{len(wholes)}")
        body.replace(old.inputs[position], _row(body.build, wholes[stack], number, start))
    scanned = [p for p in loop.scanned if p not in parts]
    body.inputs = [
        *old.inputs[: loop.carries],
        *[old.inputs[p] for p in scanned],
        number,
        *old.inputs[loop.first_invariant :],
        *wholes.values(),
    ]
    made = make_scan(
        editor.build,
        node,
        node.inputs[: loop.carries],
        [*[node.inputs[p] for p in scanned], numbers],
        [*node.inputs[loop.first_invariant :], *wholes],
        body.freeze()[0],
    )
    for before, after in zip(node.outputs, made.outputs, strict=True):
        editor.replace(before, after)
    return made


def _row(build: Builder, stack: Value, number: Value, start: int) -> Value:
    place = build.add(number, build.array(np.int32(start))) if start else number
    return without_axis(build, cut_row(build, stack, place))

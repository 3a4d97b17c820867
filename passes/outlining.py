"""What depends on some values as a closed graph that is run for many rows of them at once."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.ir.builder import GraphBuilder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import topological_order
from graphc.ir.node import Value


def map_over_rows(
    editor: GraphEditor, results: Sequence[Value], rows: Sequence[Value], stacks: Sequence[Value]
) -> list[Value]:
    """`results` for every row of `stacks` in place of `rows`, stacked.

    Only what depends on the rows goes into the body of the `vectorized_map`; the rest is computed
    once, outside.

    Args:
        editor: the graph being changed.
        results: what to compute; none may be used by what `rows` depend on.
        rows: inputs that are none of the graph's.
        stacks: one per row, with one more axis in front.
    """
    body = GraphBuilder(editor.build.registry)
    inner = {row: body.input(row.type, f"row{i}") for i, row in enumerate(rows)}
    moving = set(rows)
    outer: list[Value] = []

    def inside(value: Value) -> Value:
        found = inner.get(value)
        if found is None:
            found = inner[value] = body.input(value.type, f"invariant{len(outer)}")
            outer.append(value)
        return found

    for node in topological_order(list(results), (), editor.operands):
        operands = editor.operands(node)
        if moving.isdisjoint(operands):
            continue
        with body.located(node.origin, node.name):
            made = body.make(
                node.op, tuple([inside(v) for v in operands]), node.attributes, node.regions
            )
        inner.update(zip(node.outputs, made.outputs, strict=True))
        moving.update(node.outputs)
    outputs = [inside(editor.resolve(value)) for value in results]
    op = editor.build.registry["vectorized_map"]
    attributes = op.attributes.make(
        {"invariants": len(outer), "length": stacks[0].type.shape[0]}, op.name
    )
    graph = body.finish(outputs)
    return list(editor.build.make(op, (*stacks, *outer), attributes, (graph,)).outputs)

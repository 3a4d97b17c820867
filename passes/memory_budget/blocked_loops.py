"""A pair of loops as loops of blocks of iterations: only where a block begins is kept.

Forth, an outer loop runs the blocks and stacks the carries that each began with. Back, an outer
loop takes the blocks in the other order, runs the iterations of one again, now keeping what its way
back reads, and goes back over them. With n iterations in blocks of k, n / k sets of carries and k
iterations are kept at once instead of n iterations (source: Chen and others, "Training Deep Nets
with Sublinear Memory Cost", 2016).
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.ir.builder import GraphBuilder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph, topological_order
from graphc.ir.node import Value
from graphc.ir.types import TensorType
from passes.memory_budget.loop_pairs import LoopPair
from passes.memory_budget.recomputation import RULE, Loop, WrittenPair
from passes.scans import make_scan


def place_blocked_pair(
    editor: GraphEditor, pair: LoopPair, written: WrittenPair, block: int
) -> None:
    """Put a written pair, in blocks of so many iterations, in the place of the original."""
    blocks = pair.forth.length // block
    starts = _place_forth(editor, pair, written, blocks, block)
    _place_back(editor, pair, written, starts, blocks, block)


def _rows(editor: GraphEditor, values: Sequence[Value], blocks: int, block: int) -> list[Value]:
    """Arrays of iterations as arrays of blocks."""
    build = editor.build
    return [build.reshape(v, shape=(blocks, block, *v.type.shape[1:])) for v in values]


def _place_forth(
    editor: GraphEditor, pair: LoopPair, written: WrittenPair, blocks: int, block: int
) -> list[Value]:
    """Makes the way forth; gives the carries that each block begins with, stacked."""
    loop, count = written.forth, len(written.forth.carries)
    inner_body = _without_kept(loop.body, len(written.results))
    build = GraphBuilder(editor.build.registry)
    carries, scanned, invariants = _inputs(build, loop, block)
    inner = make_scan(
        build, loop.like, carries, scanned, invariants, inner_body, length=block, rule=RULE
    )
    body = build.finish([*inner.outputs, *carries])
    outer = make_scan(
        editor.build, loop.like, loop.carries, _rows(editor, loop.scanned, blocks, block),
        loop.invariants, body, length=blocks, rule=RULE,
    )  # fmt: skip
    for old, new in written.results.items():
        value = outer.outputs[new]
        if new >= count:
            value = editor.build.reshape(value, shape=pair.forth.node.outputs[old].type.shape)
        editor.replace(pair.forth.node.outputs[old], value)
    return list(outer.outputs[len(inner.outputs) :])


def _place_back(
    editor: GraphEditor,
    pair: LoopPair,
    written: WrittenPair,
    starts: Sequence[Value],
    blocks: int,
    block: int,
) -> None:
    forth, back = written.forth, written.back
    of_forth = {place: result for result, place in written.kept}
    build = GraphBuilder(editor.build.registry)
    own_carries = [build.input(v.type, f"carry{i}") for i, v in enumerate(back.carries)]
    own = [place for place in range(len(back.scanned)) if place not in of_forth]
    rows = _rows(editor, [back.scanned[place] for place in own], blocks, block)
    own_rows = [build.input(_row_type(v), f"slice{i}") for i, v in enumerate(rows)]
    first = [build.input(v.type, f"start{i}") for i, v in enumerate(forth.carries)]
    forth_rows = _rows(editor, forth.scanned, blocks, block)
    again_rows = [build.input(_row_type(v), f"again{i}") for i, v in enumerate(forth_rows)]
    own_whole = [build.input(v.type, f"invariant{i}") for i, v in enumerate(back.invariants)]
    again_whole = [build.input(v.type, f"given{i}") for i, v in enumerate(forth.invariants)]
    again = make_scan(
        build, forth.like, first, again_rows, again_whole, forth.body, length=block, rule=RULE
    )
    scanned: list[Value] = []
    remaining = iter(own_rows)
    for place in range(len(back.scanned)):
        result = of_forth.get(place)
        scanned.append(next(remaining) if result is None else again.outputs[result])
    made = make_scan(
        build, back.like, own_carries, scanned, own_whole, back.body, length=block, rule=RULE
    )
    body = build.finish(made.outputs)
    outer = make_scan(
        editor.build, back.like, back.carries, [*rows, *starts, *forth_rows],
        [*back.invariants, *forth.invariants], body, length=blocks, rule=RULE,
    )  # fmt: skip
    for old, new in zip(pair.back.node.outputs, outer.outputs, strict=True):
        if old.type is not new.type:
            new = editor.build.reshape(new, shape=old.type.shape)
        editor.replace(old, new)


def _row_type(value: Value) -> TensorType:
    return value.type.with_shape(value.type.shape[1:])


def _inputs(
    build: GraphBuilder, loop: Loop, block: int
) -> tuple[list[Value], list[Value], list[Value]]:
    """The inputs of the body of an outer loop: carries, blocks of rows, invariants."""
    carries = [build.input(v.type, f"carry{i}") for i, v in enumerate(loop.carries)]
    scanned = [
        build.input(v.type.with_shape((block, *v.type.shape[1:])), f"slice{i}")
        for i, v in enumerate(loop.scanned)
    ]
    invariants = [build.input(v.type, f"invariant{i}") for i, v in enumerate(loop.invariants)]
    return carries, scanned, invariants


def _without_kept(body: Graph, results: int) -> Graph:
    """A body that gives its first results alone."""
    outputs = body.outputs[:results]
    nodes = topological_order(outputs, body.inputs)
    return Graph(body.inputs, outputs, nodes, constraints=body.constraints)

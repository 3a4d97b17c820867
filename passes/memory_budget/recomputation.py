"""Writing a pair of loops anew: one stacks less, the other computes again what is missing.

What is computed again stands in the body of the way back. XLA does not merge what two loops
compute, so it stays there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph, topological_order
from graphc.ir.node import Node, Value
from passes.memory_budget.kept_sets import KeptSet
from passes.memory_budget.loop_pairs import LoopPair
from passes.scans import make_scan

RULE = "memory_budget"


@dataclass(frozen=True)
class Loop:
    """A scan that is not made yet.

    Attributes:
        like: the node that it stands for: its origin, name and direction.
        carries: operands.
        scanned: operands.
        invariants: operands.
        body: takes them in this order.
    """

    like: Node
    carries: Sequence[Value]
    scanned: Sequence[Value]
    invariants: Sequence[Value]
    body: Graph


@dataclass(frozen=True)
class WrittenPair:
    """A pair whose way back computes again what is not kept.

    Attributes:
        forth: stacks what `pair.forth` stacks for others, then what is kept.
        results: the results of `pair.forth` that others may read, to those of `forth`.
        kept: for each kept value, the result of `forth` that stacks it, and the place among what
            `back` scans over; `back.scanned` holds the old operand there until `forth` is made.
        back: has the results of `pair.back`.
    """

    forth: Loop
    results: dict[int, int]
    kept: list[tuple[int, int]]
    back: Loop


def write_pair(pair: LoopPair, choice: KeptSet) -> WrittenPair:
    """Both loops with another choice of what is kept; makes no node of the graph around them."""
    forth, results, places = _write_forth(pair, choice)
    back, kept = _write_back(pair, choice, places)
    return WrittenPair(forth, results, kept, back)


def _write_forth(pair: LoopPair, choice: KeptSet) -> tuple[Loop, dict[int, int], dict[Value, int]]:
    body, carries = pair.forth.body, pair.forth.carries
    results: dict[int, int] = {}
    places: dict[Value, int] = {}
    outputs: list[Value] = []
    for number, value in enumerate(body.outputs):
        if number in pair.stacks:
            continue
        results[number] = len(outputs)
        if number >= carries:
            places.setdefault(value, len(outputs))
        outputs.append(value)
    for value in sorted(choice.kept, key=lambda value: _order_key(body, value)):
        if value not in places:
            places[value] = len(outputs)
            outputs.append(value)
    nodes = topological_order(outputs, body.inputs)
    made = Graph(body.inputs, outputs, nodes, constraints=body.constraints)
    node, end = pair.forth.node, pair.forth.first_invariant
    scanned, invariants = node.inputs[carries:end], node.inputs[end:]
    loop = Loop(node, node.inputs[:carries], scanned, invariants, made)
    return loop, results, {value: places[value] for value in choice.kept}


def _order_key(body: Graph, value: Value) -> tuple[int, int]:
    return body.nodes.index(value.node), value.index


def _write_back(
    pair: LoopPair, choice: KeptSet, places: dict[Value, int]
) -> tuple[Loop, list[tuple[int, int]]]:
    forth, back, old = pair.forth, pair.back.node, pair.back.body
    dropped = {position for positions in pair.stacks.values() for position in positions}
    editor = GraphEditor(old)
    build = editor.build
    scanned = [(back.inputs[i], old.inputs[i]) for i in pair.back.scanned if i not in dropped]
    invariants = [(back.inputs[i], old.inputs[i]) for i in pair.back.invariant]
    mapped: dict[Value, Value] = {}
    kept: list[tuple[int, int]] = []
    for value, result in places.items():
        kept.append((result, len(scanned)))
        mapped[value] = build.input(value.type, f"kept{result}")
        # the old operand holds the place until the loop that stacks the value is made
        scanned.append((forth.node.inputs[0], mapped[value]))
    for node in choice.again:
        for value in node.inputs:
            if value in mapped or value.node.op.name != "input":
                continue
            position = forth.body.inputs.index(value)
            known = scanned if position in forth.scanned else invariants
            mapped[value] = _input_for(editor, known, forth.node.inputs[position], value)
        with build.located(node.origin.with_rule(RULE), node.name):
            operands = tuple([mapped[value] for value in node.inputs])
            made = build.make(node.op, operands, node.attributes, node.regions)
        for value, copy in zip(node.outputs, made.outputs, strict=True):
            mapped.setdefault(value, copy)
    for result, positions in pair.stacks.items():
        value = forth.body.outputs[result]
        if value not in mapped:  # what is scanned over anyway, or given to every iteration
            position = forth.body.inputs.index(value)
            known = scanned if position in forth.scanned else invariants
            mapped[value] = _input_for(editor, known, forth.node.inputs[position], value)
        for position in positions:
            editor.replace(old.inputs[position], mapped[value])
    editor.inputs = [
        *old.inputs[: pair.back.carries],
        *[inner for _, inner in scanned],
        *[inner for _, inner in invariants],
    ]
    body, _ = editor.freeze()
    loop = Loop(
        back,
        back.inputs[: pair.back.carries],
        [outer for outer, _ in scanned],
        [outer for outer, _ in invariants],
        body,
    )
    return loop, kept


def _input_for(
    editor: GraphEditor, known: list[tuple[Value, Value]], outer: Value, like: Value
) -> Value:
    """The input of the body for a value around it, a new one if it has none."""
    for given, inner in known:
        if given is outer:
            return inner
    made = editor.build.input(like.type, like.node.attributes["name"])
    known.append((outer, made))
    return made


def place_pair(editor: GraphEditor, pair: LoopPair, written: WrittenPair) -> None:
    """Put a written pair in the place of the one that it was written from."""
    forth = _make(editor, written.forth, written.forth.scanned)
    for old, new in written.results.items():
        editor.replace(pair.forth.node.outputs[old], forth.outputs[new])
    scanned = list(written.back.scanned)
    for result, place in written.kept:
        scanned[place] = forth.outputs[result]
    back = _make(editor, written.back, scanned)
    for old, new in zip(pair.back.node.outputs, back.outputs, strict=True):
        editor.replace(old, new)


def _make(editor: GraphEditor, loop: Loop, scanned: Sequence[Value]) -> Node:
    carries, invariants = loop.carries, loop.invariants
    return make_scan(editor.build, loop.like, carries, scanned, invariants, loop.body, rule=RULE)

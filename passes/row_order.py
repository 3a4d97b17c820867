"""When a row of a stack may change: after all that reads it, which only values can tell.

XLA changes a row in place where whoever reads it reads it before. No order can be asked for, but
where a row is may depend on a value: the change then waits for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from graphc.ir.builder import Builder
from graphc.ir.graph import Graph, users_of
from graphc.ir.node import Node, Value
from graphc.ir.op import Trait
from passes.hidden_branches import always_after, can_anchor

_COMPUTED_ONCE: Final = Trait.CONTRACTION | Trait.REGION


def number_after(build: Builder, number: Value, anchors: Iterable[Value]) -> Value:
    """The number of a row, known when other values are there."""
    for anchor in anchors:
        is_there = always_after(build, anchor)
        number = build.select(is_there, number, build.full_like(number, 0))
    return number


def last_readers(
    body: Graph, rows: Sequence[Value], changed: Value | None = None
) -> Sequence[Value] | None:
    """Values of a body that are there only after all that reads some rows; None where none tell.

    Args:
        body: the body of a loop.
        rows: inputs of it.
        changed: a result that may read them: it is what they change to.
    """
    users = users_of(body)
    outputs = set(body.outputs) - {changed}
    found: dict[Value, None] = {}
    seen: set[Node] = set()
    pending = list(rows)
    while pending:
        value = pending.pop()
        if value in outputs:
            return None
        for node in users.get(value, ()):
            if node in seen:
                continue
            seen.add(node)
            if not node.op.traits & _COMPUTED_ONCE:
                pending += node.outputs
                continue
            anchor = next(filter(can_anchor, node.outputs), None)
            if anchor is None:
                return None
            found[anchor] = None
    return _last_of(body, found)


def _last_of(body: Graph, values: Collection[Value]) -> list[Value]:
    """Those that no other of the values follows from: what waits keeps them in memory."""
    if len(values) < 2:
        return list(values)
    own: dict[Node, Value] = {value.node: value for value in values}
    before: dict[Node, frozenset[Value]] = {}  # those that a node's value follows from
    last = set(values)
    for node in body.nodes:
        found = frozenset[Value]()
        for operand in node.inputs:
            found |= before.get(operand.node, frozenset())
        if node in own:
            last -= found
            found |= {own[node]}
        if found:
            before[node] = found
    return [value for value in values if value in last]


def nodes_between(body: Graph, row: Value, result: Value) -> list[Node]:
    """The nodes through which a result reads a row, but for what products stand between."""
    reads: set[Value] = {row}
    order: list[Node] = []
    for node in body.nodes:
        if not node.op.traits & _COMPUTED_ONCE and not reads.isdisjoint(node.inputs):
            reads.update(node.outputs)
            order.append(node)
    needed = {result}
    found: list[Node] = []
    for node in reversed(order):
        if not needed.isdisjoint(node.outputs):
            needed.update(node.inputs)
            found.append(node)
    return found[::-1]

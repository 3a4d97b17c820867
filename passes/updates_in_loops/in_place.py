"""Which updates change rows in place, with no copy of a row: in which order, and after what.

XLA computes a new row where the old one lies, if whoever reads the old row reads it before. What
the body reads of a variable for other ends is known to be over once a product that follows from it
is there, as no product is computed twice; what the new rows of other variables are made of, once
these are there. A row number that only they can tell makes a change wait for them.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphc.ir.graph import topological_order
from graphc.ir.node import Node, Value
from graphc.ir.op import Trait
from passes.hidden_branches import can_anchor
from passes.updates_in_loops.row_updates import RowUpdate

_DEAR = Trait.CONTRACTION | Trait.REGION | Trait.REDUCTION


@dataclass(frozen=True, eq=False)
class InPlace:
    """How an update changes rows in place.

    Attributes:
        order: the variables, by their values before, those to change first.
        reads_old: for each, the other variables whose old rows its new row is made of.
        shared: the nodes that follow from gradients alone; written once for all.
    """

    order: tuple[Value, ...]
    reads_old: Mapping[Value, frozenset[Value]]
    shared: frozenset[Node]


def plan_in_place(update: RowUpdate) -> InPlace | None:
    """How an update can be made in place; None where new rows need each other's old ones."""
    own_new = {new: state for state, new in update.states.items()}
    reach: dict[Node, frozenset[Value]] = {}  # the old rows that a node's value is made of

    def old_rows(value: Value) -> frozenset[Value]:
        if value in update.states:
            return frozenset([value])
        return reach.get(value.node, frozenset())

    for node in update.nodes:
        reach[node] = frozenset[Value]().union(*map(old_rows, node.inputs))
    shared = frozenset(node for node in update.nodes if not reach[node])

    reads_old: dict[Value, frozenset[Value]] = {}
    reads_new: dict[Value, set[Value]] = {}
    written: dict[Node, Value] = {}
    for state, new in update.states.items():
        if new.node not in reach:
            return None
        old: set[Value] = set()
        after: set[Value] = set()
        seen: set[Node] = set()
        pending = [(new.node, new)]
        while pending:
            node, value = pending.pop()
            if value is not new and value in own_new:
                after.add(own_new[value])
                continue
            if value in update.states:
                old.add(value)
                continue
            if node not in reach or node in shared or node in seen:
                continue
            seen.add(node)
            if node.op.traits & _DEAR and written.setdefault(node, state) is not state:
                return None  # it would be computed once for each of two variables
            pending += [(operand.node, operand) for operand in node.inputs]
        reads_old[state] = frozenset(old - {state})
        reads_new[state] = after
    if any(reads_old[state] and not can_anchor(update.states[state]) for state in reads_old):
        return None
    order = _ordered(reads_old, reads_new)
    return None if order is None else InPlace(order, reads_old, shared)


def _ordered(
    reads_old: Mapping[Value, frozenset[Value]], reads_new: Mapping[Value, set[Value]]
) -> tuple[Value, ...] | None:
    """Readers of old rows before their change, readers of new rows after it."""
    states = list(reads_old)
    before = {state: set(reads_new[state]) for state in states}
    for state, others in reads_old.items():
        for other in others:
            before[other].add(state)
    place = {state: i for i, state in enumerate(states)}
    ready = [place[state] for state in states if not before[state]]
    order: list[Value] = []
    while ready:
        state = states[heapq.heappop(ready)]
        order.append(state)
        for other in states:
            if state in before[other]:
                before[other].discard(state)
                if not before[other]:
                    heapq.heappush(ready, place[other])
    return tuple(order) if len(order) == len(states) else None


def reads_that_can_wait(
    rows: Sequence[Sequence[Value]], gradients: Sequence[Sequence[Value]]
) -> list[bool]:
    """For each update, whether the body can read its rows after its gradients are there.

    Args:
        rows: for each update, the inputs of the body that are rows of its variables.
        gradients: for each update, the values of the body that it reads.
    """
    behind = [_inputs_behind(values) for values in gradients]
    needs = [
        [other for other, read in enumerate(rows) if not behind[number].isdisjoint(read)]
        for number in range(len(rows))
    ]
    waits: list[bool] = []
    for number in range(len(rows)):
        waits.append(True)
        seen: set[int] = set()
        pending = list(needs[number])
        while pending:
            other = pending.pop()
            if other not in seen:
                seen.add(other)
                pending += needs[other] if other < len(waits) and waits[other] else ()
        waits[number] = number not in seen
    return waits


def _inputs_behind(values: Sequence[Value]) -> set[Value]:
    return {node.output for node in topological_order(list(values)) if node.op.name == "input"}

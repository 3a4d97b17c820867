"""Which nodes run in a loop, and what each of their operands is there.

A loop begins with the orbits of a cycle, which it must run; orbits beside the cycle join. The loop
is one node of the graph that comes out, so no path may leave it and come back: what breaks that
rule is left out again, and where it is of the cycle itself, the loop is refused.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import networkx as nx

from graphc.ir.node import Node, Value
from passes.layer_rolling.joining import join
from passes.layer_rolling.node_signatures import Users, is_heavy
from passes.layer_rolling.orbits import Edge, Orbit, operands_at
from passes.layer_rolling.schedules import Copied, Schedule, inner_edges


@dataclass(frozen=True)
class Inside:
    """The operand is a value of the same iteration."""

    edge: Edge


@dataclass(frozen=True)
class Carried:
    """The operand is a value of the iteration before; `initial` in the first."""

    edge: Edge
    initial: Value


@dataclass(frozen=True)
class Invariant:
    """The operand is the same in every iteration."""

    value: Value


@dataclass(frozen=True)
class Scanned:
    """The operand is another value in each iteration."""

    values: tuple[Value, ...]


Operand = Inside | Carried | Invariant | Scanned


@dataclass(frozen=True)
class Loop:
    """A loop that can be emitted.

    Attributes:
        schedule: which elements of which orbits run when.
        orbits: the body, operands first.
        operands: what each orbit reads, by position.
        is_reversed: whether the first iteration has the last row of each stack.
    """

    schedule: Schedule
    orbits: Sequence[Orbit]
    operands: Mapping[Orbit, tuple[Operand, ...]]
    is_reversed: bool = False

    def nodes(self) -> list[Node]:
        """Every node that the loop stands for."""
        return [
            orbit.nodes[element]
            for orbit in self.orbits
            for element in self.schedule.elements(orbit)
        ]

    def heavy_nodes(self) -> int:
        """How many products, convolutions and loops it stands for."""
        return self.schedule.length * sum([is_heavy(orbit.nodes[0]) for orbit in self.orbits])

    def stacks(self) -> Iterator[tuple[Value, ...]]:
        """What operands are in each iteration, of those that are another value in each."""
        for operand in itertools.chain(*self.operands.values()):
            if isinstance(operand, Scanned):
                yield operand.values


class Flow:
    """What depends on what, when each planned loop is one node."""

    def __init__(self, users: Users) -> None:
        self._places = places = {node: place for place, node in enumerate(users)}
        self._users = [[places[user] for user, _ in each] for each in users.values()]
        self._loop_of: dict[Node, Sequence[Node]] = {}

    def contract(self, nodes: Sequence[Node]) -> None:
        """From now on these nodes are one."""
        self._loop_of.update(dict.fromkeys(nodes, nodes))

    def release(self, nodes: Sequence[Node]) -> None:
        """They are not any more."""
        for node in nodes:
            del self._loop_of[node]

    def is_taken(self, node: Node) -> bool:
        """Whether a node is part of a planned loop."""
        return node in self._loop_of

    def after(self, nodes: Sequence[Node], among: Iterable[Node]) -> set[Node]:
        """The nodes themselves and those of others that depend on any of them."""
        wanted = set(among)
        users, loop_of, places = self._users, self._loop_of, self._places
        loops = {places[node]: loop for node, loop in loop_of.items()}
        # Users stand behind what they use, but for the nodes of a loop, which are one.
        last = max((*[places[node] for node in wanted], *loops), default=-1)
        pending = [places[node] for node in nodes]
        found = set(pending)
        while pending:
            for user in users[pending.pop()]:
                if user in found or user > last:
                    continue
                loop = loops.get(user)
                if loop is None:
                    found.add(user)
                    pending.append(user)
                else:
                    more = {places[node] for node in loop} - found
                    found |= more
                    pending += more
        return {node for node in wanted if places[node] in found}


class RefusedError(Exception):
    """A loop cannot be made; says why, in words for the report."""


def plan_loop(
    flow: Flow,
    cycle: Sequence[Orbit],
    beside: Sequence[Sequence[Orbit]],
    schedule: Schedule,
    copied: Copied,
) -> Loop:
    """The largest loop around a cycle.

    Args:
        flow: what depends on what, with the loops that are planned already.
        cycle: orbits that must run in the loop.
        beside: orbits that may, and cycles of others, operands first.
        schedule: iterations of the cycle.
        copied: what an orbit reads of stacks that would not be read as they lie.

    Raises:
        RefusedError: a path leaves the loop and comes back to the cycle.
    """
    return _close(flow, set(cycle), join(schedule, beside, copied))


def narrow_loop(flow: Flow, cycle: Sequence[Orbit], loop: Loop, kept: Set[Orbit]) -> Loop:
    """The loop without the orbits that are not kept.

    Raises:
        RefusedError: a path leaves the loop and comes back to the cycle.
    """
    shifts = {orbit: shift for orbit, shift in loop.schedule.shifts.items() if orbit in kept}
    return _close(flow, set(cycle), replace(loop.schedule, shifts=shifts))


def _close(flow: Flow, required: Set[Orbit], schedule: Schedule) -> Loop:
    """The loop of a schedule, without the orbits that read what depends on it from outside."""
    operands: dict[Orbit, tuple[Operand, ...]] = {}
    while True:
        orbits = _body_order(schedule)
        operands = {orbit: operands.get(orbit) or _operands(orbit, schedule) for orbit in orbits}
        loop = Loop(schedule, orbits, operands)
        outer = {orbit: _outer_nodes(given) for orbit, given in operands.items()}
        after = flow.after(loop.nodes(), set().union(*outer.values()))
        closing = dict.fromkeys(orbit for orbit, nodes in outer.items() if nodes & after)
        if not closing:
            return _without_idle(loop, required)
        for orbit in closing:
            if orbit in required:
                node = orbit.nodes[schedule.elements(orbit)[0]]
                raise RefusedError(
                    f"{node.op.name} {node.name!r} reads what depends on the loop through nodes "
                    "outside"
                )
        kept = {o: shift for o, shift in schedule.shifts.items() if o not in closing}
        schedule = replace(schedule, shifts=kept)
        for reader in [edge.reader for orbit in closing for edge in orbit.readers]:
            operands.pop(reader, None)


def _outer_nodes(operands: Iterable[Operand]) -> set[Node]:
    return {value.node for operand in operands for value in outer_values(operand)}


def _without_idle(loop: Loop, required: Set[Orbit]) -> Loop:
    """The loop without orbits that neither read what the cycle computes nor lead to any that do."""
    busy = set(required)
    for orbit in loop.orbits:
        busy.update([orbit] if any(o.edge.source in busy for o in _inner(loop, orbit)) else ())
    for orbit in reversed(loop.orbits):
        if orbit in busy:
            busy.update(operand.edge.source for operand in _inner(loop, orbit))
    if len(busy) == len(loop.orbits):
        return loop
    shifts = {orbit: shift for orbit, shift in loop.schedule.shifts.items() if orbit in busy}
    orbits = [orbit for orbit in loop.orbits if orbit in busy]
    operands = {orbit: loop.operands[orbit] for orbit in orbits}
    return replace(
        loop, schedule=replace(loop.schedule, shifts=shifts), orbits=orbits, operands=operands
    )


def _inner(loop: Loop, orbit: Orbit) -> list[Inside | Carried]:
    return [operand for operand in loop.operands[orbit] if isinstance(operand, Inside | Carried)]


def _body_order(schedule: Schedule) -> list[Orbit]:
    """The orbits of a loop, operands of an iteration first."""
    view: nx.DiGraph[Orbit] = nx.DiGraph()
    view.add_nodes_from(schedule.shifts)
    view.add_edges_from(
        (edge.source, edge.reader)
        for edge in inner_edges(schedule.shifts)
        if schedule.span(edge) == 0
    )
    return list(nx.topological_sort(view))


def _operands(orbit: Orbit, schedule: Schedule) -> tuple[Operand, ...]:
    elements = schedule.elements(orbit)
    found: list[Operand] = []
    for position in range(len(orbit.nodes[0].inputs)):
        values = operands_at(orbit, position, elements)
        edge = orbit.reads.get(position)
        if edge is not None and edge.source in schedule.shifts:
            span = schedule.span(edge)
            if span == 0 and edge.holds_for(elements):
                found.append(Inside(edge))
                continue
            if span == -1 and edge.holds_for(elements[1:]):
                found.append(Carried(edge, values[0]))
                continue
        is_same = all(value is values[0] for value in values)
        found.append(Invariant(values[0]) if is_same else Scanned(tuple(values)))
    return tuple(found)


def outer_values(operand: Operand) -> tuple[Value, ...]:
    """The values of the graph that an operand brings into the loop."""
    if isinstance(operand, Inside):
        return ()
    if isinstance(operand, Carried):
        return (operand.initial,)
    return (operand.value,) if isinstance(operand, Invariant) else operand.values

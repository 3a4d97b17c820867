"""When each orbit runs: cycles of orbits become loops, and every element gets an iteration.

A *schedule* gives each orbit a shift: element i runs in iteration i + shift. An edge then spans
`offset + shift(source) - shift(reader)` iterations. A loop can carry what spans -1; what spans 0
stays inside an iteration; nothing else is allowed. Shifts move freely around a cycle (that is
retiming, C. Leiserson and J. Saxe, "Retiming synchronous circuitry", 1991), so one orbit is chosen
as the *anchor*, whose value is read one iteration later, and everything else runs as soon as it
can. Every orbit of the cycle is tried as the anchor; the best carries the fewest values over the
most iterations, and of these it leaves most stacks as they lie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import networkx as nx

from passes.layer_rolling.orbits import Edge, Orbit

_MOST_ANCHORS: Final = 200


@dataclass(frozen=True)
class Schedule:
    """Iterations for the orbits of one loop.

    Attributes:
        shifts: element i of an orbit runs in iteration `i + shifts[orbit]`.
        first: the first iteration.
        last: the last iteration.
    """

    shifts: Mapping[Orbit, int]
    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    def elements(self, orbit: Orbit) -> range:
        """The elements of an orbit that run in the loop, by iteration."""
        shift = self.shifts[orbit]
        return range(self.first - shift, self.last - shift + 1)

    def span(self, edge: Edge) -> int:
        """How many iterations lie between a read and what it reads: 0 or -1 inside a loop."""
        return edge.offset + self.shifts[edge.source] - self.shifts[edge.reader]


Copied = Callable[[Orbit, Schedule], int]
"""How many bytes an orbit, run so, reads of stacks that must be put together anew for it."""


def find_cycles(orbits: Iterable[Orbit]) -> list[list[Orbit]]:
    """Groups of orbits that depend on each other from block to block; the largest first."""
    view: nx.DiGraph[Orbit] = nx.DiGraph()
    for orbit in orbits:
        view.add_edges_from((edge.source, orbit) for edge in orbit.reads.values())
    place = {orbit: i for i, orbit in enumerate(orbits)}
    cycles = [
        sorted(component, key=place.__getitem__)
        for component in nx.strongly_connected_components(view)
        if len(component) > 1 or any(view.has_edge(orbit, orbit) for orbit in component)
    ]
    return sorted(cycles, key=lambda cycle: (-len(cycle), place[cycle[0]]))


def schedule_cycle(cycle: Sequence[Orbit], least: int, copied: Copied) -> list[Schedule]:
    """The loops that a cycle of orbits makes: one for each stretch without a break.

    Empty where its values do not go from one iteration to the very next.

    Args:
        cycle: orbits that depend on each other.
        least: how many iterations a loop must have.
        copied: what an orbit reads of stacks that would not be read as they lie.
    """
    edges = inner_edges(cycle)
    best: list[Schedule] = []
    best_rank: tuple[int, int, int] | None = None
    longest = min(map(len, cycle))
    step = max(1, len(cycle) // _MOST_ANCHORS)
    across = dict.fromkeys(edge.source for edge in edges if edge.offset)
    for anchor in dict.fromkeys((*list(across)[:_MOST_ANCHORS], *cycle[::step])):
        shifts = shifts_after(anchor, cycle, edges)
        if shifts is None:
            continue
        carried = {
            (edge.source, edge.index)
            for edge in edges
            if edge.offset + shifts[edge.source] - shifts[edge.reader]
        }
        stretches = [s for s in _stretches(shifts, edges) if s.length >= least]
        if not stretches:
            continue
        few = -sum(s.length for s in stretches), len(carried)
        if best_rank is not None and few > best_rank[:2]:
            continue
        rank = (*few, sum(copied(o, s) for s in stretches for o in cycle))
        if best_rank is None or rank < best_rank:
            best, best_rank = stretches, rank
            if rank == (-longest, 1, 0):  # one value, over all iterations that there can be
                break
    return best


def inner_edges(orbits: Iterable[Orbit]) -> list[Edge]:
    """The edges that begin and end in a set of orbits."""
    members = set(orbits)
    return [e for orbit in orbits for e in orbit.reads.values() if e.source in members]


def shifts_after(
    anchor: Orbit, cycle: Sequence[Orbit], edges: Sequence[Edge]
) -> dict[Orbit, int] | None:
    """As soon as possible after the anchor's last value: longest paths; None where none fit."""
    readers: dict[Orbit, list[Edge]] = {orbit: [] for orbit in cycle}
    for edge in edges:
        readers[edge.source].append(edge)
    shifts = {anchor: 0}
    patience = 20 * len(edges)
    pending = [anchor]
    closing: int | None = None
    for orbit in pending:
        for edge in readers[orbit]:
            earliest = shifts[orbit] + edge.offset + (orbit is anchor)
            if edge.reader is anchor:
                closing = earliest if closing is None else max(closing, earliest)
            elif earliest > shifts.get(edge.reader, earliest - 1):
                shifts[edge.reader] = earliest
                pending.append(edge.reader)
        patience -= 1
        if patience < 0 or (closing or 0) > 0:
            return None
    if closing != 0 or len(shifts) != len(cycle):
        return None
    spans = (edge.offset + shifts[edge.source] - shifts[edge.reader] for edge in edges)
    return shifts if all(span in (0, -1) for span in spans) else None


def _stretches(shifts: dict[Orbit, int], edges: Sequence[Edge]) -> list[Schedule]:
    """The iterations in which every orbit has an element that reads what it should."""
    first = max(shifts.values())
    last = min(shift + len(orbit) - 1 for orbit, shift in shifts.items())
    empty, unlinked = set[int](), set[int]()
    for edge in edges:
        if edge.breaks:
            span = edge.offset + shifts[edge.source] - shifts[edge.reader]
            broken = unlinked if span else empty
            broken.update(element + shifts[edge.reader] for element in edge.breaks)
    found: list[Schedule] = []
    start: int | None = None
    for iteration in range(first, last + 2):
        inside = iteration <= last and iteration not in empty
        if start is not None and (not inside or iteration in unlinked):
            found.append(Schedule(shifts, start, iteration - 1))
            start = None
        if start is None and inside:
            start = iteration
    return found

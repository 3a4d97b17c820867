"""What runs in a loop beside its cycle, and in which of its iterations.

Those orbits join that only feed the cycle (a bias laid out for its sum) and those that it only
feeds (a loss of each layer, the gradient of a weight), so that what is stacked is small. Of sums of
what a loop computes (skips of all layers, gradients of a weight that all share) it carries one
value, in place of a stack of what they add: these are small cycles of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from passes.layer_rolling.orbits import Edge, Orbit
from passes.layer_rolling.schedules import Copied, Schedule, inner_edges, shifts_after


def join(schedule: Schedule, beside: Sequence[Sequence[Orbit]], copied: Copied) -> Schedule:
    """The schedule with every orbit beside the cycle that keeps step with it.

    Args:
        schedule: of the cycle.
        beside: orbits that may join, and cycles of others, operands first.
        copied: what an orbit reads of stacks that would not be read as they lie.
    """
    shifts = dict(schedule.shifts)
    joined = replace(schedule, shifts=shifts)
    for group in beside:  # what the loop feeds
        if not any(orbit in shifts for orbit in group):
            found = min(_placements(group, joined, copied), key=lambda each: each[0], default=None)
            shifts.update({} if found is None else found[1])
    for group in reversed(beside):  # what feeds the loop: as late as possible
        orbit = group[0]
        edges = [edge for edge in orbit.readers if edge.reader in shifts]
        if edges and len(group) == 1 and orbit not in shifts:
            shifts[orbit] = min(shifts[edge.reader] - edge.offset for edge in edges)
            if not _keeps_step(orbit, joined, edges, spans=(0,)):
                del shifts[orbit]
    return joined


def _placements(
    group: Sequence[Orbit], schedule: Schedule, copied: Copied
) -> Iterator[tuple[int, dict[Orbit, int]]]:
    """Shifts of what a loop feeds: as soon as possible, or an iteration later; and what is copied.

    The first is the best of equals.
    """
    given = [
        (orbit, edge)
        for orbit in group
        for edge in orbit.reads.values()
        if edge.source in schedule.shifts
    ]
    if not given:
        return
    inner = inner_edges(group)
    for anchor in group:
        own = {anchor: 0} if len(group) == 1 else shifts_after(anchor, group, inner)
        if own is None:
            continue
        soonest = max(
            edge.offset + schedule.shifts[edge.source] - own[orbit] for orbit, edge in given
        )
        for start in (soonest, soonest + 1):
            placed = {orbit: start + own[orbit] for orbit in group}
            joined = replace(schedule, shifts={**schedule.shifts, **placed})
            if all(
                _keeps_step(
                    orbit,
                    joined,
                    [edge for edge in orbit.reads.values() if edge.source in joined.shifts],
                    spans=(0, -1),
                )
                for orbit in group
            ):
                yield sum(copied(orbit, joined) for orbit in group), placed


def _keeps_step(
    orbit: Orbit, schedule: Schedule, edges: Iterable[Edge], spans: tuple[int, ...]
) -> bool:
    """Whether an orbit has an element in every iteration, and edges that hold."""
    elements = schedule.elements(orbit)
    if elements[0] < 0 or elements[-1] >= len(orbit):
        return False
    for edge in edges:
        span = schedule.span(edge)
        if span not in spans:
            return False
        reading = schedule.elements(edge.reader)
        if not edge.holds_for(reading if span == 0 else reading[1:]):
            return False
    return True

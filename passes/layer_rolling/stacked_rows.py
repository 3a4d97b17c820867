"""Where planned loops have values in rows of stacks, and what another loop would have to copy.

A loop that comes later reads such stacks as they lie, or a part of them, row after row. Where it
reads rows of several, or one row from elsewhere, all of them are put together anew: a copy beside
the stacks. Often another iteration to run a node in, a layer earlier or later, avoids that.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from graphc.ir.node import Value
from passes.layer_rolling.loops import Carried, Loop, Scanned
from passes.layer_rolling.orbits import Orbit, operands_at
from passes.layer_rolling.schedules import Schedule

_Place = tuple[object, int]
"""What tells a stack from others, and a row of it."""


class StackedRows:
    """The values that planned loops have, or may have, in stacks."""

    def __init__(self) -> None:
        self._places: dict[Value, _Place] = {}

    def add(self, loop: Loop) -> None:
        """From now on what a loop gives, and what it reads another of each time, lies in stacks."""
        for stack, values in _stacks(loop):
            for row, value in enumerate(values[::-1] if loop.is_reversed else values):
                self._places.setdefault(value, (stack, row))

    def remove(self, loop: Loop) -> None:
        """It does not any more."""
        for stack, values in _stacks(loop):
            for value in values:
                if self._places.get(value, (None, 0))[0] == stack:
                    del self._places[value]

    def bytes_copied(self, orbit: Orbit, schedule: Schedule) -> int:
        """What an orbit reads of rows that would have to be put together anew; of an iteration."""
        if not self._places:
            return 0
        copied = 0
        elements = schedule.elements(orbit)
        for position in range(len(orbit.nodes[0].inputs)):
            edge = orbit.reads.get(position)
            if edge is not None and edge.source in schedule.shifts:
                continue
            values = operands_at(orbit, position, elements)
            if self.are_apart(values):
                size = values[0].type.byte_size
                copied += size if isinstance(size, int) else 1
        return copied

    def run_backwards(self, loop: Loop) -> bool:
        """Whether a loop reads most stacks from the last row to the first; as it is, where none."""
        steps = [self._step(values) for values in loop.stacks()]
        forth, back = steps.count(1), steps.count(-1)
        return loop.is_reversed if forth == back else forth < back

    def are_apart(self, values: Sequence[Value]) -> bool:
        """Whether some values lie in stacks, but not all in one, row after row."""
        if not any(value in self._places for value in values):
            return False
        return any(value is not values[0] for value in values) and not self._step(values)

    def _step(self, values: Sequence[Value]) -> int:
        """1 or -1 where values are rows of one stack, up or down one after the other; else 0."""
        places = [self._places.get(value) for value in values]
        known = [place for place in places if place is not None]
        if len(known) < len(values) or len({stack for stack, _ in known}) > 1:
            return 0
        steps = {after - before for (_, before), (_, after) in itertools.pairwise(known)}
        return steps.pop() if steps in ({1}, {-1}) else 0


def _stacks(loop: Loop) -> Iterator[tuple[object, Sequence[Value]]]:
    """Each stack that a loop reads or can make; of what is carried, with what it begins with."""
    carried = {
        (operand.edge.source, operand.edge.index): operand.initial
        for operands in loop.operands.values()
        for operand in operands
        if isinstance(operand, Carried)
    }
    for orbit in loop.orbits:
        nodes = [orbit.nodes[element] for element in loop.schedule.elements(orbit)]
        for result in nodes[0].outputs:
            values = [node.outputs[result.index] for node in nodes]
            initial = carried.get((orbit, result.index))
            yield (orbit, result.index), values if initial is None else [initial, *values]
        for operand in loop.operands[orbit]:
            if isinstance(operand, Scanned):
                yield operand.values, operand.values

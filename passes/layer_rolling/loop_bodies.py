"""The body of a loop: what it reads in each iteration, what it carries, and what it gives."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.literal import Literal
from graphc.ir.node import Node, Value
from graphc.ir.registry import OpRegistry
from passes.layer_rolling.kept_results import Result, costs_little
from passes.layer_rolling.loops import Carried, Inside, Invariant, Loop, Operand
from passes.layer_rolling.orbits import Orbit


class Neighbours:
    """Which values loops read one after the other, as rows of one stack."""

    def __init__(self, stacks: Iterable[tuple[Value, ...]]) -> None:
        self._after: set[tuple[Value, Value]] = set()
        self._read: set[Value] = set()
        for values in stacks:
            self._read.update(values)
            self._after.update(itertools.pairwise(values))

    def are_read_together(self, value: Value, other: Value) -> bool:
        """Whether a loop reads two values in two iterations that follow each other."""
        return (value, other) in self._after or (other, value) in self._after

    def is_read(self, value: Value) -> bool:
        """Whether a loop reads a value as a row."""
        return value in self._read


class Carries:
    """The carries of a loop: a value of the body for each, and what it begins with."""

    def __init__(self) -> None:
        self._inputs: dict[tuple[Orbit, int, Value], Value] = {}

    def __len__(self) -> int:
        return len(self._inputs)

    def find(self, body: GraphBuilder, carried: Carried) -> Value:
        """The input of the body for a carried operand."""
        key = (carried.edge.source, carried.edge.index, carried.initial)
        found = self._inputs.get(key)
        if found is None:
            found = self._inputs[key] = body.input(carried.initial.type, f"carry{len(self)}")
        return found

    def initial_values(self) -> list[Value]:
        return [initial for _, _, initial in self._inputs]

    def results(self) -> list[Result]:
        return [(orbit, index) for orbit, index, _ in self._inputs]

    def inputs(self) -> list[Value]:
        return list(self._inputs.values())

    def place_of(self, orbit: Orbit, index: int) -> int:
        return self.results().index((orbit, index))

    def initial_values_of(self, result: Result) -> list[Value]:
        return [value for orbit, index, value in self._inputs if (orbit, index) == result]

    def input_of(self, result: Result, initial: Value) -> Value:
        return self._inputs[*result, initial]


class BodyWriter:
    """Writes the body of a loop.

    Attributes:
        loop: the loop.
        carries: in the order of the scan's operands.
        scanned: the values of each stacked operand, by iteration.
        invariants: values that every iteration reads.
    """

    def __init__(
        self,
        loop: Loop,
        registry: OpRegistry,
        earlier: Mapping[Node, Orbit],
        kept: set[Result],
    ) -> None:
        self.loop = loop
        self._kept = kept
        self.carries = Carries()
        self.scanned: dict[tuple[Value, ...], Value] = {}
        self._earlier = earlier
        self._again: dict[tuple[Value, ...], Value] = {}
        self.invariants: dict[Value, Value] = {}
        self._spread: dict[Value, Value] = {}
        self._body = GraphBuilder(registry)
        self._made: dict[Result, Value] = {}
        self._length = loop.schedule.length
        for orbit in loop.orbits:
            node = orbit.nodes[loop.schedule.elements(orbit)[0]]
            operands = tuple([self._operand(operand) for operand in loop.operands[orbit]])
            with self._body.located(node.origin, node.name):
                made = self._body.make(node.op, operands, node.attributes, node.regions)
            for value in made.outputs:
                self._made[orbit, value.index] = value

    def _operand(self, operand: Operand) -> Value:
        body = self._body
        if isinstance(operand, Inside):
            return self._made[operand.edge.source, operand.edge.index]
        if isinstance(operand, Carried):
            return self.carries.find(body, operand)
        if isinstance(operand, Invariant):
            return self._invariant(operand.value)
        return self._varying(operand.values)

    def _invariant(self, value: Value) -> Value:
        if _spreads_a_number(value):  # made where it is read, instead of kept in memory
            if value not in self._spread:
                self._spread[value] = self._again_inside(value)
            return self._spread[value]
        if value not in self.invariants:
            name = f"invariant{len(self.invariants)}"
            self.invariants[value] = self._body.input(value.type, name)
        return self.invariants[value]

    def _again_inside(self, value: Value) -> Value:
        node, body = value.node, self._body
        number = body.literal(node.inputs[0].node.attributes["value"])
        with body.located(node.origin, node.name):
            return body.make(node.op, (number,), node.attributes).output

    def _varying(self, values: tuple[Value, ...]) -> Value:
        """A value for each iteration: computed again if that is cheap, else scanned."""
        if values[0] is values[-1] and all(value is values[0] for value in values):
            return self._invariant(values[0])
        if values in self._again:
            return self._again[values]
        if self._is_cheap(values) or _are_spread_alike(values):
            first = values[0].node
            operands = tuple(
                [
                    self._varying(tuple([value.node.inputs[place] for value in values]))
                    for place in range(len(first.inputs))
                ]
            )
            with self._body.located(first.origin, first.name):
                made = self._body.make(first.op, operands, first.attributes)
            self._again[values] = made.outputs[values[0].index]
            return self._again[values]
        if values not in self.scanned:
            self.scanned[values] = self._body.input(values[0].type, f"slice{len(self.scanned)}")
        return self.scanned[values]

    def _is_cheap(self, values: Sequence[Value]) -> bool:
        """Whether values are one orbit's of an earlier loop, of an op that costs little."""
        orbit = self._earlier.get(values[0].node)
        if orbit is None or not costs_little(values[0].node):
            return False
        index = values[0].index
        if (orbit, index) in self._kept:
            return False
        return all(v.index == index and self._earlier.get(v.node) is orbit for v in values)

    def outer_values(self) -> Iterator[Value]:
        """Every value of the graph that the loop reads."""
        yield from self.carries.initial_values()
        yield from itertools.chain(*self.scanned)
        yield from self.invariants

    def ends(self, result: Result, iterations: Sequence[int]) -> bool:
        """Whether the last value of a carry is all that is read of a result."""
        return iterations == [self._length - 1] and result in self.carries.results()

    def stacks_before(self, result: Result, rows: Neighbours) -> Value | None:
        """The initial value of a carry that is to be stacked as each iteration gets it; or None.

        Loops read the initial value and what the first iteration gives as rows of one stack, and
        none reads what the last one gives.
        """
        orbit, index = result
        elements = self.loop.schedule.elements(orbit)
        first, last = (orbit.nodes[elements[place]].outputs[index] for place in (0, -1))
        for initial in self.carries.initial_values_of(result):
            if rows.are_read_together(initial, first) and not rows.is_read(last):
                return initial
        return None

    def finish(self, stacked: Mapping[Result, Value | None]) -> Graph:
        """The closed body: new values of carries, then results to stack.

        Args:
            stacked: the results; with an initial value, those to stack as an iteration gets them.
        """
        outputs = [self._made[result] for result in self.carries.results()]
        outputs += [
            self._made[result] if initial is None else self.carries.input_of(result, initial)
            for result, initial in stacked.items()
        ]
        # carries, slices, invariants: they were met in the order of the body
        self._body.inputs = [
            *self.carries.inputs(), *self.scanned.values(), *self.invariants.values(),
        ]  # fmt: skip
        return self._body.finish(outputs)


def _are_spread_alike(values: Sequence[Value]) -> bool:
    """Whether values are smaller ones along more axes, each in the same way."""
    first = values[0].node
    return first.op.name == "broadcast_in_dim" and all(
        value.node.op is first.op
        and value.node.attributes == first.attributes
        and value.node.inputs[0].type is first.inputs[0].type
        for value in values
    )


def _spreads_a_number(value: Value) -> bool:
    """Whether a value is one known number, everywhere."""
    if value.node.op.name != "broadcast_in_dim":
        return False
    given = value.node.inputs[0]
    return given.type.rank == 0 and _literal(given) is not None


def _literal(value: Value) -> Literal | None:
    """What a constant holds; None for anything else, and for one that text named by its hash."""
    literal = value.node.attributes["value"] if value.node.op.name == "constant" else None
    return None if literal is None or literal.is_detached else literal

"""Writing a loop: one `scan`, with what its iterations read stacked, and what is read of them cut.

Operands of the scan: carries with their initial values, stacked arrays, loop-invariant values. Its
results: the last values of carries, then every value that is read outside, stacked.

A loop that reads what an earlier one computes (the way back reads the way forth) computes again
what is cheap; `kept_results` says what is kept for it, stacked.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence, Set

import numpy as np

from graphc.ir.builder import GraphBuilder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.literal import Literal
from graphc.ir.node import Node, Value
from graphc.ir.registry import OpRegistry
from passes.layer_rolling.kept_results import (
    Result,
    costs_little,
    read_again_outside,
    results_read,
    worth_keeping,
)
from passes.layer_rolling.loops import Carried, Inside, Invariant, Loop, Operand
from passes.layer_rolling.node_signatures import Users
from passes.layer_rolling.orbits import Orbit

RULE = "layer_rolling"


class LoopEmitter:
    """Emits loops into one editor.

    Attributes:
        editor: the graph being changed.
    """

    def __init__(self, editor: GraphEditor, registry: OpRegistry, users: Users) -> None:
        self.editor = editor
        self._registry = registry
        self._users = users
        self._elements: dict[Value, tuple[Value, int]] = {}

    def emit(self, loops: Sequence[Loop]) -> list[Node]:
        """Put scans in place of the nodes of loops, those that others read first."""
        earlier: dict[Node, Orbit] = {}
        read = results_read(loops)
        kept = {
            each for loop, own in zip(loops, read, strict=True) for each in worth_keeping(loop, own)
        }
        writers: list[_BodyWriter] = []
        for loop in loops:
            writers.append(_BodyWriter(loop, self._registry, earlier, kept))
            earlier.update(
                (orbit.nodes[element], orbit)
                for orbit in loop.orbits
                for element in loop.schedule.elements(orbit)
            )
        needed = {value for writer in writers for value in writer.outer_values()}
        return [
            self._emit(writer, self._read_outside(writer.loop, needed, earlier, kept))
            for writer in writers
        ]

    def _emit(self, writer: _BodyWriter, read_outside: dict[Result, list[int]]) -> Node:
        loop = writer.loop
        stacked = [
            result for result, elements in read_outside.items() if not writer.ends(result, elements)
        ]
        body = writer.finish(stacked)
        build = self.editor.build
        first = loop.orbits[0].nodes[loop.schedule.elements(loop.orbits[0])[0]]
        build.origin, build.name = first.origin.with_rule(RULE), _name(loop)
        scan = self._registry["scan"]
        operands = (
            *writer.carries.initial_values(),
            *[self._stack(values, loop.is_reversed) for values in writer.scanned],
            *writer.invariants,
        )
        attributes = scan.attributes.make(
            {
                "carries": len(writer.carries),
                "invariants": len(writer.invariants),
                "length": loop.schedule.length,
                "reverse": loop.is_reversed,
            },
            scan.name,
        )
        made = build.make(scan, operands, attributes, (body,))
        self._replace_results(writer, made, read_outside, stacked)
        return made

    def _read_outside(
        self,
        loop: Loop,
        needed: Set[Value],
        inside: Mapping[Node, Orbit],
        kept: set[Result],
    ) -> dict[Result, list[int]]:
        """Which iterations' results are read outside: by other loops, by what is in none."""
        found: dict[Result, list[int]] = {}
        for orbit in loop.orbits:
            for iteration, element in enumerate(loop.schedule.elements(orbit)):
                for value in orbit.nodes[element].outputs:
                    is_read = value in needed or self.editor.is_output(value)
                    if is_read or any(user not in inside for user in self._users_of(value)):
                        found.setdefault((orbit, value.index), []).append(iteration)

        def is_needed(value: Value) -> bool:
            return value in needed or self.editor.is_output(value)

        return read_again_outside(loop, found, is_needed, kept)

    def _users_of(self, value: Value) -> list[Node]:
        return [user for user, place in self._users[value.node] if user.inputs[place] is value]

    def _stack(self, values: Sequence[Value], is_reversed: bool) -> Value:
        """One array with an element per iteration; the same, or a part of it, for later loops."""
        ordered = values[::-1] if is_reversed else values
        whole = self._already_stacked(ordered)
        if whole is not None:
            return whole
        made = self._put_together(ordered)
        self._elements.update((value, (made, i)) for i, value in enumerate(ordered))
        return made

    def _put_together(self, ordered: Sequence[Value]) -> Value:
        build = self.editor.build
        if all(value.node.op.name == "constant" for value in ordered):
            return build.array(
                np.stack([value.node.attributes["value"].array for value in ordered])
            )
        rows = [build.reshape(value, shape=(1, *value.type.shape)) for value in ordered]
        return build.concatenate(*rows, dimension=0)

    def _already_stacked(self, values: Sequence[Value]) -> Value | None:
        """What another loop has stacked, where these are its elements in order."""
        found = [self._elements.get(value) for value in values]
        if found[0] is None:
            return None
        stack, start = found[0]
        if found != [(stack, start + i) for i in range(len(values))]:
            return None
        return _cut(self.editor, stack, start, start + len(values))

    def _replace_results(
        self,
        writer: _BodyWriter,
        scan: Node,
        read_outside: dict[Result, list[int]],
        stacked: Sequence[Result],
    ) -> None:
        loop, length = writer.loop, writer.loop.schedule.length
        places = {result: len(writer.carries) + i for i, result in enumerate(stacked)}
        for (orbit, index), iterations in read_outside.items():
            elements = loop.schedule.elements(orbit)
            for iteration in iterations:
                old = orbit.nodes[elements[iteration]].outputs[index]
                place = places.get((orbit, index))
                if place is None:
                    self.editor.replace(old, scan.outputs[writer.carries.place_of(orbit, index)])
                    continue
                row = length - 1 - iteration if loop.is_reversed else iteration
                self._elements[old] = (scan.outputs[place], row)
                cut = _cut(self.editor, scan.outputs[place], row, row + 1)
                self.editor.replace(old, self.editor.build.reshape(cut, shape=old.type.shape))


class _Carries:
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


class _BodyWriter:
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
        self.carries = _Carries()
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
        if self._is_cheap(values):
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

    def finish(self, stacked: Sequence[Result]) -> Graph:
        """The closed body: new values of carries, then results to stack."""
        outputs = [self._made[result] for result in (*self.carries.results(), *stacked)]
        # carries, slices, invariants: they were met in the order of the body
        self._body.inputs = [
            *self.carries.inputs(), *self.scanned.values(), *self.invariants.values(),
        ]  # fmt: skip
        return self._body.finish(outputs)


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


def _cut(editor: GraphEditor, stack: Value, start: int, stop: int) -> Value:
    shape = stack.type.shape
    if (start, stop) == (0, shape[0]):
        return stack
    return editor.build.slice(
        stack,
        start_indices=[start] + [0] * (len(shape) - 1),
        limit_indices=[stop, *shape[1:]],
        strides=[1] * len(shape),
    )


def _name(loop: Loop) -> str:
    """The name scopes of the first and the last iteration."""
    scopes: list[str] = []
    for iteration in (0, -1):
        names = [
            orbit.nodes[loop.schedule.elements(orbit)[iteration]].name for orbit in loop.orbits
        ]
        scoped = [name.partition("/")[0] for name in names if "/" in name]
        scopes.append(max(set(scoped), key=scoped.count) if scoped else names[0])
    return scopes[0] if scopes[0] == scopes[1] else f"{scopes[0]}..{scopes[1]}"

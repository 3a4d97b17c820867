"""Writing a loop: one `scan`, with what its iterations read stacked, and what is read of them cut.

Operands of the scan: carries with their initial values, stacked arrays, loop-invariant values. Its
results: the last values of carries, then every value that is read outside, stacked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphc.ir.builder import GraphBuilder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.literal import Literal
from graphc.ir.node import Node, Value
from graphc.ir.registry import OpRegistry
from passes.layer_rolling.loops import Carried, Inside, Invariant, Loop
from passes.layer_rolling.orbits import Orbit

RULE = "layer_rolling"

_Result = tuple[Orbit, int]


class LoopEmitter:
    """Emits loops into one editor.

    Attributes:
        editor: the graph being changed.
    """

    def __init__(self, editor: GraphEditor, registry: OpRegistry) -> None:
        self.editor = editor
        self._registry = registry
        self._elements: dict[Value, tuple[Value, int]] = {}

    def emit(self, loop: Loop) -> Node:
        """Put a scan in place of the nodes of a loop; gives the scan."""
        writer = _BodyWriter(loop, self._registry)
        read_outside = self._read_outside(loop)
        stacked = [
            result for result, elements in read_outside.items() if not writer.ends(result, elements)
        ]
        body = writer.finish(stacked)
        build = self.editor.build
        first = loop.orbits[0].nodes[loop.schedule.elements(loop.orbits[0])[0]]
        build.origin, build.name = first.origin.with_rule(RULE), _name(loop)
        length = loop.schedule.length
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
                "length": length,
                "reverse": loop.is_reversed,
            },
            scan.name,
        )
        made = build.make(scan, operands, attributes, (body,))
        self._replace_results(loop, writer, made, read_outside, stacked)
        return made

    def _read_outside(self, loop: Loop) -> dict[_Result, list[int]]:
        """Which iterations' results are read outside of the loop."""
        inside = set(loop.nodes())
        found: dict[_Result, list[int]] = {}
        for orbit in loop.orbits:
            for iteration, element in enumerate(loop.schedule.elements(orbit)):
                for value in orbit.nodes[element].outputs:
                    users = self.editor.users(value)
                    if self.editor.is_output(value) or any(user not in inside for user in users):
                        found.setdefault((orbit, value.index), []).append(iteration)
        return found

    def _stack(self, values: Sequence[Value], is_reversed: bool) -> Value:
        """One array with an element per iteration."""
        build = self.editor.build
        ordered = values[::-1] if is_reversed else values
        whole = self._already_stacked(ordered)
        if whole is not None:
            return whole
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
        loop: Loop,
        writer: _BodyWriter,
        scan: Node,
        read_outside: dict[_Result, list[int]],
        stacked: Sequence[_Result],
    ) -> None:
        places = {result: len(writer.carries) + i for i, result in enumerate(stacked)}
        length = loop.schedule.length
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

    def results(self) -> list[_Result]:
        return [(orbit, index) for orbit, index, _ in self._inputs]

    def inputs(self) -> list[Value]:
        return list(self._inputs.values())

    def place_of(self, orbit: Orbit, index: int) -> int:
        return self.results().index((orbit, index))


class _BodyWriter:
    """Writes the body of a loop.

    Attributes:
        carries: in the order of the scan's operands.
        scanned: the values of each stacked operand, by iteration.
        invariants: values that every iteration reads.
    """

    def __init__(self, loop: Loop, registry: OpRegistry) -> None:
        self.carries = _Carries()
        self.scanned: dict[tuple[Value, ...], Value] = {}
        self.invariants: dict[Value, Value] = {}
        self._body = GraphBuilder(registry)
        self._made: dict[_Result, Value] = {}
        self._length = loop.schedule.length
        for orbit in loop.orbits:
            node = orbit.nodes[loop.schedule.elements(orbit)[0]]
            operands = tuple([self._operand(operand) for operand in loop.operands[orbit]])
            with self._body.located(node.origin, node.name):
                made = self._body.make(node.op, operands, node.attributes, node.regions)
            for value in made.outputs:
                self._made[orbit, value.index] = value

    def _operand(self, operand: object) -> Value:
        body = self._body
        if isinstance(operand, Inside):
            return self._made[operand.edge.source, operand.edge.index]
        if isinstance(operand, Carried):
            return self.carries.find(body, operand)
        if isinstance(operand, Invariant):
            value = operand.value
            if value not in self.invariants:
                name = f"invariant{len(self.invariants)}"
                self.invariants[value] = body.input(value.type, name)
            return self.invariants[value]
        values: tuple[Value, ...] = operand.values  # type: ignore[attr-defined]
        if values not in self.scanned:
            self.scanned[values] = body.input(values[0].type, f"slice{len(self.scanned)}")
        return self.scanned[values]

    def ends(self, result: _Result, iterations: Sequence[int]) -> bool:
        """Whether the last value of a carry is all that is read of a result."""
        return iterations == [self._length - 1] and result in self.carries.results()

    def finish(self, stacked: Sequence[_Result]) -> Graph:
        """The closed body: new values of carries, then results to stack."""
        outputs = [self._made[result] for result in (*self.carries.results(), *stacked)]
        # carries, slices, invariants: they were met in the order of the body
        self._body.inputs = [
            *self.carries.inputs(), *self.scanned.values(), *self.invariants.values(),
        ]  # fmt: skip
        return self._body.finish(outputs)


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

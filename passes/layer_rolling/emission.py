"""Writing a loop: one `scan`, with what its iterations read stacked, and what is read of them cut.

Operands of the scan: carries with their initial values, stacked arrays, loop-invariant values. Its
results: the last values of carries, then every value that is read outside, stacked.

A loop that reads what an earlier one computes (the way back reads the way forth) computes again
what is cheap; `kept_results` says what is kept for it, stacked. What is handed on is stacked as an
iteration gets it, not as it gives it, where others read it so: the input of each layer.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence, Set

import numpy as np

from graphc.ir.editor import GraphEditor
from graphc.ir.node import Node, Value
from graphc.ir.registry import OpRegistry
from passes.layer_rolling.kept_results import (
    Result,
    read_again_outside,
    results_read,
    worth_keeping,
)
from passes.layer_rolling.loop_bodies import BodyWriter, Neighbours
from passes.layer_rolling.loops import Loop
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
        writers: list[BodyWriter] = []
        for loop in loops:
            writers.append(BodyWriter(loop, self._registry, earlier, kept))
            earlier.update(
                (orbit.nodes[element], orbit)
                for orbit in loop.orbits
                for element in loop.schedule.elements(orbit)
            )
        needed = {value for writer in writers for value in writer.outer_values()}
        rows = Neighbours(itertools.chain(*[writer.scanned for writer in writers]))
        return [
            self._emit(writer, self._read_outside(writer.loop, needed, earlier, kept), rows)
            for writer in writers
        ]

    def _emit(
        self, writer: BodyWriter, read_outside: dict[Result, list[int]], rows: Neighbours
    ) -> Node:
        loop = writer.loop
        stacked = {
            result: writer.stacks_before(result, rows)
            for result, elements in read_outside.items()
            if not writer.ends(result, elements)
        }
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
        writer: BodyWriter,
        scan: Node,
        read_outside: dict[Result, list[int]],
        stacked: Mapping[Result, Value | None],
    ) -> None:
        loop, length = writer.loop, writer.loop.schedule.length
        places = {result: len(writer.carries) + i for i, result in enumerate(stacked)}
        for (orbit, index), iterations in read_outside.items():
            elements = loop.schedule.elements(orbit)
            initial = stacked.get((orbit, index))
            stack = scan.outputs[places[orbit, index]] if (orbit, index) in places else None
            if stack is not None and initial is not None:
                self._elements.setdefault(initial, (stack, length - 1 if loop.is_reversed else 0))
            for iteration in iterations:
                old = orbit.nodes[elements[iteration]].outputs[index]
                given = iteration + (initial is not None)  # the iteration that stacks it
                if stack is None or given == length:
                    self.editor.replace(old, scan.outputs[writer.carries.place_of(orbit, index)])
                    continue
                row = length - 1 - given if loop.is_reversed else given
                self._elements[old] = (stack, row)
                cut = _cut(self.editor, stack, row, row + 1)
                self.editor.replace(old, self.editor.build.reshape(cut, shape=old.type.shape))


def _cut(editor: GraphEditor, stack: Value, start: int, stop: int) -> Value:
    is_whole = (start, stop) == (0, stack.type.shape[0])
    return stack if is_whole else editor.build.rows(stack, start, stop)


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

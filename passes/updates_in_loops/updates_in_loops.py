"""The pass that changes the variables of a layer inside the loop, as soon as a gradient is there.

The stacks of the variables and of an optimizer's slots become carries, of which an iteration
changes its own row in place. XLA does so without a copy where all that reads the row comes before;
so the new rows are computed in a hidden branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graphc.ir.builder import Builder, GraphBuilder, inline
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.hidden_branches import run_in_branch
from passes.memory_budget.largest_values import largest_values
from passes.updates_in_loops.row_updates import (
    RowUpdate,
    find_row_updates,
    reduces,
    row_type,
    stack_of,
    wholes_read,
)

RULE = "updates_in_loops"


@dataclass(frozen=True)
class UpdatesInLoops(GraphPass):
    """Runs the updates of stacked variables in the loop that stacks their gradients; on the CPU.

    The gradients are then never there all at once. What needs them all, such as a global norm,
    keeps its updates outside.
    """

    name: ClassVar[str] = RULE
    effect_on_numbers: ClassVar[Numerics] = "exact"
    idempotent: ClassVar[bool] = True

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        if context.platform != "cpu":
            return PassResult.unchanged(graph)
        found = dict(_updates_by_loop(graph))
        if not found:
            return PassResult.unchanged(graph)
        editor = GraphEditor(graph, context.registry)
        for loop, updates in found.items():
            made = _LoopWriter(editor, loop, updates).write()
            context.trace.fire(self.name, "update", made)
        _order_updates(editor)
        variables = sum(len(update.states) for each in found.values() for update in each)
        result = PassResult.of(editor, {"variables": variables})
        if context.memory is not None:
            context.memory.largest = largest_values(result.graph)
        return result


def _updates_by_loop(graph: Graph) -> Iterator[tuple[Node, list[RowUpdate]]]:
    uses: dict[Value, list[Node]] = {}
    for node in graph.nodes:
        for value in node.inputs:
            uses.setdefault(value, []).append(node)
    for node in graph.nodes:
        stacks = node.op.name == "scan" and len(node.outputs) > node.attributes["carries"]
        if stacks and graph.update_names and node.attributes["length"] > 1:
            updates = find_row_updates(graph, node, uses)
            if updates:
                yield node, updates


def _order_updates(editor: GraphEditor) -> None:
    """New values of variables in the order of the variables among the inputs.

    JAX gives the memory of a donated argument to the first result of the same type that has none;
    a variable that is changed in place must have its own.
    """
    places = {value.node.attributes["name"]: i for i, value in enumerate(editor.inputs)}
    count = len(editor.update_names)
    fetches, new_values = editor.outputs[:-count], editor.outputs[-count:]
    pairs = sorted(
        zip(editor.update_names, new_values, strict=True),
        key=lambda pair: places.get(pair[0], len(places)),
    )
    editor.set_outputs(
        [*fetches, *[value for _, value in pairs]], update_names=[name for name, _ in pairs]
    )


class _LoopWriter:
    """Writes a loop anew."""

    def __init__(self, editor: GraphEditor, loop: Node, updates: Sequence[RowUpdate]) -> None:
        self._editor = editor
        self._loop = loop
        self._updates = updates
        self._length: int = loop.attributes["length"]
        self._old = loop.regions[0]
        self._body = GraphEditor(self._old, editor.build.registry)
        build = self._body.build
        self._number = build.input(editor.build.array(np.int32(0)).type, "row")
        self._carries: dict[Value, Value] = {}
        self._carried: dict[Value, Value] = {}
        self._stacks: dict[Value, Value] = {}
        self._wholes: dict[Value, Value] = {}
        self._rows: dict[Value, Value] = {}

    def write(self) -> Node:
        """Make the new loop, and let it stand for the old one and the updates."""
        loop, old, build = self._loop, self._old, self._editor.build
        carries, end = loop.attributes["carries"], len(loop.inputs) - loop.attributes["invariants"]
        for update in self._updates:
            for state in update.states:
                self._carry(state)
        scanned = [p for p in range(carries, end) if not self._reads_own_row(p)]
        new_rows = [self._write_update(update) for update in self._updates]
        states = list(self._carries)
        stacks = {stack_of(v, loop) for update in self._updates for v in update.gradients}
        kept = [i for i in range(carries, len(old.outputs)) if loop.outputs[i] not in stacks]
        rows = {state: row for rows in new_rows for state, row in rows.items()}
        self._body.inputs = [
            *old.inputs[:carries],
            *self._carries.values(),
            *[old.inputs[p] for p in scanned],
            *self._stacks.values(),
            self._number,
            *old.inputs[end:],
            *self._wholes.values(),
        ]
        self._body.set_outputs(
            [
                *old.outputs[:carries],
                *[self._with_row(state, rows[state]) for state in states],
                *[old.outputs[i] for i in kept],
            ]
        )
        body, _ = self._body.freeze()
        with build.located(loop.origin, loop.name):
            operands = (
                *loop.inputs[:carries],
                *[self._carried[state] for state in states],
                *[loop.inputs[p] for p in scanned],
                *[self._laid_out(build, stack) for stack in self._stacks],
                build.array(np.arange(self._length, dtype=np.int32)),
                *loop.inputs[end:],
                *self._wholes,
            )
            attributes = loop.op.attributes.make(
                {
                    "carries": carries + len(states),
                    "invariants": loop.attributes["invariants"] + len(self._wholes),
                    "length": self._length,
                    "reverse": loop.attributes["reverse"],
                },
                loop.op.name,
            )
            made = build.make(loop.op, operands, attributes, (body,))
        for i in range(carries):
            self._editor.replace(loop.outputs[i], made.outputs[i])
        for place, i in enumerate(kept, carries + len(states)):
            self._editor.replace(loop.outputs[i], made.outputs[place])
        after = {s: new for update in self._updates for s, new in update.states.items()}
        for place, state in enumerate(states, carries):
            new = made.outputs[place]
            if new.type is not state.type:
                new = build.reshape(new, shape=state.type.shape)
            self._editor.replace(after[state], new)
        return made

    def _laid_out(self, build: Builder, stack: Value) -> Value:
        """An array as one of the rows, or blocks of rows, of the iterations."""
        shape = (self._length, *row_type(stack.type, self._length).shape)
        return stack if stack.type.shape == shape else build.reshape(stack, shape=shape)

    def _carry(self, state: Value) -> None:
        name = state.node.attributes["name"]
        self._carried[state] = whole = self._laid_out(self._editor.build, state)
        self._carries[state] = self._body.build.input(whole.type, name)

    def _reads_own_row(self, position: int) -> bool:
        """Whether an operand is a variable that the loop changes; reads the row of the carry."""
        operand = self._loop.inputs[position]
        node = operand.node
        state = node.inputs[0] if node.op.name == "reshape" else operand
        if state not in self._carries or self._carried[state].type is not operand.type:
            return False
        if state not in self._rows:
            self._rows[state] = _cut(self._body.build, self._carries[state], self._number)
        self._body.replace(self._old.inputs[position], self._rows[state])
        return True

    def _write_update(self, update: RowUpdate) -> dict[Value, Value]:
        """The new rows of the variables of an update."""
        branch = GraphBuilder(self._body.build.registry)
        taken: dict[Value, Value] = {}  # values of the body, to inputs of the branch
        rows: dict[Value, Value] = {}  # values of the graph, to rows in the branch

        def take(value: Value) -> Value:
            if value not in taken:
                taken[value] = branch.input(value.type, f"operand{len(taken)}")
            return taken[value]

        def row(value: Value) -> Value:
            if value not in rows:
                rows[value] = self._row(branch, value, take)
            return rows[value]

        def whole(value: Value) -> Value:
            if value.node.op.name == "constant":
                return branch.literal(value.node.attributes["value"])
            return take(self._whole(value))

        for node in update.nodes:
            wholes = {value: whole(value) for value in wholes_read(node)}
            operands = [wholes[v] if v in wholes else row(v) for v in node.inputs]
            with branch.located(node.origin.with_rule(RULE), node.name):
                rows.update(zip(node.outputs, self._of_row(branch, node, operands), strict=True))
        given = [row(new) for new in update.states.values()]
        made_of = next(iter(update.gradients))
        build = self._body.build
        with build.located(update.nodes[-1].origin.with_rule(RULE), update.nodes[-1].name):
            anchor = self._gradient(made_of)
            made = run_in_branch(build, anchor, list(taken), branch.finish(given))
        return dict(zip(update.states, made, strict=True))

    def _gradient(self, value: Value) -> Value:
        """What the body gives for a stack."""
        stack = stack_of(value, self._loop)
        assert stack is not None
        return self._body.resolve(self._old.outputs[stack.index])

    def _row(self, branch: GraphBuilder, value: Value, take: Callable[[Value], Value]) -> Value:
        """The row of an array that an update reads, in its branch."""
        if stack_of(value, self._loop) is not None:
            return take(self._gradient(value))
        if value in self._rows:
            return take(self._rows[value])
        if value in self._carries:  # cut inside, so that no copy of the row lies outside
            return _cut(branch, take(self._carries[value]), take(self._number))
        if value not in self._stacks:
            type_ = row_type(value.type, self._length)
            self._stacks[value] = self._body.build.input(type_, f"stack{len(self._stacks)}")
        return take(self._stacks[value])

    def _whole(self, value: Value) -> Value:
        if value not in self._wholes:
            name = f"whole{len(self._wholes)}"
            self._wholes[value] = self._body.build.input(value.type, name)
        return self._wholes[value]

    def _of_row(self, branch: GraphBuilder, node: Node, operands: list[Value]) -> Sequence[Value]:
        """What a node gives of rows."""
        op, attributes = node.op, node.attributes
        is_row = node.outputs[0].type.shape[0] == self._length
        changed: dict[str, Any] = {}
        if op.name == "vectorized_map":
            if is_row:
                return inline(branch, node.regions[0], operands)
            length = attributes["length"] // self._length
            changed = {"invariants": attributes["invariants"], "length": length}
        elif op.name == "broadcast_in_dim":
            dimensions = attributes["broadcast_dimensions"]
            changed = {
                "shape": row_type(node.output.type, self._length).shape,
                "broadcast_dimensions": [d - 1 for d in dimensions[1:]] if is_row else dimensions,
            }
        elif reduces(node) and is_row:
            changed = {"axes": [axis - 1 for axis in attributes["axes"]]}
        if changed:
            attributes = op.attributes.make(changed, op.name)
        return branch.make(op, tuple(operands), attributes, node.regions).outputs

    def _with_row(self, state: Value, row: Value) -> Value:
        """The stack of a variable with a new row."""
        build, whole = self._body.build, self._carries[state]
        zero = build.array(np.int32(0))
        update = build.reshape(row, shape=(1, *row.type.shape))
        return build.dynamic_update_slice(
            whole, update, self._number, *[zero for _ in row.type.shape]
        )


def _cut(build: Builder, whole: Value, number: Value) -> Value:
    """A row of a stack, by its number."""
    shape = whole.type.shape[1:]
    zero = build.array(np.int32(0))
    cut = build.dynamic_slice(whole, number, *[zero for _ in shape], slice_sizes=(1, *shape))
    return build.reshape(cut, shape=shape)

"""Writing a loop anew that changes variables as soon as the gradients of a layer are there.

An update that `in_place` has an order for changes one row after the other where it lies. Any other
computes all new rows in a hidden branch, after all that it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from graphc.ir.builder import Builder, GraphBuilder, inline
from graphc.ir.editor import GraphEditor
from graphc.ir.node import Node, Value
from passes.hidden_branches import run_in_branch
from passes.row_order import last_readers, number_after
from passes.scans import Scan, make_scan
from passes.stack_rows import cut_row, without_axis, write_row
from passes.updates_in_loops.in_place import (
    InPlace,
    plan_in_place,
    reads_that_can_wait,
)
from passes.updates_in_loops.row_updates import (
    RowUpdate,
    row_type,
    rows_type,
    stack_of,
    wholes_read,
)

RULE = "updates_in_loops"


class LoopWriter:
    """Writes a loop anew."""

    def __init__(self, editor: GraphEditor, loop: Scan, updates: Sequence[RowUpdate]) -> None:
        self._editor = editor
        self._loop = loop
        self._updates = updates
        self._length = loop.length
        self._old = loop.body
        self._body = GraphEditor(self._old, editor.build.registry)
        build = self._body.build
        self._number = build.input(editor.build.array(np.int32(0)).type, "row")
        self._carries: dict[Value, Value] = {}
        self._carried: dict[Value, Value] = {}
        self._stacks: dict[Value, Value] = {}
        self._wholes: dict[Value, Value] = {}
        self._rows: dict[Value, Value] = {}
        self._read: dict[Value, list[Value]] = {}  # variables, to what the body reads of them

    def write(self) -> Node:
        """Make the new loop, and let it stand for the old one and the updates."""
        loop, old, build = self._loop.node, self._old, self._editor.build
        carries, end = self._loop.carries, self._loop.first_invariant
        for update in self._updates:
            for state in update.states:
                self._carry(state)
        scanned = [p for p in self._loop.scanned if not self._reads_own_row(p)]
        gradients = [
            [v for stack in update.gradients if (v := self._inner_gradient(stack)) is not None]
            for update in self._updates
        ]
        read = [
            [r for s in update.states for r in self._read.get(s, ())] for update in self._updates
        ]
        late = reads_that_can_wait(read, gradients)
        changed: dict[Value, Value] = {}
        for update, can_wait in zip(self._updates, late, strict=True):
            changed |= self._change(update, can_wait)
        states = list(self._carries)
        stacks = {stack_of(v, self._loop) for update in self._updates for v in update.gradients}
        kept = [i for i in self._loop.stacked if loop.outputs[i] not in stacks]
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
                *[changed[state] for state in states],
                *[old.outputs[i] for i in kept],
            ]
        )
        body, _ = self._body.freeze()
        with build.located(loop.origin, loop.name):
            own_rows = [self._laid_out(build, stack) for stack in self._stacks]
            numbers = build.array(np.arange(self._length, dtype=np.int32))
        made = make_scan(
            build,
            loop,
            [*loop.inputs[:carries], *[self._carried[state] for state in states]],
            [*[loop.inputs[p] for p in scanned], *own_rows, numbers],
            [*loop.inputs[end:], *self._wholes],
            body,
        )
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
        operand = self._loop.node.inputs[position]
        node = operand.node
        state = node.inputs[0] if node.op.name == "reshape" else operand
        if state not in self._carries or self._carried[state].type is not operand.type:
            return False
        self._read.setdefault(state, []).append(self._old.inputs[position])
        return True

    def _give_row(self, state: Value, number: Value) -> None:
        """Let the body read the row of a variable before its change."""
        if state in self._read:
            cut = cut_row(self._body.build, self._carries[state], number)
            self._rows[state] = without_axis(self._body.build, cut)
            for row in self._read[state]:
                self._body.replace(row, self._rows[state])

    def _change(self, update: RowUpdate, can_wait: bool) -> dict[Value, Value]:
        """The stacks of the variables of an update, with the new row of this iteration."""
        origin, name = update.nodes[-1].origin.with_rule(RULE), update.nodes[-1].name
        with self._body.build.located(origin, name):
            plan = plan_in_place(update)
            last = {s: last_readers(self._old, self._read.get(s, ())) for s in update.states}
            if plan is None or None in last.values():
                return self._change_by_branch(update)
            readers = {state: values or () for state, values in last.items()}
            return self._change_in_place(update, plan, readers, can_wait)

    # -- where rows lie --------------------------------------------------------------------------

    def _change_in_place(
        self,
        update: RowUpdate,
        plan: InPlace,
        readers: Mapping[Value, Sequence[Value]],
        can_wait: bool,
    ) -> dict[Value, Value]:
        """Row after row.

        A row that the body reads is cut when other rows are changed, where it can be: the gradient
        is then there no more.
        """
        build = self._body.build
        shared: dict[Value, Value] = {}
        self._write_rows(build, [n for n in update.nodes if n in plan.shared], shared, self._row)
        changed: dict[Value, Value] = {}
        for state in plan.order:
            before = list(changed.values()) if can_wait else []
            self._give_row(state, self._number_after(before, ()))
            others = [changed[o] for o in plan.order if state in plan.reads_old[o]]
            number = self._number_after(others, readers[state])
            rows = self._new_rows(update, state, number, changed, shared)
            changed[state] = write_row(build, self._carries[state], rows, number)
        return changed

    def _number_after(self, changed: Sequence[Value], values: Sequence[Value]) -> Value:
        """The number of the row, known when arrays have their new rows and values are there."""
        build = self._body.build
        firsts = [_first_of_row(build, array, self._number) for array in changed]
        return number_after(build, self._number, (*firsts, *map(self._body.resolve, values)))

    def _new_rows(
        self,
        update: RowUpdate,
        state: Value,
        number: Value,
        changed: Mapping[Value, Value],
        shared: Mapping[Value, Value],
    ) -> Value:
        """The new rows of a variable, from old rows and from those that are changed already."""
        build = self._body.build
        rows = dict(shared)
        for other, stack in changed.items():
            rows[update.states[other]] = self._rows_of(build, other, stack, number)

        def old_row(value: Value) -> Value:
            if value in self._carries:
                own = number if value is state else self._number
                return self._rows_of(build, value, self._carries[value], own)
            return self._row(value)

        new = update.states[state]
        self._write_rows(build, _needed(update, new, rows), rows, old_row)
        return rows[new]

    # -- in a branch -----------------------------------------------------------------------------

    def _change_by_branch(self, update: RowUpdate) -> dict[Value, Value]:
        build = self._body.build
        for state in update.states:
            self._give_row(state, self._number)
        branch = GraphBuilder(build.registry)
        taken: dict[Value, Value] = {}  # values of the body, to inputs of the branch

        def take(value: Value) -> Value:
            if value not in taken:
                taken[value] = branch.input(value.type, f"operand{len(taken)}")
            return taken[value]

        def row(value: Value) -> Value:
            if value in self._carries and value not in self._rows:
                # cut inside, so that no copy of the row lies outside
                return self._rows_of(branch, value, take(self._carries[value]), take(self._number))
            return take(self._row(value))

        rows: dict[Value, Value] = {}
        self._write_rows(branch, update.nodes, rows, row, take)
        given = [rows[new] if new in rows else row(new) for new in update.states.values()]
        anchor = self._given(next(iter(update.gradients)))
        made = run_in_branch(build, anchor, list(taken), branch.finish(given))
        return {
            state: write_row(build, self._carries[state], new, self._number)
            for state, new in zip(update.states, made, strict=True)
        }

    # -- rows ------------------------------------------------------------------------------------

    def _write_rows(
        self,
        build: Builder,
        nodes: Sequence[Node],
        rows: dict[Value, Value],
        row: Callable[[Value], Value],
        take: Callable[[Value], Value] = lambda value: value,
    ) -> None:
        """Write nodes for a row each, and note what they give in `rows`.

        Args:
            build: of the body, or of a branch.
            nodes: of the graph, operands first.
            rows: values of the graph, to their rows.
            row: gives the row of any other array.
            take: gives a value of the body where the nodes are written.
        """

        def whole(value: Value) -> Value:
            if value.node.op.name == "constant":
                return build.literal(value.node.attributes["value"])
            return take(self._whole(value))

        for node in nodes:
            wholes = set(wholes_read(node))
            operands: list[Value] = []
            for value in node.inputs:
                if value not in wholes and value not in rows:
                    rows[value] = row(value)
                operands.append(whole(value) if value in wholes else rows[value])
            with build.located(node.origin.with_rule(RULE), node.name):
                made = self._of_rows(build, node, operands)
            for value, new in zip(node.outputs, made, strict=True):
                rows.setdefault(value, new)

    def _rows_of(self, build: Builder, state: Value, whole: Value, number: Value) -> Value:
        """The rows of a variable that an iteration changes."""
        shape = rows_type(state.type, self._length).shape
        cut = cut_row(build, whole, number)
        return cut if cut.type.shape == shape else build.reshape(cut, shape=shape)

    def _row(self, value: Value) -> Value:
        """The rows of an array that an update reads, of this iteration."""
        found, shape = self._given(value), rows_type(value.type, self._length).shape
        return found if found.type.shape == shape else self._body.build.reshape(found, shape=shape)

    def _inner_gradient(self, value: Value) -> Value | None:
        """What the old body gives for a stack; None for any other array."""
        stack = stack_of(value, self._loop)
        return None if stack is None else self._old.outputs[stack.index]

    def _given(self, value: Value) -> Value:
        """The same as the body has them: one row without its axis."""
        gradient = self._inner_gradient(value)
        if gradient is not None:
            return self._body.resolve(gradient)
        if value in self._rows:
            return self._rows[value]
        if value not in self._stacks:
            type_ = row_type(value.type, self._length)
            self._stacks[value] = self._body.build.input(type_, f"stack{len(self._stacks)}")
        return self._stacks[value]

    def _whole(self, value: Value) -> Value:
        if value not in self._wholes:
            name = f"whole{len(self._wholes)}"
            self._wholes[value] = self._body.build.input(value.type, name)
        return self._wholes[value]

    def _of_rows(self, build: Builder, node: Node, operands: list[Value]) -> Sequence[Value]:
        """What a node gives of the rows of an iteration."""
        op, attributes = node.op, node.attributes
        if op.name == "vectorized_map":
            rows, invariants = attributes["length"] // self._length, attributes["invariants"]
            if rows == 1:  # the map of one row is what it maps
                mapped = len(operands) - invariants
                firsts = [without_axis(build, value) for value in operands[:mapped]]
                made = inline(build, node.regions[0], [*firsts, *operands[mapped:]])
                return [_with_axis(build, value) for value in made]
            attributes = op.attributes.make({"invariants": invariants, "length": rows}, op.name)
        elif op.name == "broadcast_in_dim":
            changed = {
                "shape": rows_type(node.output.type, self._length).shape,
                "broadcast_dimensions": attributes["broadcast_dimensions"],
            }
            attributes = op.attributes.make(changed, op.name)
        return build.make(op, tuple(operands), attributes, node.regions).outputs


def _needed(update: RowUpdate, new: Value, known: Mapping[Value, Value]) -> list[Node]:
    """The nodes of an update that compute a value from what is known, operands first."""
    own = set(update.nodes)
    found: set[Node] = set()
    pending = [new]
    while pending:
        value = pending.pop()
        if value not in known and value.node in own and value.node not in found:
            found.add(value.node)
            pending += value.node.inputs
    return [node for node in update.nodes if node in found]


def _with_axis(build: Builder, row: Value) -> Value:
    return build.reshape(row, shape=(1, *row.type.shape))


def _first_of_row(build: Builder, whole: Value, number: Value) -> Value:
    """The first element of a row, which is there when all of it is."""
    zero = build.array(np.int32(0))
    rest = [zero for _ in whole.type.shape[1:]]
    ones = [1 for _ in whole.type.shape]
    return build.dynamic_slice(whole, number, *rest, slice_sizes=ones)

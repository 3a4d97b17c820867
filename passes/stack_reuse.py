"""Loops whose results take the place of what they read: a row of one stack for a row of another.

The way back of a train step reads the weights of a layer for the last time, and gives gradients of
the same shapes. Where the weights are arguments of a function, what the loops read is a copy, a
stack that nobody needs afterwards; so a gradient is written where the weights of its layer were,
and one stack lies in memory instead of two. Likewise for any other stack that a loop is the last to
read.

XLA changes a carry in place if whoever reads a row reads it before. What the body reads of it is
known to be over once the products that follow are there: the row number is one that only they tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from graphc.ir.builder import Builder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph, topological_order, users_of
from graphc.ir.node import Node, Value
from graphc.ir.op import Trait
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.row_order import last_readers, nodes_between, number_after
from passes.scans import Scan, make_scan, stacking_scans
from passes.stack_rows import cut_row, first_row, without_axis, write_row

_COPIES: Final = frozenset({"concatenate", "dynamic_update_slice", "scan"})
"""What gives a stack that lies in memory, and belongs to nobody else."""
_LITTLE: Final = 1 << 16  # bytes of a stack, not worth the order that its change imposes


@dataclass(frozen=True)
class StackReuse(GraphPass):
    """Writes what a loop stacks over a stack that it is the last to read.

    Attributes:
        platforms: where it is done: where XLA was seen to change such a carry in place.
    """

    platforms: tuple[str, ...] = ("cpu", "gpu")

    name: ClassVar[str] = "stack_reuse"
    effect_on_numbers: ClassVar[Numerics] = "exact"
    idempotent: ClassVar[bool] = True

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        if context.platform not in self.platforms:
            return PassResult.unchanged(graph)
        loops = stacking_scans(graph)
        if not loops:
            return PassResult.unchanged(graph)
        users = users_of(graph)
        found = {loop: pairs for loop in loops if (pairs := _Pairing(graph, loop, users).pairs())}
        if not found:
            return PassResult.unchanged(graph)
        editor = GraphEditor(graph, context.registry)
        for loop, pairs in found.items():
            context.trace.fire(self.name, "stack", _written_over(editor, loop, pairs))
        return PassResult.of(editor, {"stacks": sum(map(len, found.values()))})


@dataclass(frozen=True)
class _Read:
    """A stack, and how a loop reads it.

    Attributes:
        stack: all rows.
        start: the row that belongs to the first iteration.
        position: of the loop's operand: the stack, or the rows from the start on.
        readers: values of the body that are there after all that reads the row.
    """

    stack: Value
    start: int
    position: int
    readers: Sequence[Value]


Pairs = Mapping[int, _Read]
"""By the number of a result that is stacked: the stack that it is written over."""


class _Pairing:
    """Which results of a loop can be written over which of the stacks that it reads."""

    def __init__(self, graph: Graph, loop: Scan, users: Mapping[Value, Sequence[Node]]) -> None:
        self._scan = loop
        self._loop = loop.node
        self._body = loop.body
        self._users = users
        self._outputs = set(graph.outputs)

    def pairs(self) -> Pairs:
        """Each result with a stack of its own; rather one whose readers share its operands."""
        found = dict[int, _Read]()
        free = dict(self._stacks_read())
        for index in self._scan.stacked:
            result = self._body.outputs[index]
            fitting = [
                _Read(*free[position], position, readers)
                for position in free
                if self._fits(index, free[position][0])
                and (readers := self._last_readers(position, result)) is not None
            ]
            if fitting:
                beside = _products_of(result)
                found[index] = max(fitting, key=lambda read: len(beside & _operands(read)))
                del free[found[index].position]
        return found

    def _last_readers(self, position: int, result: Value) -> Sequence[Value] | None:
        return last_readers(self._body, [self._body.inputs[position]], result)

    def _stacks_read(self) -> Iterator[tuple[int, tuple[Value, int]]]:
        """By position: the stacks that are not needed after the loop, from which row on."""
        loop = self._loop
        before: set[Node] | None = None
        for position in self._scan.scanned:
            stack, start = _whole_of(loop.inputs[position])
            if stack.node.op.name not in _COPIES or stack in self._outputs:
                continue
            if stack.type.byte_size < _LITTLE or loop.inputs.count(loop.inputs[position]) > 1:
                continue
            before = before or set(topological_order(loop.inputs))
            if all(self._is_over(user, stack, position, before) for user in self._users[stack]):
                yield position, (stack, start)

    def _is_over(self, user: Node, stack: Value, position: int, before: set[Node]) -> bool:
        """Whether a user of a stack is the loop at that operand alone, or there before it."""
        loop = self._loop
        if user is loop:
            return loop.inputs.count(stack) == 1 and loop.inputs[position] is stack
        if user is loop.inputs[position].node:
            return all(each is loop or each in before for each in self._users[user.output])
        return user in before and (user.op.name != "slice" or loop not in self._users[user.output])

    def _fits(self, index: int, stack: Value) -> bool:
        result = self._loop.outputs[index]
        if result in self._outputs or result.type.dtype is not stack.type.dtype:
            return False
        if result.type.shape[1:] != stack.type.shape[1:]:
            return False
        if result.type is stack.type:
            return True
        return all(user.op.name == "slice" for user in self._users.get(result, ()))


def _whole_of(operand: Value) -> tuple[Value, int]:
    """The stack that an operand is a part of, whole rows one after the other; and which first."""
    cut = operand.node
    if cut.op.name != "slice":
        return operand, 0
    start = first_row(cut)
    return (operand, 0) if start is None else (cut.inputs[0], start)


def _products_of(value: Value) -> set[Value]:
    """The operands of the product that a value is, laid out otherwise perhaps."""
    node = _laid_out(value).node
    return (
        {_laid_out(operand) for operand in node.inputs} if node.op.has(Trait.CONTRACTION) else set()
    )


def _operands(read: _Read) -> set[Value]:
    return set().union(*map(_products_of, read.readers))


def _laid_out(value: Value) -> Value:
    """What a value is before it was laid out otherwise."""
    while value.node.op.name in ("reshape", "transpose"):
        value = value.node.inputs[0]
    return value


def _written_over(editor: GraphEditor, scan: Scan, pairs: Pairs) -> Node:
    """The loop with the stacks as carries; its results are cut out of what becomes of them."""
    loop, old, carries, end = scan.node, scan.body, scan.carries, scan.first_invariant
    numbers = editor.build.array(np.arange(scan.length, dtype=np.int32))
    body = GraphEditor(old, editor.build.registry)
    number = body.build.input(numbers.type.with_shape(()), "row")
    stacks: list[Value] = []
    changed: list[Value] = []
    for index, read in pairs.items():
        with body.build.located(old.outputs[index].node.origin, old.outputs[index].node.name):
            stack = body.build.input(read.stack.type, f"reused{len(stacks)}")
            stacks.append(stack)
            place = _place(body.build, number, read.start)
            early = without_axis(body.build, cut_row(body.build, stack, place))
            body.replace(old.inputs[read.position], early)
            late = number_after(body.build, place, map(body.resolve, read.readers))
            again = without_axis(body.build, cut_row(body.build, stack, late))
            row = _read_late(body, old, index, read, again)
            changed.append(write_row(body.build, stack, row, late))
    taken = {read.position for read in pairs.values()}
    scanned = [p for p in scan.scanned if p not in taken]
    kept = [i for i in scan.stacked if i not in pairs]
    body.inputs = [
        *old.inputs[:carries],
        *stacks,
        *[old.inputs[p] for p in scanned],
        number,
        *old.inputs[end:],
    ]
    outputs = [body.resolve(value) for value in old.outputs]
    body.set_outputs([*outputs[:carries], *changed, *[outputs[i] for i in kept]])
    made = make_scan(
        editor.build,
        loop,
        [*loop.inputs[:carries], *[read.stack for read in pairs.values()]],
        [*[loop.inputs[p] for p in scanned], numbers],
        loop.inputs[end:],
        body.freeze()[0],
    )
    with editor.build.located(loop.origin, loop.name):
        after = [*range(carries), *pairs, *kept]
        for place, index in enumerate(after):
            result = made.outputs[place]
            if index in pairs:
                _replace_result(editor, loop.outputs[index], result, pairs[index].start)
            else:
                editor.replace(loop.outputs[index], result)
    return made


def _read_late(body: GraphEditor, old: Graph, index: int, read: _Read, row: Value) -> Value:
    """A result that reads the row which it changes reads it last, and where it is changed."""
    result, made = old.outputs[index], {old.inputs[read.position]: row}
    for node in nodes_between(old, old.inputs[read.position], result):
        operands = tuple([made.get(value) or body.resolve(value) for value in node.inputs])
        copied = body.build.make(node.op, operands, node.attributes, node.regions)
        made.update(zip(node.outputs, copied.outputs, strict=True))
    return made.get(result) or body.resolve(result)


def _replace_result(editor: GraphEditor, old: Value, stack: Value, start: int) -> None:
    """Let rows of a stack, from one on, stand for what a loop had stacked."""
    if old.type is stack.type:
        editor.replace(old, stack)
        return
    for cut in editor.users(old):
        moved = {
            name: (row[0] + start, *row[1:])
            for name in ("start_indices", "limit_indices")
            if (row := cut.attributes[name])
        }
        made = editor.build.slice(stack, **moved, strides=cut.attributes["strides"])
        editor.replace(cut.output, made)


def _place(build: Builder, number: Value, start: int) -> Value:
    return build.add(number, build.array(np.int32(start))) if start else number

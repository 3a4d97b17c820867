"""The pass that gives loops forth as many iterations as the loops back have.

In a train step that is written out, the first layer's way back stands outside of the loop, for
nobody asks for the gradient of its input. Its way forth is written out here as well: then both
loops have the same iterations, and are a pair.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from graphc.ir.builder import Builder, inline
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph, users_of
from graphc.ir.node import Node, Value
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.memory_budget.kept_sets import bytes_of
from passes.memory_budget.loop_pairs import only_reader
from passes.memory_budget.recomputation import RULE
from passes.scans import Scan, make_scan, stacking_scans
from passes.stack_rows import first_row

_MOST: Final = 2
"""How many iterations are written out at most: XLA compiles each of them."""

Users = Mapping[Value, Sequence[Node]]


@dataclass(frozen=True)
class FirstIterations(GraphPass):
    """Writes out the first iterations of loops forth that their loops back do not have.

    Only where a goal asks for it: stacks of weights of which a row is missing are not written over
    by gradients, and where weights are more than what is kept for the way back, more is lost.
    """

    name: ClassVar[str] = "first_iterations"
    effect_on_numbers: ClassVar[Numerics] = "exact"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        goal = context.memory
        if goal is None or goal.remove <= 0:
            return PassResult.unchanged(graph)
        users = users_of(graph)
        loops = stacking_scans(graph)
        longer = [found for loop in loops if (found := _longer(loop, users)) is not None]
        goal.is_uneven = bool(longer)
        if not longer or not goal.evens_out:
            return PassResult.unchanged(graph)
        editor = GraphEditor(graph, context.registry)
        outputs = set(graph.outputs)
        for found in longer:
            loop = found.forth.node
            context.trace.fire(self.name, "write_out", loop)
            with editor.build.located(loop.origin.with_rule(RULE), loop.name):
                _write(editor, found, users, outputs)
        return PassResult.of(editor, {"iterations": sum([found.more for found in longer])})


@dataclass(frozen=True)
class _Longer:
    """A loop forth that has more iterations than the loop that reads its stacks.

    Attributes:
        forth: the loop.
        more: how many more, the first ones.
    """

    forth: Scan
    more: int

    def iterations(self, cut: Node) -> range:
        """Whose rows a slice of whole rows has, in the order of time."""
        start, count = first_row(cut), cut.output.type.shape[0]
        assert start is not None
        if self.forth.goes_back:
            start = self.forth.length - start - count
        return range(start, start + count)

    def rows(self, iterations: range) -> range:
        """Where in a stack some iterations' rows are."""
        length = self.forth.length
        if self.forth.goes_back:
            return range(length - iterations.stop, length - iterations.start)
        return iterations

    @property
    def rest(self) -> range:
        """The iterations that it keeps."""
        return range(self.more, self.forth.length)

    def carry_of(self, stack: Value) -> int | None:
        """Which carry a stacked value is; None where it is none."""
        outputs = self.forth.body.outputs
        places = [i for i in range(self.forth.carries) if outputs[i] is outputs[stack.index]]
        return places[0] if places else None

    def is_of_before(self, cut: Node) -> bool:
        """Whether a slice has, for each iteration that is kept, the row of the one before."""
        return self.iterations(cut) == range(self.more - 1, self.forth.length - 1)


def _longer(forth: Scan, users: Users) -> _Longer | None:
    read: dict[int, int] = {}  # bytes by how many iterations more it has than a loop back
    for cut in itertools.chain(*[_cuts(stack, users) for stack in forth.stacks]):
        back = only_reader(cut.output, users)
        if back is None:
            continue
        found = _Longer(forth, forth.length - back.length)
        if 1 <= found.more <= _MOST and found.iterations(cut) == found.rest:
            read[found.more] = read.get(found.more, 0) + bytes_of(cut.output)
    if not read:
        return None
    return _Longer(forth, max(read, key=lambda more: read[more]))


def _cuts(stack: Value, users: Users) -> list[Node]:
    """Slices of whole rows of a stack."""
    readers = users.get(stack, ())
    return [each for each in readers if each.op.name == "slice" and first_row(each) is not None]


def _write(editor: GraphEditor, longer: _Longer, users: Users, outputs: set[Value]) -> None:
    build, forth, loop = editor.build, longer.forth, longer.forth.node
    carried, written = list(loop.inputs[: forth.carries]), list[Sequence[Value]]()
    invariants = [loop.inputs[position] for position in forth.invariant]
    for iteration in range(longer.more):
        (place,) = longer.rows(range(iteration, iteration + 1))
        given = [_row(build, loop.inputs[position], place) for position in forth.scanned]
        made = inline(build, forth.body, [*carried, *given, *invariants])
        carried = made[: forth.carries]
        written.append(made)
    of_before = [
        stack for stack in forth.stacks if any(map(longer.is_of_before, _cuts(stack, users)))
    ]
    scanned = [
        _rows(build, loop.inputs[position], longer.rows(longer.rest), users)
        for position in forth.scanned
    ]
    rest = _Rest.write(build, longer, written, scanned, of_before)
    for old, new in zip(loop.outputs[: forth.carries], rest.carries, strict=True):
        editor.replace(old, new)
    for stack in forth.stacks:
        cuts = _cuts(stack, users)
        kept = {cut: _cut(build, longer, rest, written, stack, cut) for cut in cuts}
        for cut, value in kept.items():
            if value is not None:
                editor.replace(cut.output, value)
        others = [user for user in users.get(stack, ()) if kept.get(user) is None]
        if others or stack in outputs:
            editor.replace(stack, _whole(build, longer, rest, written, stack))


@dataclass(frozen=True)
class _Rest:
    """The loop of the iterations that are left.

    Attributes:
        carries: its results that the loop before has as well.
        stacks: by the stack that each is the rest of.
        before: stacks of what the iteration before has stacked.
    """

    carries: Sequence[Value]
    stacks: Mapping[Value, Value]
    before: Mapping[Value, Value]

    @classmethod
    def write(
        cls,
        build: Builder,
        longer: _Longer,
        written: Sequence[Sequence[Value]],
        scanned: Sequence[Value],
        of_before: Sequence[Value],
    ) -> _Rest:
        """Write it; what of the iteration before is read is carried, and stacked once more."""
        forth, body, carries = longer.forth, longer.forth.body, longer.forth.carries
        new = [stack for stack in of_before if longer.carry_of(stack) is None]
        inner = GraphEditor(body)
        inputs = [inner.build.input(body.outputs[stack.index].type, "before") for stack in new]
        again: list[Value] = []
        for stack in of_before:
            carry = longer.carry_of(stack)
            again.append(inputs[new.index(stack)] if carry is None else body.inputs[carry])
        region = Graph(
            [*body.inputs[:carries], *inputs, *body.inputs[carries:]],
            [
                *body.outputs[:carries],
                *[body.outputs[stack.index] for stack in new],
                *body.outputs[carries:],
                *again,
            ],
            [*[value.node for value in inputs], *body.nodes],
            constraints=body.constraints,
        )
        loop = make_scan(
            build,
            forth.node,
            [*written[-1][:carries], *[written[-1][stack.index] for stack in new]],
            scanned,
            forth.node.inputs[forth.first_invariant :],
            region,
            length=len(longer.rest),
            rule=RULE,
        )
        stacks = Scan(loop).stacks
        return cls(
            loop.outputs[:carries],
            dict(zip(forth.stacks, stacks, strict=False)),
            dict(zip(of_before, stacks[len(forth.stacks) :], strict=True)),
        )


def _cut(
    build: Builder,
    longer: _Longer,
    rest: _Rest,
    written: Sequence[Sequence[Value]],
    stack: Value,
    cut: Node,
) -> Value | None:
    """What a slice of a stack is now; None where it has rows of both parts."""
    found, carry, shape = longer.iterations(cut), longer.carry_of(stack), cut.output.type.shape
    if found == longer.rest:
        return rest.stacks[stack]
    if longer.is_of_before(cut):
        return rest.before[stack]
    if len(found) == 1 and found.start < longer.more:
        return build.reshape(written[found.start][stack.index], shape=shape)
    if carry is not None and found == longer.rest[-1:]:
        return build.reshape(rest.carries[carry], shape=shape)
    if found.start >= longer.more:
        rows = longer.rows(found)
        ahead = 0 if longer.forth.goes_back else longer.more
        return build.rows(rest.stacks[stack], rows.start - ahead, rows.stop - ahead)
    return None


def _whole(
    build: Builder, longer: _Longer, rest: _Rest, written: Sequence[Sequence[Value]], stack: Value
) -> Value:
    """A stack with the rows of all iterations."""
    shape = (1, *stack.type.shape[1:])
    first = [build.reshape(made[stack.index], shape=shape) for made in written]
    others = rest.stacks[stack]
    parts = [others, *first[::-1]] if longer.forth.goes_back else [*first, others]
    return build.concatenate(*parts, dimension=0)


def _rows(build: Builder, stack: Value, rows: range, users: Users) -> Value:
    """Some rows of a stack: the slice that is there, if one is, for the loop back may read it."""
    for cut in _cuts(stack, users):
        if first_row(cut) == rows.start and cut.output.type.shape[0] == len(rows):
            return cut.output
    return build.rows(stack, rows.start, rows.stop)


def _row(build: Builder, stack: Value, place: int) -> Value:
    return build.reshape(build.rows(stack, place, place + 1), shape=stack.type.shape[1:])

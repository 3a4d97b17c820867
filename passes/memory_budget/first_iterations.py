"""The pass that gives loops forth as many iterations as the loops back have.

In a train step that is written out, the first layer's way back stands outside of the loop, for
nobody asks for the gradient of its input. Its way forth is written out here as well: then both
loops have the same iterations, and are a pair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from graphc.ir.builder import Builder, inline
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.memory_budget.kept_sets import bytes_of
from passes.memory_budget.loop_pairs import reads_rows
from passes.memory_budget.recomputation import RULE
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
        users = _users_of(graph)
        longer = [found for node in graph.nodes if (found := _longer(node, users)) is not None]
        goal.is_uneven = bool(longer)
        if not longer or not goal.evens_out:
            return PassResult.unchanged(graph)
        editor = GraphEditor(graph, context.registry)
        outputs = set(graph.outputs)
        for found in longer:
            context.trace.fire(self.name, "write_out", found.forth)
            with editor.build.located(found.forth.origin.with_rule(RULE), found.forth.name):
                _write(editor, found, users, outputs)
        return PassResult.of(editor, {"iterations": sum([found.more for found in longer])})


def _users_of(graph: Graph) -> Users:
    users: dict[Value, list[Node]] = {}
    for node in graph.nodes:
        for value in dict.fromkeys(node.inputs):
            users.setdefault(value, []).append(node)
    return users


@dataclass(frozen=True)
class _Longer:
    """A loop forth that has more iterations than the loop that reads its stacks.

    Attributes:
        forth: a `scan`.
        more: how many more, the first ones.
    """

    forth: Node
    more: int

    @property
    def body(self) -> Graph:
        return self.forth.regions[0]

    @property
    def carries(self) -> int:
        return self.forth.attributes["carries"]

    @property
    def scanned(self) -> Sequence[Value]:
        return self.forth.inputs[self.carries : self._end]

    @property
    def invariants(self) -> Sequence[Value]:
        return self.forth.inputs[self._end :]

    @property
    def _end(self) -> int:
        return len(self.forth.inputs) - self.forth.attributes["invariants"]

    @property
    def length(self) -> int:
        return self.forth.attributes["length"]

    def iterations(self, cut: Node) -> range:
        """Whose rows a slice of whole rows has, in the order of time."""
        start, count = first_row(cut), cut.output.type.shape[0]
        assert start is not None
        if self.forth.attributes["reverse"]:
            start = self.length - start - count
        return range(start, start + count)

    def rows(self, iterations: range) -> range:
        """Where in a stack some iterations' rows are."""
        if self.forth.attributes["reverse"]:
            return range(self.length - iterations.stop, self.length - iterations.start)
        return iterations

    @property
    def rest(self) -> range:
        """The iterations that it keeps."""
        return range(self.more, self.length)

    def carry_of(self, stack: Value) -> int | None:
        """Which carry a stacked value is; None where it is none."""
        stacked = self.body.outputs[stack.index]
        places = [i for i in range(self.carries) if self.body.outputs[i] is stacked]
        return places[0] if places else None

    def is_of_before(self, cut: Node) -> bool:
        """Whether a slice has, for each iteration that is kept, the row of the one before."""
        return self.iterations(cut) == range(self.more - 1, self.length - 1)


def _longer(forth: Node, users: Users) -> _Longer | None:
    if forth.op.name != "scan":
        return None
    length = forth.attributes["length"]
    read: dict[int, int] = {}  # bytes by how many iterations more it has than a loop back
    for _, cut in _cuts(forth, users):
        count = cut.output.type.shape[0]
        found = _Longer(forth, length - count)
        if (
            1 <= found.more <= _MOST
            and _goes_back(cut, users)
            and found.iterations(cut) == found.rest
        ):
            read[found.more] = read.get(found.more, 0) + bytes_of(cut.output)
    if not read:
        return None
    return _Longer(forth, max(read, key=lambda more: read[more]))


def _cuts(forth: Node, users: Users) -> Iterator[tuple[Value, Node]]:
    """Stacks of a loop, and slices of whole rows of them."""
    for stack in forth.outputs[forth.attributes["carries"] :]:
        for cut in users.get(stack, ()):
            if cut.op.name == "slice" and first_row(cut) is not None:
                yield stack, cut


def _goes_back(cut: Node, users: Users) -> bool:
    """Whether but one loop reads a slice, a row in each iteration."""
    readers = users.get(cut.output, ())
    if len(readers) != 1:
        return False
    places = [i for i, value in enumerate(readers[0].inputs) if value is cut.output]
    return reads_rows(readers[0], places, cut.output.type.shape[0])


def _write(editor: GraphEditor, longer: _Longer, users: Users, outputs: set[Value]) -> None:
    build, forth, carries = editor.build, longer.forth, longer.carries
    carried, written = list(forth.inputs[:carries]), list[Sequence[Value]]()
    for iteration in range(longer.more):
        (place,) = longer.rows(range(iteration, iteration + 1))
        given = [_row(build, stack, place) for stack in longer.scanned]
        made = inline(build, longer.body, [*carried, *given, *longer.invariants])
        carried = made[:carries]
        written.append(made)
    of_before = [stack for stack, cut in _cuts(forth, users) if longer.is_of_before(cut)]
    rest = _Rest.write(build, longer, written, list(dict.fromkeys(of_before)))
    for old, new in zip(forth.outputs[:carries], rest.carries, strict=True):
        editor.replace(old, new)
    for stack in forth.outputs[carries:]:
        cuts = [cut for each, cut in _cuts(forth, users) if each is stack]
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
        of_before: Sequence[Value],
    ) -> _Rest:
        """Write it; what of the iteration before is read is carried, and stacked once more."""
        forth, body, carries = longer.forth, longer.body, longer.carries
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
        attributes = {**dict(forth.attributes)}
        attributes |= {"length": len(longer.rest), "carries": carries + len(new)}
        rows = longer.rows(longer.rest)
        loop = build.make(
            forth.op,
            (
                *written[-1][:carries],
                *[written[-1][stack.index] for stack in new],
                *[build.rows(stack, rows.start, rows.stop) for stack in longer.scanned],
                *longer.invariants,
            ),
            forth.op.attributes.make(attributes, forth.op.name),
            (region,),
        )
        stacks = loop.outputs[carries + len(new) :]
        old = forth.outputs[carries:]
        return cls(
            loop.outputs[:carries],
            dict(zip(old, stacks, strict=False)),
            dict(zip(of_before, stacks[len(old) :], strict=True)),
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
    if carry is not None and found == range(longer.length - 1, longer.length):
        return build.reshape(rest.carries[carry], shape=shape)
    if found.start >= longer.more:
        rows = longer.rows(found)
        ahead = 0 if longer.forth.attributes["reverse"] else longer.more
        return build.rows(rest.stacks[stack], rows.start - ahead, rows.stop - ahead)
    return None


def _whole(
    build: Builder, longer: _Longer, rest: _Rest, written: Sequence[Sequence[Value]], stack: Value
) -> Value:
    """A stack with the rows of all iterations."""
    shape = (1, *stack.type.shape[1:])
    first = [build.reshape(made[stack.index], shape=shape) for made in written]
    is_reversed, others = longer.forth.attributes["reverse"], rest.stacks[stack]
    parts = [others, *first[::-1]] if is_reversed else [*first, others]
    return build.concatenate(*parts, dimension=0)


def _row(build: Builder, stack: Value, place: int) -> Value:
    return build.reshape(build.rows(stack, place, place + 1), shape=stack.type.shape[1:])

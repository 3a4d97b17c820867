"""Updates of stacked variables whose rows follow from rows of what one loop stacks.

A loop stacks the gradients of its layers, and an optimizer then changes all layers at once. Where
it computes each element from elements at the same place, and maps over rows where it does not, a
layer can be changed as soon as its own gradient is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.op import Trait
from graphc.ir.types import TensorType
from passes.hidden_branches import can_anchor
from passes.scans import Scan

Uses = Mapping[Value, Sequence[Node]]


@dataclass(frozen=True, eq=False)
class RowUpdate:
    """New values of variables that share what they are computed from.

    Attributes:
        states: the variables' values before, to those after.
        nodes: what computes them from gradients, operands first.
        gradients: the stacks of the loop that are read, as the nodes read them.
    """

    states: dict[Value, Value]
    nodes: tuple[Node, ...]
    gradients: frozenset[Value]


def find_row_updates(graph: Graph, loop: Scan, uses: Uses) -> list[RowUpdate]:
    """The updates that a loop can make row by row, so that what they read is no more stacked.

    Args:
        graph: the graph, of known sizes.
        loop: one of its loops.
        uses: who reads each of its values.
    """
    search = _Search(graph, loop, uses)
    found = list(search.candidates())
    while True:
        kept = search.without_other_readers(found)
        if len(kept) == len(found):
            return search.merged(kept)
        found = kept


def stack_of(value: Value, loop: Scan) -> Value | None:
    """The stacked result of a loop that a value is, if only laid out as rows of blocks."""
    node = value.node
    if node.op.name == "reshape":
        value, shape = node.inputs[0], value.type.shape
        given = value.type.shape
        if len(given) < 2 or shape != (given[0] * given[1], *given[2:]):
            return None
    return value if value.node is loop.node and value.index in loop.stacked else None


def row_type(type_: TensorType, length: int) -> TensorType:
    """The type of what one iteration has of an array: a row, or a block of rows."""
    rows, *rest = type_.shape
    return type_.with_shape(tuple(rest) if rows == length else (rows // length, *rest))


def rows_type(type_: TensorType, length: int) -> TensorType:
    """The same as an array of the same rank: of one row, or of a block of rows."""
    rows, *rest = type_.shape
    return type_.with_shape((rows // length, *rest))


class _Search:
    def __init__(self, graph: Graph, loop: Scan, uses: Uses) -> None:
        self._graph = graph
        self._loop = loop
        self._uses = uses
        self._places = {node: place for place, node in enumerate(graph.nodes)}
        self._outputs = set(graph.outputs)
        self._after = {node for node in graph.nodes if node.op.name == "scan"}
        for node in graph.nodes:  # of all loops: what one reads must not come to depend on itself
            if any(value.node in self._after for value in node.inputs):
                self._after.add(node)

    def candidates(self) -> Iterator[RowUpdate]:
        """An update for each variable that could be changed in the loop, if nobody minds."""
        length = self._loop.length
        inputs = {
            value.node.attributes["name"]: value
            for value in self._graph.inputs
            if value.node.attributes["kind"] == "state"
        }
        for name, new in self._graph.updates.items():
            state = inputs.get(name)
            if state is None or state.type is not new.type or not new.type.rank:
                continue
            if new.type.shape[0] % length != 0 or self._graph.outputs.count(new) > 1:
                continue
            made = self._walk(new)
            if made is not None and made[1]:
                nodes = sorted(made[0], key=self._places.__getitem__)
                yield RowUpdate({state: new}, tuple(nodes), frozenset(made[1]))

    def _walk(self, new: Value) -> tuple[set[Node], set[Value]] | None:
        """The nodes that compute a value row by row, and the gradients that they read."""
        rows = new.type.shape[0]
        nodes: set[Node] = set()
        gradients: set[Value] = set()
        pending = [new]
        while pending:
            value = pending.pop()
            node = value.node
            if stack_of(value, self._loop) is not None:
                gradients.add(value)
                continue
            if node in nodes or (is_whole(value) and node not in self._after):
                continue
            if is_whole(value) or not value.type.rank or value.type.shape[0] != rows:
                return None
            if node.op.name == "input":
                continue
            if not computes_rows(node):
                if node in self._after:
                    return None
                continue
            nodes.add(node)
            pending += rows_read(node)
            if any(value.node in self._after for value in wholes_read(node)):
                return None
        return nodes, gradients

    def without_other_readers(self, found: Sequence[RowUpdate]) -> list[RowUpdate]:
        """Those whose gradients, and what follows from them, nobody else reads."""
        inside = {node for update in found for node in update.nodes}
        new_values = {new for update in found for new in update.states.values()}

        def is_own(value: Value) -> bool:
            if value in self._outputs and value not in new_values:
                return False
            return all(user in inside for user in self._uses.get(value, ()))

        return [
            update
            for update in found
            if all(self._is_own_gradient(value, is_own) for value in update.gradients)
            and all(
                is_own(value)
                for node in update.nodes
                if node in self._after
                for value in node.outputs
            )
        ]

    def _is_own_gradient(self, value: Value, is_own: Callable[[Value], bool]) -> bool:
        if not can_anchor(value):
            return False
        stack = stack_of(value, self._loop)
        assert stack is not None
        if stack is value:
            return is_own(value)
        is_laid_out_once = set(self._uses.get(stack, ())) == {value.node}
        return is_own(value) and is_laid_out_once and stack not in self._outputs

    def merged(self, found: Sequence[RowUpdate]) -> list[RowUpdate]:
        """Updates that share what follows from gradients, or read one, as one."""
        groups: list[RowUpdate] = []
        for update in found:
            own = {node for node in update.nodes if node in self._after}
            joined, apart = update, list[RowUpdate]()
            for group in groups:
                shares = not own.isdisjoint(group.nodes) or group.gradients & update.gradients
                if not shares:
                    apart.append(group)
                    continue
                nodes = {*joined.nodes, *group.nodes}
                joined = RowUpdate(
                    {**group.states, **joined.states},
                    tuple(sorted(nodes, key=self._places.__getitem__)),
                    joined.gradients | group.gradients,
                )
            groups = [*apart, joined]
        return groups


def is_whole(value: Value) -> bool:
    """Whether every row sees the same number."""
    return value.type.rank == 0


def computes_rows(node: Node) -> bool:
    """Whether a row of what a node gives follows from rows of what it reads."""
    if node.op.name == "vectorized_map":
        return True
    if node.op.name == "broadcast_in_dim":
        return is_whole(node.inputs[0]) or node.attributes["broadcast_dimensions"][0] == 0
    if reduces(node):
        return 0 not in node.attributes["axes"]
    if node.regions or not node.op.has(Trait.ELEMENTWISE) or len(node.outputs) != 1:
        return False
    shape = node.output.type.shape
    return bool(node.inputs) and all(v.type.shape in (shape, ()) for v in node.inputs)


def reduces(node: Node) -> bool:
    """Whether a node puts all elements along some axes into one, and has no other attributes."""
    return node.op.has(Trait.REDUCTION) and list(node.op.attributes.fields) == ["axes"]


def rows_read(node: Node) -> Sequence[Value]:
    """What a node reads row by row."""
    if node.op.name == "vectorized_map":
        return node.inputs[: len(node.inputs) - node.attributes["invariants"]]
    return [value for value in node.inputs if not is_whole(value)]


def wholes_read(node: Node) -> Sequence[Value]:
    """What a node reads the whole of, for each row."""
    rows = set(rows_read(node))
    return [value for value in node.inputs if value not in rows]

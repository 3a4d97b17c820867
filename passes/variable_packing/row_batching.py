"""One node in place of as many as there are rows.

Where the same is done to every row of an array, element by element, it can be done to the array.
So nodes are taken together, operands first: a node that reads row 0 of an array, with those that do
the same to rows 1, 2, and so on. Their other operands must be rows of other arrays, or the same
value for all, or variables of their own that nothing is differentiated by: an optimizer's slots.

No path leads from one of the nodes taken together to another: what they read besides their own rows
is the same for all of them, so it would lead from a node to itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphc.ir.builder import Builder
from graphc.ir.node import Node, Value
from graphc.ir.op import Trait
from passes.layer_rolling.node_signatures import Users
from passes.variable_packing.stacked_variables import is_state

_SCALARS: Final = {"apply_update": (2, 3), "select": (0,), "clamp": (0, 2)}


@dataclass(frozen=True)
class Rows:
    """The operand of the k-th node is row k of an array."""

    whole: Value


@dataclass(frozen=True)
class Shared:
    """The operand is the same for all nodes."""

    value: Value


@dataclass(frozen=True)
class Variables:
    """The operand is a variable of its own for each node."""

    values: tuple[Value, ...]


@dataclass(frozen=True)
class Batch:
    """Nodes that can be one; as an operand, the result of one node for each node.

    Attributes:
        nodes: by row.
        operands: what they read, by position.
    """

    nodes: tuple[Node, ...]
    operands: tuple[Rows | Shared | Variables | Batch, ...]

    def emit(self, build: Builder, arrays: Sequence[Value]) -> Node:
        """The one node: of an array per operand, or of the value that all nodes share."""
        first, count = self.nodes[0], len(self.nodes)
        operands = [
            _repeated(build, value, count)
            if isinstance(operand, Shared) and not _takes_scalar(first, place)
            else value
            for place, (operand, value) in enumerate(zip(self.operands, arrays, strict=True))
        ]
        given: dict[str, Any] = dict(first.attributes)
        if first.op.has(Trait.REDUCTION):
            given["axes"] = [axis + 1 for axis in given["axes"]]
        if first.op.name in ("reshape", "broadcast_in_dim"):
            given["shape"] = (count, *given["shape"])
        if first.op.name == "broadcast_in_dim":
            given["broadcast_dimensions"] = [0, *[d + 1 for d in given["broadcast_dimensions"]]]
        if first.op.name == "apply_update":
            given["stacked"] = True
        attributes = first.op.attributes.make(given, first.op.name)
        return build.make(first.op, tuple(operands), attributes)


def _takes_scalar(node: Node, place: int) -> bool:
    """Whether an operand is one number for the whole array.

    Learning rate and iteration are; what chooses between two arrays, and limits, may be.
    """
    if place not in _SCALARS.get(node.op.name, ()):
        return False
    is_number = node.inputs[place].type.rank == 0 and node.outputs[0].type.rank > 0
    return is_number or node.op.name == "apply_update"


def _repeated(build: Builder, value: Value, count: int) -> Value:
    shape = value.type.shape
    axes = range(1, len(shape) + 1)
    return build.broadcast_in_dim(value, shape=(count, *shape), broadcast_dimensions=list(axes))


def _can_batch(node: Node) -> bool:
    op = node.op
    if op.name in ("reshape", "broadcast_in_dim", "apply_update"):
        return True
    if op.has(Trait.REDUCTION):
        return len(node.inputs) == 1 and "axes" in op.attributes.fields
    arrays = [value for place, value in enumerate(node.inputs) if not _takes_scalar(node, place)]
    shapes = {value.type.shape for value in (*arrays, *node.outputs)}
    return op.has(Trait.ELEMENTWISE) and len(shapes) == 1


class RowBatching:
    """Finds what is done to all rows of an array.

    Args:
        users: of the graph's nodes.
    """

    def __init__(self, users: Users) -> None:
        self._users = users
        self._rows: dict[Value, tuple[Value, ...]] = {}
        self._places: dict[Value, tuple[Value, int]] = {}

    def add(self, whole: Value, rows: Sequence[Value]) -> None:
        """Note that values are the rows of an array."""
        self._rows[whole] = tuple(rows)
        self._places.update((value, (whole, row)) for row, value in enumerate(rows))

    def place_of(self, value: Value) -> tuple[Value, int] | None:
        """The array that a value is a row of, and which."""
        return self._places.get(value)

    def whole_of(self, values: Sequence[Value]) -> Value | None:
        """The array of which values are all the rows, in order."""
        place = self._places.get(values[0])
        if place is None or self._rows[place[0]] != tuple(values):
            return None
        return place[0]

    def batch_of(self, node: Node) -> Batch | None:
        """The nodes that do to the other rows what a node does to row 0 of an array."""
        if not _can_batch(node):
            return None
        for position, value in enumerate(node.inputs):
            place = self._places.get(value)
            if place is not None and place[1] == 0:
                return self._batch(node, position, self._rows[place[0]])
        return None

    def _batch(self, node: Node, position: int, rows: Sequence[Value]) -> Batch | None:
        nodes = [node]
        for row, value in enumerate(rows[1:], start=1):
            found = [
                user
                for user, place in self._users[value.node]
                if place == position
                and user.inputs[position] is value
                and self._does_the_same(node, user, row)
            ]
            if len(found) != 1:
                return None
            nodes += found
        return self._batch_nodes(nodes)

    def _batch_nodes(self, nodes: Sequence[Node]) -> Batch | None:
        operands: list[Rows | Shared | Variables | Batch] = []
        for place in range(len(nodes[0].inputs)):
            operand = self._operand([each.inputs[place] for each in nodes])
            is_shared = isinstance(operand, Shared)
            if operand is None or (_takes_scalar(nodes[0], place) and not is_shared):
                return None
            operands.append(operand)
        return Batch(tuple(nodes), tuple(operands))

    def _does_the_same(self, node: Node, other: Node, row: int) -> bool:
        if node.op is not other.op or node.attributes is not other.attributes:
            return False
        if len(node.inputs) != len(other.inputs):
            return False
        return all(
            mine is theirs or (mine.type is theirs.type and self._corresponds(mine, theirs, row))
            for mine, theirs in zip(node.inputs, other.inputs, strict=True)
        )

    def _corresponds(self, mine: Value, theirs: Value, row: int) -> bool:
        place, other = self._places.get(mine), self._places.get(theirs)
        if place is not None or other is not None:
            return place is not None and place[1] == 0 and other == (place[0], row)
        if self._is_kept(mine) or self._is_kept(theirs):
            return self._is_kept(mine) and self._is_kept(theirs)
        if not (self._is_own(mine) and self._is_own(theirs)):
            return False
        return _can_batch(mine.node) and self._does_the_same(mine.node, theirs.node, row)

    def _is_own(self, value: Value) -> bool:
        """Whether one node alone uses a value, the only one of its node."""
        return len(value.node.outputs) == 1 and len(self._users[value.node]) == 1

    def _is_kept(self, value: Value) -> bool:
        """Whether a value is a variable's that nothing is differentiated by: what is only kept."""
        return is_state(value) and all(
            user.op.name != "gradient" for user, _ in self._users[value.node]
        )

    def _operand(self, values: Sequence[Value]) -> Rows | Shared | Variables | Batch | None:
        if all(value is values[0] for value in values):
            return Shared(values[0])
        whole = self.whole_of(values)
        if whole is not None:
            return Rows(whole)
        if len(set(values)) < len(values):
            return None
        if all(map(self._is_kept, values)):
            return Variables(tuple(values))
        if not all(map(self._is_own, values)):
            return None
        return self._batch_nodes([value.node for value in values])

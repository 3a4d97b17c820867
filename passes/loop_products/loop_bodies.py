"""What the values of a loop's body depend on, and which sizes its products have."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from graphc.dimensions import product
from graphc.ir.graph import users_of
from graphc.ir.node import Node, Value
from graphc.ir.op import Trait
from graphc.opset.contraction import product_axes
from passes.scans import Scan

_MOVES: Final = frozenset({"reshape", "transpose"})
_NEVER_OUTSIDE: Final = Trait.REGION | Trait.EFFECT | Trait.BARRIER | Trait.RANDOM | Trait.HOST


class LoopBody:
    """The body of a `scan`, and what its values depend on.

    Attributes:
        loop: the `scan`.
        graph: the body.
        users: the nodes of the body that read each of its values.
        invariant: the values that are the same in every iteration.
        rows: the values that follow, element by element, from what is scanned.
    """

    def __init__(self, node: Node) -> None:
        self.loop = Scan(node)
        self.graph = self.loop.body
        self.users = users_of(self.graph)
        self.invariant = set(self.graph.inputs[self.loop.first_invariant :])
        self.rows = set(self.scanned)
        for inner in self.graph.nodes:
            self._classify(inner)

    @property
    def scanned(self) -> tuple[Value, ...]:
        return tuple([self.graph.inputs[position] for position in self.loop.scanned])

    @cached_property
    def stacked(self) -> dict[Value, int]:
        """The values that are stacked, to the positions among the results."""
        found = dict[Value, int]()
        for position in self.loop.stacked:
            found.setdefault(self.graph.outputs[position], position)
        return found

    def is_stack(self, value: Value) -> bool:
        """Whether all rows of a value lie in memory after the loop."""
        return value in self.scanned or value in self.stacked

    def is_only_result(self, value: Value) -> bool:
        """Whether a value is one result of the body, and nothing in it reads it."""
        return value not in self.users and self.graph.outputs.count(value) == 1

    def is_used_once(self, value: Value) -> bool:
        """Whether one node reads a value, and it is no result."""
        return len(self.users.get(value, ())) == 1 and value not in self.graph.outputs

    def _classify(self, node: Node) -> None:
        if node.op.name == "input" or node.op.traits & _NEVER_OUTSIDE or len(node.outputs) != 1:
            return
        if all(value in self.invariant for value in node.inputs):
            self.invariant.add(node.output)
            return
        known = all(value in self.rows or value in self.invariant for value in node.inputs)
        if known and (node.op.name in _MOVES or computes_elements(node)):
            self.rows.add(node.output)


def computes_elements(node: Node) -> bool:
    """Whether a node computes each element from those at the same place."""
    if not node.op.has(Trait.ELEMENTWISE) or node.op.traits & _NEVER_OUTSIDE:
        return False
    shape = node.output.type.shape
    return len(node.outputs) == 1 and all(value.type.shape == shape for value in node.inputs)


def without_moves(value: Value) -> Value:
    """What a value is another layout of."""
    while value.node.op.name in _MOVES:
        (value,) = value.node.inputs
    return value


def sizes_of(node: Node) -> tuple[int, int, int]:
    """The free elements of the left and the right operand of a product, and those summed over."""
    (_, contracting, left), (_, _, right) = (product_axes(node.call, side) for side in (0, 1))
    free = [
        product(tuple([value.type.shape[axis] for axis in axes]))
        for value, axes in zip(node.inputs, (left, right), strict=True)
    ]
    summed = product(tuple([node.inputs[0].type.shape[axis] for axis in contracting]))
    assert isinstance(free[0], int)
    assert isinstance(free[1], int)
    assert isinstance(summed, int)
    return free[0], free[1], summed

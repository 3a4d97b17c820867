"""A builder that makes a node once: what is asked for again is the node that is there.

Half of the nodes of an imported train step are numbers spread over shapes, and what optimizers
compute anew for every weight. They would be merged later, after passes have visited each.
"""

from __future__ import annotations

from typing import Final, Literal

from graphc.ir.attributes import NO_ATTRIBUTES, Attributes
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.op import OpSpec, Trait

_APART: Final = Trait.EFFECT | Trait.BARRIER


class SharingBuilder(GraphBuilder):
    """Builds one closed graph in which no two nodes do the same to the same values.

    Barriers stay apart, and so do nodes with regions. A node that is asked for again keeps the
    name and the origin that it has.
    """

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[tuple[OpSpec, Attributes, tuple[Value, ...]], Node] = {}
        self._kinds: dict[OpSpec, Literal["apart", "commutative", "other"]] = {}

    def make(
        self,
        op: OpSpec,
        inputs: tuple[Value, ...],
        attributes: Attributes = NO_ATTRIBUTES,
        regions: tuple[Graph, ...] = (),
    ) -> Node:
        kind = self._kinds.get(op)
        if kind is None:
            kind = self._kinds[op] = _kind_of(op)
        if regions or kind == "apart":
            return super().make(op, inputs, attributes, regions)
        if kind == "commutative" and _is_number(inputs[0]) and not _is_number(inputs[1]):
            inputs = inputs[::-1]  # the canonical order
        key = (op, attributes, inputs)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = super().make(op, inputs, attributes)
        return found


def _kind_of(op: OpSpec) -> Literal["apart", "commutative", "other"]:
    if op.traits & _APART:
        return "apart"
    return "commutative" if op.has(Trait.COMMUTATIVE) else "other"


def _is_number(value: Value) -> bool:
    """Whether a value is one known number, perhaps spread over a shape."""
    node = value.node
    if node.op.name == "broadcast_in_dim":
        node = node.inputs[0].node
    return node.op.name == "constant" and not node.output.type.rank

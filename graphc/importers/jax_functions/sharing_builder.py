"""A builder that makes a node once: what is asked for again is the node that is there.

Half of the nodes of an imported train step are numbers spread over shapes, and what optimizers
compute anew for every weight. They would be merged later, after passes have visited each.
"""

from __future__ import annotations

from typing import Final

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
        self._is_apart: dict[OpSpec, bool] = {}

    def make(
        self,
        op: OpSpec,
        inputs: tuple[Value, ...],
        attributes: Attributes = NO_ATTRIBUTES,
        regions: tuple[Graph, ...] = (),
    ) -> Node:
        is_apart = self._is_apart.get(op)
        if is_apart is None:
            is_apart = self._is_apart[op] = bool(op.traits & _APART)
        if regions or is_apart:
            return super().make(op, inputs, attributes, regions)
        key = (op, attributes, inputs)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = super().make(op, inputs, attributes)
        return found

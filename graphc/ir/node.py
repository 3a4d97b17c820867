"""Nodes and values: the graph's atoms.

Plain slotted classes, never changed after they are made, not hash-consed. Ordered operand tuples
are the truth; every other view of the graph is derived from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphc.ir.attributes import Attributes
from graphc.ir.op import OpCall, OpSpec
from graphc.ir.origin import UNKNOWN, Origin
from graphc.ir.types import TensorType

if TYPE_CHECKING:
    from graphc.ir.graph import Graph


class Value:
    """One result of a node.

    Attributes:
        node: the node that makes it.
        index: which of its results.
        type: element type and shape.
    """

    __slots__ = ("index", "node", "type")

    def __init__(self, node: Node, index: int, type_: TensorType) -> None:
        self.node = node
        self.index = index
        self.type = type_

    def __repr__(self) -> str:
        suffix = f":{self.index}" if len(self.node.outputs) > 1 else ""
        return f"<{self.node.op.name}{suffix} {self.node.name!r} {self.type}>"


class Node:
    """An op applied to values.

    Attributes:
        op: the op.
        inputs: operands, in order.
        attributes: interned attributes.
        regions: closed graphs of a region op.
        outputs: one value per result.
        name: the user's name with its scopes ("dense/relu"); need not be unique after passes.
        origin: the user's line, and the rules that rewrote the node.
    """

    __slots__ = ("attributes", "inputs", "name", "op", "origin", "outputs", "regions")

    def __init__(
        self,
        op: OpSpec,
        inputs: tuple[Value, ...],
        attributes: Attributes,
        types: tuple[TensorType, ...],
        regions: tuple[Graph, ...] = (),
        name: str = "",
        origin: Origin = UNKNOWN,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.attributes = attributes
        self.regions = regions
        self.name = name
        self.origin = origin
        if len(types) == 1:
            self.outputs: tuple[Value, ...] = (Value(self, 0, types[0]),)
        else:
            self.outputs = tuple([Value(self, index, type_) for index, type_ in enumerate(types)])

    @property
    def output(self) -> Value:
        """The only result."""
        (only,) = self.outputs
        return only

    @property
    def call(self) -> OpCall:
        """The op with operand types and attributes, for its facets to look at."""
        return OpCall(
            self.op,
            tuple([value.type for value in self.inputs]),
            self.attributes,
            self.regions,
            tuple([value.type for value in self.outputs]),
        )

    def __repr__(self) -> str:
        return f"<node {self.op.name} {self.name!r}>"

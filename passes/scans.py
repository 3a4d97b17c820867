"""A `scan` as passes read it: what is carried, scanned over, the same in all iterations, stacked.

A scan's operands stand in this order, and the inputs of its body in the same; so one position says
which operand and which input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphc.ir.builder import Builder
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value


@dataclass(frozen=True)
class Scan:
    """The parts of a scan, by position.

    Attributes:
        node: the loop.
    """

    node: Node

    @classmethod
    def of(cls, node: Node) -> Scan | None:
        """A node as a scan; None where it is none."""
        return cls(node) if node.op.name == "scan" else None

    @property
    def body(self) -> Graph:
        return self.node.regions[0]

    @property
    def length(self) -> int:
        """How many iterations there are, where sizes are known."""
        return self.node.attributes["length"]

    @property
    def goes_back(self) -> bool:
        """Whether the last rows come first."""
        return self.node.attributes["reverse"]

    @property
    def carries(self) -> int:
        """How many carries there are: the first operands, and the first results."""
        return self.node.attributes["carries"]

    @property
    def first_invariant(self) -> int:
        """The position of the first operand that is the same in every iteration."""
        return len(self.node.inputs) - self.node.attributes["invariants"]

    @property
    def scanned(self) -> range:
        """The positions of what is scanned over."""
        return range(self.carries, self.first_invariant)

    @property
    def invariant(self) -> range:
        """The positions of what is the same in every iteration."""
        return range(self.first_invariant, len(self.node.inputs))

    @property
    def stacked(self) -> range:
        """The positions of stacks among the results, and of their rows among the body's."""
        return range(self.carries, len(self.node.outputs))

    @property
    def stacks(self) -> Sequence[Value]:
        """The results that have a row of each iteration."""
        return self.node.outputs[self.carries :]

    def reads_rows(self, positions: Sequence[int]) -> bool:
        """Whether each iteration reads a row of each of these operands."""
        return all(position in self.scanned for position in positions)


def scans_of(graph: Graph) -> list[Scan]:
    """The scans of a graph in its order, without those of bodies."""
    return [loop for node in graph.nodes if (loop := Scan.of(node)) is not None]


def stacking_scans(graph: Graph) -> list[Scan]:
    """Those of several iterations that stack results; of a graph of known sizes."""
    return [loop for loop in scans_of(graph) if loop.length > 1 and loop.stacked]


def make_scan(
    build: Builder,
    like: Node,
    carries: Sequence[Value],
    scanned: Sequence[Value],
    invariants: Sequence[Value],
    body: Graph,
    *,
    length: int | None = None,
    rule: str = "",
) -> Node:
    """A scan like another: its name, direction, length if none is given, and line.

    `rule` says what made it, for its origin.
    """
    attributes = like.op.attributes.make(
        {
            "carries": len(carries),
            "invariants": len(invariants),
            "length": like.attributes["length"] if length is None else length,
            "reverse": like.attributes["reverse"],
        },
        like.op.name,
    )
    with build.located(like.origin.with_rule(rule) if rule else like.origin, like.name):
        operands = (*carries, *scanned, *invariants)
        return build.make(like.op, operands, attributes, (body,))

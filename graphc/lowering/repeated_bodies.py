"""Bodies that a program repeats, such as an optimizer's update of each weight: written down once.

XLA puts them in place again before all else. What is saved is the way there: to write, print and
parse some dozen lines of StableHLO for each copy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Final

from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.op import InlineLowering

FEWEST_CALLS: Final = 4
"""A body that stands this often in a program becomes a function that is called."""
SMALLEST_BODY: Final = 4
"""A body of fewer nodes, constants and inputs not counted, costs no more than its call."""


class RepeatedBodies:
    """The bodies of a graph that are written down once.

    Args:
        graph: the whole program.
    """

    def __init__(self, graph: Graph) -> None:
        self._keys: dict[Node, Hashable] = {}
        for node in graph.nodes:
            if isinstance(node.op.lower, InlineLowering) and _size(node) >= SMALLEST_BODY:
                self._keys[node] = _key_of(node.regions[0])
        self._counts = Counter(self._keys.values())

    def key(self, node: Node) -> Hashable | None:
        """What nodes with the same body have in common; None where it is not worth a function."""
        key = self._keys.get(node)
        return key if self._counts[key] >= FEWEST_CALLS else None


def _size(node: Node) -> int:
    return sum(each.op.name not in ("input", "constant") for each in node.regions[0].nodes)


def _key_of(body: Graph) -> Hashable:
    """Equal where two bodies compute the same, by the same lines, on operands of equal types."""
    places: dict[Value, int] = {}
    parts: list[Hashable] = []
    for node in body.nodes:
        operands = tuple([places[value] for value in node.inputs])
        types = tuple([value.type for value in node.outputs])
        own = types if node.op.name == "input" else node.attributes
        line = (node.origin.file, node.origin.line)
        parts.append((node.op, operands, own, types, node.regions, line))
        for value in node.outputs:
            places[value] = len(places)
    inputs = tuple([places[value] for value in body.inputs])
    return (*parts, inputs, tuple([places[value] for value in body.outputs]))

"""What makes two nodes copies of each other, and which heavy nodes look like copies from afar.

A *signature* is all of a node but its operands: op, attributes, bodies, types. Names are no part of
it, nor are those inside of bodies: an LSTM is a loop, and so is the one above it. Constants and
inputs have no signature: their values may differ from copy to copy.

A *colour* also knows the neighbourhood, up to three steps up and down, so that the query projection
of a layer is not taken for its key projection. Colours only choose where to begin; which nodes
belong together is decided by growth.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from graphc.ir.equality import Structures
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.op import OpSpec, Trait
from graphc.opset.jax_primitive.known_primitives import is_draw as draws_numbers

_NEVER: Final = Trait.BARRIER | Trait.INTENT | Trait.EFFECT | Trait.HOST
_HEAVY: Final = Trait.CONTRACTION | Trait.REGION
_SOURCES: Final = frozenset({"input", "constant"})
_ROUNDS: Final = 3

Users = Mapping[Node, Sequence[tuple[Node, int]]]
"""The users of a node's results, each with the position of the operand."""


class Signatures:
    """Signatures of a graph's nodes as small numbers; 0 for nodes that are never rolled."""

    def __init__(self, graph: Graph) -> None:
        self._numbers: dict[object, int] = {}
        self._bodies = Structures()
        self._of: dict[Node, int] = {}
        for node in graph.nodes:
            self._of[node] = self._number(node)

    def _number(self, node: Node) -> int:
        op = node.op
        if _is_apart(op):
            return 0
        key = (
            op,
            node.attributes,
            tuple([value.type for value in node.inputs]),
            tuple([value.type for value in node.outputs]),
            tuple([self._bodies[region] for region in node.regions]),
        )
        return self._numbers.setdefault(key, len(self._numbers) + 1)

    def __getitem__(self, node: Node) -> int:
        return self._of[node]


@functools.lru_cache(maxsize=1024)
def _is_apart(op: OpSpec) -> bool:
    return op.name in _SOURCES or bool(op.traits & _NEVER)


def users_of(graph: Graph) -> dict[Node, list[tuple[Node, int]]]:
    """Every use of every node, in the order of the graph."""
    users: dict[Node, list[tuple[Node, int]]] = {node: [] for node in graph.nodes}
    for node in graph.nodes:
        for position, value in enumerate(node.inputs):
            users[value.node].append((node, position))
    return users


def is_heavy(node: Node) -> bool:
    """Whether a node is worth a loop: a matrix product, a convolution, or a loop itself."""
    return _is_heavy_op(node.op)


def heaviness(node: Node) -> int:
    """How many heavy nodes it is: itself, and those of its bodies."""
    inside = sum([is_heavy(each) for region in node.regions for each in region.walk()])
    return is_heavy(node) + inside


@functools.lru_cache(maxsize=1024)
def _is_heavy_op(op: OpSpec) -> bool:
    return bool(op.traits & _HEAVY)


def is_draw(node: Node) -> bool:
    """Whether a node draws random numbers."""
    if node.op.name == "jax_primitive":
        attributes = node.attributes
        return draws_numbers(attributes["primitive"], attributes["parameters"])
    return bool(node.op.traits & Trait.RANDOM)


def families(
    graph: Graph, signatures: Signatures, users: Users, belongs: Callable[[Node], bool]
) -> list[list[list[Node]]]:
    """Nodes of one kind and colour, in the order of the graph; the largest families first.

    There is one list for each width of the neighbourhood, the narrowest first. A wide one tells
    the parts of a block from each other, but it reaches beyond blocks of a few nodes, where the
    first and the last block have other neighbours than the others.
    """
    members = [node for node in graph.nodes if signatures[node] and belongs(node)]
    if len(members) < 2:
        return []
    by_width: list[list[list[Node]]] = []
    for colours in _colours(members, signatures, users):
        found: dict[int, list[Node]] = {}
        for node in members:
            found.setdefault(colours[node], []).append(node)
        several = [family for family in found.values() if len(family) > 1]
        by_width.append(sorted(several, key=len, reverse=True))
    return by_width


def _colours(
    members: Sequence[Node], signatures: Signatures, users: Users
) -> list[dict[Node, int]]:
    """The colours of some nodes, by the width of the neighbourhood."""
    numbers: dict[object, int] = {}
    # A gradient reads each weight at another place, which would tell all layers apart.
    inner: dict[Node, list[tuple[Node, int]]] = {}
    regions = [dict.fromkeys(members)]
    edge: Sequence[Node] = members
    for _ in range(_ROUNDS):
        region = dict(regions[-1])
        for node in edge:
            inner[node] = uses = [use for use in users[node] if signatures[use[0]]]
            region.update(dict.fromkeys([value.node for value in node.inputs]))
            region.update(dict.fromkeys([user for user, _ in uses]))
        edge = list(itertools.islice(region, len(regions[-1]), None))
        regions.append(region)

    def number(key: object) -> int:
        return numbers.setdefault(key, len(numbers))

    colours = {
        node: number((signatures[node], tuple([value.type for value in node.outputs])))
        for node in regions.pop()
    }
    found = [colours]
    while regions:
        colours = {
            node: number(
                (
                    colours[node],
                    tuple([(colours[value.node], value.index) for value in node.inputs]),
                    tuple(sorted([(colours[user], place) for user, place in inner[node]])),
                )
            )
            for node in regions.pop()
        }
        found.append(colours)
    return found

"""A copy of what several chains of blocks begin with, for each of them.

An encoder and a decoder that read one input both normalise it first: one node, as equal nodes are
merged, which can be part of one loop only; the other chain would lose its first block. So a cheap
node that no heavy one comes before is copied where others of its kind have one user of a kind, and
it has a few, as hardly any other has. Copies that end up in no loop are merged again later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Set
from typing import Final

from graphc.ir.editor import ValueMap
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from passes.layer_rolling.node_signatures import Signatures, Users, is_draw, is_heavy

_MOST_CHAINS: Final = 4

_Use = tuple[Node, int, int]
"""A user, which copy of it, and at which operand."""
_Kind = tuple[int, int]
"""Signature of a user and the position of the operand."""


class OwnBeginnings(ValueMap):
    """A graph in which chains of blocks share no first node, and where its values are.

    Args:
        graph: the graph as it was.
        signatures: of its nodes.
        users: of its nodes.
        least: of how many blocks a chain is made.

    Attributes:
        graph: the new graph; the same object where nothing is shared.
    """

    __slots__ = ("_copies", "_made", "_operands", "_signatures", "_users", "_usual", "graph")

    def __init__(self, graph: Graph, signatures: Signatures, users: Users, least: int) -> None:
        super().__init__()
        self._signatures = signatures
        self._users = users
        self._copies: dict[Node, int] = {}
        self._operands: dict[_Use, int] = {}
        self._made: dict[tuple[Node, int], Node] = {}
        beginnings = list(_beginnings(graph))
        self._usual = self._count_uses(graph, {signatures[node] for node in beginnings})
        for node in reversed(beginnings):
            self._copy(node, least)
        self.graph = self._write(graph) if self._copies else graph

    def __getitem__(self, value: Value) -> Value:
        made = self._made.get((value.node, 0))
        return value if made is None else made.outputs[value.index]

    def _copy(self, node: Node, least: int) -> None:
        """Give each user of a kind a copy of a node of its own, where that is usual."""
        if not self._signatures[node] or is_draw(node) or len(node.outputs) > 1:
            return
        by_kind: dict[_Kind, list[_Use]] = {}
        for user, position in self._users[node]:
            for copy in range(self._copies.get(user, 1)):
                kind = self._signatures[user], position
                by_kind.setdefault(kind, []).append((user, copy, position))
        shared = [
            uses
            for kind, uses in by_kind.items()
            if 1 < len(uses) <= _MOST_CHAINS
            and kind[0]
            and self._usual[self._signatures[node], kind, 1] >= least - 1
            and self._usual[self._signatures[node], kind, len(uses)] < least
        ]
        if len(shared) == 1:
            (uses,) = shared
            self._copies[node] = len(uses)
            self._operands.update((use, copy) for copy, use in enumerate(uses))

    def _count_uses(self, graph: Graph, wanted: Set[int]) -> Counter[tuple[int, _Kind, int]]:
        """How many nodes of each of some signatures have so many users of a kind."""
        found: Counter[tuple[int, _Kind, int]] = Counter()
        signatures = self._signatures
        for node in graph.nodes:
            signature = signatures[node]
            if signature in wanted:
                kinds = [(signatures[user], place) for user, place in self._users[node]]
                for kind, count in Counter(kinds).items():
                    found[signature, kind, count] += 1
        return found

    def _write(self, graph: Graph) -> Graph:
        nodes: list[Node] = []
        for node in graph.nodes:
            for copy in range(self._copies.get(node, 1)):
                made = self._written(node, copy)
                self._made[node, copy] = made
                nodes.append(made)
        outputs = [self[value] for value in graph.outputs]
        return Graph(graph.inputs, outputs, nodes, graph.update_names, graph.constraints)

    def _written(self, node: Node, copy: int) -> Node:
        operands = tuple(
            [
                self._made[value.node, self._operands.get((node, copy, place), 0)].outputs[
                    value.index
                ]
                for place, value in enumerate(node.inputs)
            ]
        )
        if operands == node.inputs and not copy:
            return node
        types = tuple([value.type for value in node.outputs])
        return Node(node.op, operands, node.attributes, types, node.regions, node.name, node.origin)


def _beginnings(graph: Graph) -> Iterator[Node]:
    """The nodes that no heavy node comes before, inputs and constants not counted."""
    late: set[Node] = set()
    for node in graph.nodes:
        if is_heavy(node) or any(value.node in late for value in node.inputs):
            late.add(node)
        elif node.inputs:
            yield node

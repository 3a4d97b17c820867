"""A copy of what several chains of blocks begin with, for each of them.

An encoder and a decoder that read one input both normalise it first: one node, as equal nodes are
merged, which can be part of one loop only; the other chain would lose its first block. So a cheap
node that no heavy one comes before is copied where it has more users of a kind than others have,
and with it all that it is computed of. Where a layer reads it on its way forth and back, the users
of a chain are those that come with the same weights. Copies that end up in no loop are merged again
later.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final

from graphc.ir.editor import ValueMap
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from passes.layer_rolling.node_signatures import Signatures, Users, is_draw, is_heavy

_MOST_CHAINS: Final = 4
_MOST_USES: Final = 4 * _MOST_CHAINS
_STEPS: Final = 3
"""How far a product with weights may be from what a layer begins with, forth and back."""

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

    __slots__ = ("_copies", "_counts", "_made", "_operands", "_signatures", "_users", "graph")

    def __init__(self, graph: Graph, signatures: Signatures, users: Users, least: int) -> None:
        super().__init__()
        self._signatures = signatures
        self._users = users
        self._copies: dict[Node, int] = {}
        self._operands: dict[_Use, int] = {}
        self._made: dict[tuple[Node, int], Node] = {}
        beginnings = list(_beginnings(graph))
        self._counts = self._count_uses(graph, {signatures[node] for node in beginnings})
        for node in reversed(beginnings):
            self._copy(node, least)
        self.graph = self._write(graph) if self._copies else graph

    def __getitem__(self, value: Value) -> Value:
        made = self._made.get((value.node, 0))
        return value if made is None else made.outputs[value.index]

    def _copy(self, node: Node, least: int) -> None:
        """Give each chain a copy of a node of its own, where others of its kind are in one."""
        if not self._signatures[node] or is_draw(node) or len(node.outputs) > 1:
            return
        uses = [
            (user, copy, position)
            for user, position in self._users[node]
            for copy in range(self._copies.get(user, 1))
        ]
        copies = {self._copies[user] for user, _, _ in uses if user in self._copies}
        chains = self._of_copies(node, uses, least) if copies else self._apart(node, uses, least)
        if len(copies) <= 1 < len(chains) <= _MOST_CHAINS:
            self._copies[node] = len(chains)
            for copy, chain in enumerate(chains):
                self._operands.update((use, copy) for use in chain)

    def _kind(self, use: _Use) -> _Kind:
        user, _, position = use
        return self._signatures[user], position

    def _of_copies(self, node: Node, uses: Sequence[_Use], least: int) -> list[list[_Use]]:
        """The uses by copies of users, where others of the node's kind have such users."""
        signature = self._signatures[node]
        chains: dict[int, list[_Use]] = {}
        for use in uses:
            if use[0] in self._copies:
                if self._counts[signature, self._kind(use)].total() < least:
                    return []
                chains.setdefault(use[1], []).append(use)
        return [*chains.values()]

    def _apart(self, node: Node, uses: Sequence[_Use], least: int) -> list[list[_Use]]:
        """The uses by chain where there are more of a kind than others have; each has as many."""
        signature = self._signatures[node]
        kinds = Counter(map(self._kind, uses))
        many = {
            kind
            for kind, count in kinds.items()
            if count > 1 and kind[0] and self._counts[signature, kind][count] < least
        }
        shared = [use for use in uses if self._kind(use) in many]
        if len(shared) > _MOST_USES:
            return []
        for chains in (self._by_weights(node, shared), [[use] for use in shared]):
            first, *others = [Counter(map(self._kind, chain)) for chain in chains] or [Counter()]
            is_usual = all(self._counts[signature, k][n] >= least - 1 for k, n in first.items())
            if others and is_usual and all(each == first for each in others):
                return chains
        return []

    def _by_weights(self, node: Node, uses: Sequence[_Use]) -> list[list[_Use]]:
        """The uses of a node by the weights that are read near them: both ways of a layer's."""
        chains: list[tuple[set[Node], list[_Use]]] = []
        for use in uses:
            near, own = self._inputs_near(node, use[0]), [use]
            apart: list[tuple[set[Node], list[_Use]]] = []
            for others, members in chains:
                if near.isdisjoint(others):
                    apart.append((others, members))
                else:
                    near, own = near | others, [*members, *own]
            chains = [*apart, (near, own)]
        return [own for _, own in chains]

    def _inputs_near(self, node: Node, user: Node) -> set[Node]:
        """The inputs of the graph that are read a few steps before or after a user of a node."""
        before, after, found = {user}, {user}, set[Node]()
        for _ in range(_STEPS):
            found.update(v.node for near in (*before, *after) for v in near.inputs)
            before = {v.node for near in before for v in near.inputs if v.node is not node}
            after = {each for near in after for each, _ in self._users[near]}
        return {near for near in found if near.op.name == "input"}

    def _count_uses(
        self, graph: Graph, wanted: Set[int]
    ) -> Mapping[tuple[int, _Kind], Counter[int]]:
        """How many nodes of each of some signatures have so many users of a kind."""
        found = defaultdict[tuple[int, _Kind], Counter[int]](Counter)
        signatures = self._signatures
        for node in graph.nodes:
            signature = signatures[node]
            if signature in wanted:
                kinds = [(signatures[user], place) for user, place in self._users[node]]
                for kind, count in Counter(kinds).items():
                    found[signature, kind][count] += 1
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

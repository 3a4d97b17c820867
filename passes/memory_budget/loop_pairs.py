"""Pairs of loops: one that goes forth and stacks, and one that reads the stacks and goes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphc.dimensions import Dimension
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from passes.memory_budget.kept_sets import bytes_of


@dataclass(frozen=True, eq=False)
class LoopPair:
    """A loop whose stacked results another loop, and nothing else, reads row by row.

    Attributes:
        forth: the loop that stacks; a `scan`.
        back: the loop that reads; a `scan` of the same length.
        stacks: results of `forth` that only `back` reads, to their positions among its operands.
    """

    forth: Node
    back: Node
    stacks: Mapping[int, tuple[int, ...]]

    @property
    def body(self) -> Graph:
        return self.forth.regions[0]

    @property
    def length(self) -> int:
        return self.forth.attributes["length"]

    @property
    def carries(self) -> int:
        return self.forth.attributes["carries"]

    @property
    def first_invariant(self) -> int:
        return len(self.body.inputs) - self.forth.attributes["invariants"]

    def is_carry(self, position: int) -> bool:
        return position < self.carries

    def is_scanned(self, position: int) -> bool:
        return self.carries <= position < self.first_invariant

    @property
    def wanted(self) -> list[Value]:
        """The values of the body that are stacked for the way back alone."""
        return list(dict.fromkeys(self.body.outputs[result] for result in self.stacks))

    @property
    def row_bytes(self) -> int:
        """What an iteration of each loop reads and gives row by row, but for the stacks."""
        inside = self.back.regions[0]
        first, end = self.back.attributes["carries"], self.back.attributes["invariants"]
        read = {position for positions in self.stacks.values() for position in positions}
        given = [*inside.outputs[first:], *self.body.inputs[self.carries : self.first_invariant]]
        own = range(first, len(inside.inputs) - end)
        given += [inside.inputs[position] for position in own if position not in read]
        return sum(map(bytes_of, given))

    @property
    def stacked_bytes(self) -> int:
        return sum(bytes_of(self.forth.outputs[result]) for result in self.stacks)


def find_pairs(graph: Graph) -> list[LoopPair]:
    """The pairs of a graph of known sizes, those that stack most first; each loop is in one."""
    uses = dict[Value, list[tuple[Node, int]]]()
    for node in graph.nodes:
        for position, value in enumerate(node.inputs):
            uses.setdefault(value, []).append((node, position))
    outputs = set(graph.outputs)
    found = list[LoopPair]()
    for forth in graph.nodes:
        if forth.op.name != "scan" or forth.attributes["length"] < 2:
            continue
        readers = dict[Node, dict[int, tuple[int, ...]]]()
        for value in forth.outputs[forth.attributes["carries"] :]:
            users = {node for node, _ in uses.get(value, ())}
            if value in outputs or len(users) != 1:
                continue
            (back,) = users
            positions = tuple([position for _, position in uses[value]])
            if reads_rows(back, positions, forth.attributes["length"]):
                readers.setdefault(back, {})[value.index] = positions
        for back, stacks in readers.items():
            found.append(LoopPair(forth, back, stacks))
    found.sort(key=lambda pair: -pair.stacked_bytes)
    taken = set[Node]()
    apart = list[LoopPair]()
    for pair in found:
        if pair.forth not in taken and pair.back not in taken:
            taken |= {pair.forth, pair.back}
            apart.append(pair)
    return apart


def reads_rows(node: Node, positions: Sequence[int], length: Dimension) -> bool:
    """Whether a node is a loop of so many iterations, and reads a row of these operands in each."""
    if node.op.name != "scan" or node.attributes["length"] != length:
        return False
    end = len(node.inputs) - node.attributes["invariants"]
    return all(node.attributes["carries"] <= position < end for position in positions)

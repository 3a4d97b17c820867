"""Pairs of loops: one that goes forth and stacks, and one that reads the stacks and goes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphc.ir.graph import Graph, users_of
from graphc.ir.node import Node, Value
from passes.memory_budget.kept_sets import bytes_of
from passes.scans import Scan, stacking_scans


@dataclass(frozen=True, eq=False)
class LoopPair:
    """A loop whose stacked results another loop, and nothing else, reads row by row.

    Attributes:
        forth: the loop that stacks.
        back: the loop that reads, of the same length.
        stacks: results of `forth` that only `back` reads, to their positions among its operands.
    """

    forth: Scan
    back: Scan
    stacks: Mapping[int, tuple[int, ...]]

    @property
    def wanted(self) -> list[Value]:
        """The values of the body that are stacked for the way back alone."""
        return list(dict.fromkeys(self.forth.body.outputs[result] for result in self.stacks))

    @property
    def row_bytes(self) -> int:
        """What an iteration of each loop reads and gives row by row, but for the stacks."""
        forth, back = self.forth, self.back
        read = {position for positions in self.stacks.values() for position in positions}
        given = [*[back.body.outputs[position] for position in back.stacked]]
        given += [forth.body.inputs[position] for position in forth.scanned]
        given += [back.body.inputs[position] for position in back.scanned if position not in read]
        return sum(map(bytes_of, given))

    @property
    def stacked_bytes(self) -> int:
        return sum(bytes_of(self.forth.node.outputs[result]) for result in self.stacks)


def find_pairs(graph: Graph) -> list[LoopPair]:
    """The pairs of a graph of known sizes, those that stack most first; each loop is in one."""
    users, outputs = users_of(graph), set(graph.outputs)
    found = list[LoopPair]()
    for forth in stacking_scans(graph):
        readers = dict[Scan, dict[int, tuple[int, ...]]]()
        for stack in forth.stacks:
            back = only_reader(stack, users)
            if back is not None and stack not in outputs:
                readers.setdefault(back, {})[stack.index] = _positions(back.node, stack)
        for back, stacks in readers.items():
            found.append(LoopPair(forth, back, stacks))
    found.sort(key=lambda pair: -pair.stacked_bytes)
    taken = set[Scan]()
    apart = list[LoopPair]()
    for pair in found:
        if pair.forth not in taken and pair.back not in taken:
            taken |= {pair.forth, pair.back}
            apart.append(pair)
    return apart


def only_reader(stack: Value, users: Mapping[Value, Sequence[Node]]) -> Scan | None:
    """The loop that reads a row of a stack in each iteration, if nothing else reads the stack."""
    readers = users.get(stack, ())
    loop = Scan.of(readers[0]) if len(readers) == 1 else None
    is_scanned = loop is not None and loop.reads_rows(_positions(loop.node, stack))
    return loop if is_scanned else None


def _positions(node: Node, operand: Value) -> tuple[int, ...]:
    return tuple([place for place, value in enumerate(node.inputs) if value is operand])

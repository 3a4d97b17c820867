"""Steps that are written line by line: what is read after an assignment sees it.

A graph reads variables as they were before the run, unless control dependencies say otherwise. In
a `train_step` that a person writes, lines follow one another, as they do in Keras: the generator of
a GAN meets the discriminator that the line above has changed.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from graphc.errors import StateError

if TYPE_CHECKING:
    from graphc.ir.graph import Graph
    from graphc.ir.node import Value
    from graphc.ir.op import OpSpec
    from graphc.ops.dataflow import DataflowGraph
    from graphc.ops.tensor import Tensor


_RUN_ONCE: Final = frozenset({"cond", "case", "custom_gradient"})
"""Ops whose regions are run once at most; those of all others are loops."""


class ProgramOrder:
    """The assignments of a step so far, and what was read after them.

    Args:
        graph: where the step is built; bodies of branches and loops read what it has assigned, and
            what they have assigned themselves.
    """

    def __init__(self, graph: DataflowGraph) -> None:
        self.graph = graph
        self._latest: dict[DataflowGraph, dict[str, Tensor]] = {}
        self._reads: dict[tuple[DataflowGraph, str], list[tuple[Tensor, Tensor]]] = {}

    def note_assignment(self, variable: str, assignment: Tensor) -> None:
        """From here on the variable is what this assignment, or this branch, has made it."""
        self._latest.setdefault(assignment.graph, {})[variable] = assignment

    def latest_assignment(self, variable: str, graph: DataflowGraph) -> Tensor | None:
        """The assignment in this graph that is seen by who reads the variable there now, if any."""
        return self._latest.get(graph, {}).get(variable)

    def place_of_latest(self, variable: str, graph: DataflowGraph) -> DataflowGraph | None:
        """The innermost graph around, up to that of the step, that has assigned the variable."""
        place: DataflowGraph | None = graph
        while place is not None:
            if self.latest_assignment(variable, place) is not None:
                return place
            place = None if place is self.graph else place.parent
        return None

    def note_read(self, variable: str, read: Tensor) -> Tensor:
        """Keep a read of the variable after its latest assignment."""
        graph = read.graph
        assignment = self._latest[graph][variable]
        self._reads.setdefault((graph, variable), []).append((assignment, read))
        return read

    def find_read(self, variable: str, graph: DataflowGraph) -> Tensor | None:
        """A read in this graph after the latest assignment there, if one was made."""
        latest = self._latest[graph][variable]
        for assignment, read in self._reads.get((graph, variable), ()):
            if assignment is latest:
                return read
        return None

    def reads(self, variable: str, graph: DataflowGraph) -> list[tuple[Tensor, Tensor]]:
        """The reads after assignments, each behind the assignment that it sees."""
        return self._reads.get((graph, variable), [])


class _Orders(threading.local):
    order: ProgramOrder | None = None


_orders = _Orders()


def current_order(graph: DataflowGraph) -> ProgramOrder | None:
    """The order of the step that this thread builds in this graph or around it, if any."""
    order = _orders.order
    return order if order is not None and graph.can_see(order.graph) else None


def waits_of_regions(
    graph: DataflowGraph, op: OpSpec, operands: Sequence[Tensor], regions: Sequence[Graph]
) -> list[Value]:
    """The assignments that a branch or a loop with assignments of the same variables follows.

    Raises:
        StateError: a loop sets a variable that it has read as it was before the loop, which would
            not be what the lines say from the second round on.
    """
    order = current_order(graph)
    if order is None:
        return []
    waits: list[Value] = []
    for variable in _assigned_in(regions):
        if op.name not in _RUN_ONCE:
            # What a body reads after an assignment above comes to it as an operand.
            for _, read in order.reads(variable, graph):
                if any(operand is read for operand in operands):
                    raise StateError(
                        f"a loop in a step reads the variable {variable!r} and sets it then",
                        expected="the new value in the next round, which it would not be",
                        fix="carry the value through the loop, and assign it behind the loop",
                        origin=read.origin,
                    )
        latest = order.latest_assignment(variable, graph)
        if latest is not None:
            waits.append(latest.value)
    return waits


def note_regions(graph: DataflowGraph, result: Tensor, regions: Sequence[Graph]) -> None:
    """From here on variables are what a branch or a loop, of which this is a result, made them."""
    order = current_order(graph)
    if order is not None:
        for variable in _assigned_in(regions):
            order.note_assignment(variable, result)


def _assigned_in(regions: Sequence[Graph]) -> list[str]:
    nodes = [node for region in regions for node in region.walk() if node.op.name == "assign"]
    return list(dict.fromkeys(node.attributes["variable"] for node in nodes))


@contextlib.contextmanager
def program_order(graph: DataflowGraph) -> Iterator[None]:
    """What is built inside of the block is in the order of the lines."""
    before = _orders.order
    _orders.order = ProgramOrder(graph)
    try:
        yield
    finally:
        _orders.order = before

"""Steps that are written line by line: what is read after an assignment sees it.

A graph reads variables as they were before the run, unless control dependencies say otherwise. In
a `train_step` that a person writes, lines follow one another, as they do in Keras: the generator of
a GAN meets the discriminator that the line above has changed.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphc.ops.dataflow import DataflowGraph
    from graphc.ops.tensor import Tensor


class ProgramOrder:
    """The assignments of a step so far, and what was read after them.

    Args:
        graph: where the step is built; bodies of branches and loops read what it has assigned.
    """

    def __init__(self, graph: DataflowGraph) -> None:
        self.graph = graph
        self._latest: dict[str, Tensor] = {}
        self._reads: dict[str, list[tuple[Tensor, Tensor]]] = {}

    def note_assignment(self, variable: str, assignment: Tensor) -> None:
        """From here on the variable is what this assignment has made it."""
        if assignment.graph is self.graph:
            self._latest[variable] = assignment

    def latest_assignment(self, variable: str) -> Tensor | None:
        """The assignment that is seen by who reads the variable now, if any."""
        return self._latest.get(variable)

    def note_read(self, variable: str, read: Tensor) -> Tensor:
        """Keep a read of the variable after its latest assignment."""
        self._reads.setdefault(variable, []).append((self._latest[variable], read))
        return read

    def find_read(self, variable: str) -> Tensor | None:
        """A read after the latest assignment, if one was made."""
        latest = self._latest[variable]
        for assignment, read in self._reads.get(variable, ()):
            if assignment is latest:
                return read
        return None

    def reads(self, variable: str) -> list[tuple[Tensor, Tensor]]:
        """The reads after assignments, each behind the assignment that it sees."""
        return self._reads.get(variable, [])


class _Orders(threading.local):
    order: ProgramOrder | None = None


_orders = _Orders()


def current_order(graph: DataflowGraph) -> ProgramOrder | None:
    """The order of the step that this thread builds in this graph or around it, if any."""
    order = _orders.order
    return order if order is not None and graph.can_see(order.graph) else None


@contextlib.contextmanager
def program_order(graph: DataflowGraph) -> Iterator[None]:
    """What is built inside of the block is in the order of the lines."""
    before = _orders.order
    _orders.order = ProgramOrder(graph)
    try:
        yield
    finally:
        _orders.order = before

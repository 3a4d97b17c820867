"""How far a growing graph has got, and going back to there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from graphc.ir.node import Node

Parts = tuple[list[Any] | dict[Any, Any], ...]


class GraphMarks:
    """The marks of one graph.

    Args:
        lock: held while the graph changes.
        parts: gives what only grows, in the order in which it does; the list of nodes first.
        forget: removes a node from wherever else the graph keeps it.

    Attributes:
        count: how many marks are in use.
    """

    def __init__(
        self,
        lock: threading.RLock,  # type: ignore[valid-type]  # a function before Python 3.13
        parts: Callable[[], Parts],
        forget: Callable[[Node], None],
    ) -> None:
        self.count = 0
        self._lock: Any = lock
        self._parts = parts
        self._forget = forget
        self._threads: set[int] = set()

    def note_thread(self) -> None:
        """Say that this thread adds a node."""
        self._threads.add(threading.get_ident())

    def take(self) -> tuple[int, ...]:
        """Begin to use a mark; each needs one `release`."""
        with self._lock:
            self.count += 1
            return tuple(len(part) for part in self._parts())

    def release(self) -> None:
        """Say that a mark is not needed any more."""
        with self._lock:
            self.count -= 1
            if not self.count:
                self._threads.clear()

    def go_back(self, mark: tuple[int, ...]) -> None:
        """Remove what was added since a mark, unless another thread has added something too."""
        with self._lock:
            if not self._threads <= {threading.get_ident()}:
                return
            nodes, *_ = self._parts()
            for node in list(nodes)[mark[0] :]:
                self._forget(node)
            for part, length in zip(self._parts(), mark, strict=True):
                if isinstance(part, list):
                    del part[length:]
                else:
                    while len(part) > length:
                        part.popitem()

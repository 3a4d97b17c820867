"""What the current thread builds into: default graph, name scope, control dependencies, device.

As in TensorFlow 1 there is one default graph per process, and a stack per thread that shadows it.
The stacks are `threading.local`, not a `ContextVar`: a new thread must see the process default, and
a variable set in the main thread would be absent there.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from graphc.dtypes import DType
    from graphc.ir.node import Value
    from graphc.ops.dataflow import DataflowGraph
    from graphc.ops.tensor import Tensor


class Evaluator(Protocol):
    """What `Tensor.eval` and `Variable.load` ask of a session."""

    graph: DataflowGraph

    def run(self, fetches: Any, feed_dict: Any = None) -> Any: ...

    def set_variables(self, values: Any) -> None: ...

    def require_open(self) -> None: ...


class _Stacks(threading.local):
    def __init__(self) -> None:
        self.graphs: list[DataflowGraph] = []
        self.sessions: list[Evaluator] = []
        self.devices: list[str | None] = []
        self.updates: list[list[Tensor]] = []
        self.floats: list[DType | None] = []


_stacks = _Stacks()


class Place(threading.local):
    """Where a thread is in a graph that it builds: its `with` blocks are no other thread's.

    Attributes:
        scope: the names of the name scopes around, each with a slash.
        control: what nodes made now must run after.
    """

    scope = ""
    control: tuple[Value, ...] = ()


def current_graph() -> DataflowGraph | None:
    """The innermost graph of this thread, or None when only the process default is left."""
    graphs = _stacks.graphs
    return graphs[-1] if graphs else None


def has_open_graphs() -> bool:
    """Whether this thread is inside `Graph.as_default()` or a session."""
    return bool(_stacks.graphs)


@contextlib.contextmanager
def pushed_graph(graph: DataflowGraph) -> Iterator[DataflowGraph]:
    """Make `graph` the default of this thread inside the block."""
    _stacks.graphs.append(graph)
    try:
        yield graph
    finally:
        _stacks.graphs.remove(graph) if _stacks.graphs[-1] is not graph else _stacks.graphs.pop()


def push_session(session: Evaluator) -> None:
    """Make `session` the default of this thread, and its graph the default graph."""
    _stacks.sessions.append(session)
    _stacks.graphs.append(session.graph)


def pop_session(session: Evaluator) -> None:
    """Undo `push_session`."""
    _stacks.sessions.remove(session)
    graphs = _stacks.graphs
    position = len(graphs) - 1 - graphs[::-1].index(session.graph)
    del graphs[position]


@contextlib.contextmanager
def opened_session(session: Evaluator) -> Iterator[Evaluator]:
    """Make a session the innermost of this thread inside the block; it stays alive after it."""
    push_session(session)
    try:
        yield session
    finally:
        pop_session(session)


def current_session() -> Evaluator | None:
    """The innermost session of this thread."""
    sessions = _stacks.sessions
    return sessions[-1] if sessions else None


_make_session: list[Callable[[DataflowGraph], Evaluator]] = []


def provide_sessions(make: Callable[[DataflowGraph], Evaluator]) -> None:
    """Say how the session of a graph that has none yet is made."""
    _make_session[:] = [make]


def session_of(graph: DataflowGraph) -> Evaluator:
    """Where the models of a graph live: the open session of it, else the one they were last in.

    A graph whose models were never used in an open session has one of its own.

    Raises:
        SessionClosedError: they were last in a session that is closed, and their weights with it.
    """
    session = current_session()
    if session is None or session.graph is not graph:
        session = graph.records.session or _make_session[0](graph)
    session.require_open()
    graph.records.session = session
    return session


@contextlib.contextmanager
def collected_updates(updates: list[Tensor]) -> Iterator[list[Tensor]]:
    """Note in a list, too, every assignment that this thread builds inside the block."""
    _stacks.updates.append(updates)
    try:
        yield updates
    finally:
        _stacks.updates.pop()


def note_update(update: Tensor) -> None:
    """Tell of an assignment."""
    for updates in _stacks.updates:
        updates.append(update)


def surrounding_updates() -> list[Tensor]:
    """What the innermost `collected_updates` block has noted so far; empty outside of all."""
    return _stacks.updates[-1] if _stacks.updates else []


def is_building() -> bool:
    """Whether a layer, a metric, a step, a branch or a loop is being built by this thread.

    What is written there is for later, so a variable has no value that could be meant.
    """
    graphs = _stacks.graphs
    return bool(_stacks.updates) or (bool(graphs) and graphs[-1].parent is not None)


@contextlib.contextmanager
def floats_read_as(dtype: DType | None) -> Iterator[None]:
    """Reads of floating variables inside the block are cast to this type; None: as they are."""
    _stacks.floats.append(dtype)
    try:
        yield
    finally:
        _stacks.floats.pop()


def float_of_reads() -> DType | None:
    """What floating variables are cast to where they are read now, if anything."""
    floats = _stacks.floats
    return floats[-1] if floats else None


@contextlib.contextmanager
def device(name: str | None) -> Iterator[None]:
    """Place what is built inside the block: `with graphc.device("gpu:0"):`."""
    _stacks.devices.append(name)
    try:
        yield
    finally:
        _stacks.devices.pop()


def current_device() -> str | None:
    """The innermost `device` block's name."""
    devices = _stacks.devices
    return devices[-1] if devices else None

"""What may be a learning rate: a number, a tensor, or a function of the iteration."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from graphc.errors import GraphcError, SessionClosedError
from graphc.ir.origin import capture_origin
from graphc.ops.context import Evaluator, current_session
from graphc.ops.conversion import floatx, to_tensor
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class LearningRate:
    """The learning rate of one optimizer.

    Args:
        given: a number, a tensor, or a function of the iteration, such as a schedule.
        owner: what errors call the optimizer.

    Attributes:
        held: what was given; once the step is built, the variable that holds a number.

    Raises:
        GraphcError: it is no learning rate.
    """

    def __init__(self, given: Any, owner: str) -> None:
        require_learning_rate(given)
        self.held: Any = given
        self._owner = owner
        self._number = given if _is_number(given) else None
        self._now: Tensor | Variable | None = None

    @property
    def is_built(self) -> bool:
        """Whether a graph holds it."""
        return self._now is not None

    @property
    def variable(self) -> Variable | None:
        """What holds a number in the graph."""
        return self.held if isinstance(self.held, Variable) else None

    def build(self, graph: DataflowGraph, iterations: Variable) -> None:
        """Keep a number in a variable of `graph`, the default graph."""
        if _is_number(self.held):
            self.held = Variable(
                float(self.held), trainable=False, name="learning_rate", dtype=floatx()
            )
        with graph.control_dependencies(None):
            held = self.held
            self._now = held if not callable(held) else rate_at(held, iterations.as_tensor(graph))

    def at(self, iterations: Tensor) -> Tensor:
        """The rate of a step, in the graph that is being built."""
        if callable(self.held):
            return rate_at(self.held, iterations)
        return to_tensor(self.held, None, iterations.graph)

    def set(self, given: Any, session: Evaluator | None = None) -> None:
        """Take another: at once in a session, or, before it is built, in every session.

        Raises:
            GraphcError: it is no learning rate, or the graph computes it.
        """
        require_learning_rate(given)
        if not self.is_built:
            self.held = given
            self._number = given if _is_number(given) else None
            return
        if not _is_number(given):
            raise GraphcError(
                "the step is built already, and its learning rate can only be another number",
                given=repr(given),
                fix="set a schedule before minimize(), or make another optimizer",
                origin=capture_origin(),
            )
        if not isinstance(self.held, Variable):
            raise GraphcError(
                f"the learning rate of {self._owner!r} is computed by the graph, so it cannot be "
                "set",
                given=repr(self.held),
                fix="give the optimizer a number, and set that",
                origin=capture_origin(),
            )
        self.held.load(given, session or self._session())
        self._number = given

    def number(self, session: Evaluator | None = None) -> float:
        """What it is now in a session.

        Raises:
            GraphcError: it depends on what no session says.
        """
        if self._now is None and self._number is not None:
            return float(self._number)
        where = session or self._session()
        if self._now is None or where is None:
            raise GraphcError(
                f"the learning rate of {self._owner!r} is not known",
                given="no step is built" if self._now is None else "no session is open",
                fix="build the step, then ask inside `with graphc.Session():`, or give session=",
                origin=capture_origin(),
            )
        return float(where.run(self._now))

    def remember(self) -> Callable[[], None]:
        """Gives a function that forgets the graph that it is built in from now on."""
        before = self.held, self._now

        def forget() -> None:
            self.held, self._now = before

        return forget

    def config(self) -> Any:
        """What makes the same: what was given, or the number that a session has now."""
        if self._number is None:
            return self.held
        session = self._session()
        if session is None:
            return float(self._number)
        try:
            now = self.number(session)
        except SessionClosedError:
            return float(self._number)
        is_rounded = self.held.dtype.numpy.type(self._number) == now
        return float(self._number) if is_rounded else now

    def _session(self) -> Evaluator | None:
        """Where the optimizer is at work: in the open session, or in that of the graph's models."""
        if self._now is None:
            return None
        session, graph = current_session(), self._now.graph
        return session if session and session.graph is graph else graph.records.session


def _is_number(given: Any) -> bool:
    return not (callable(given) or isinstance(given, (Tensor, Variable)))


def require_learning_rate(given: Any) -> None:
    """Check a learning rate.

    Raises:
        GraphcError: it is no number of at least 0, no scalar, and no function.
    """
    if callable(given):
        return
    if isinstance(given, (Tensor, Variable)):
        if given.shape == () and given.dtype.is_floating:
            return
    else:
        try:
            if not isinstance(given, str) and float(given) >= 0:
                return
        except (TypeError, ValueError):
            pass
    raise GraphcError(
        "this is no learning rate",
        given=repr(given),
        expected="a number of at least 0, a schedule, or a scalar float tensor of the graph",
        origin=capture_origin(),
    )


def rate_at(schedule: Callable[..., Any], iterations: Tensor) -> Tensor:
    """What a function gives at an iteration: it takes the iteration, or nothing.

    Raises:
        GraphcError: the result is no learning rate.
    """
    rate = schedule(iterations) if _takes_iteration(schedule) else schedule()
    require_learning_rate(rate)
    return to_tensor(rate, None, iterations.graph)


def _takes_iteration(schedule: Callable[..., Any]) -> bool:
    try:
        inspect.signature(schedule).bind(None)
    except TypeError:
        return False
    except ValueError:  # a built-in function without a signature
        return True
    return True

"""Every error that graphc raises on purpose.

An error says what was given, what was expected and how to fix it, and names the user's own line
where a node is to blame. The classes also inherit from the built-in exception that a NumPy or
TensorFlow user would catch (`ShapeError` is a `ValueError`, `DTypeError` a `TypeError`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Protocol


class SourceLine(Protocol):
    """Where a node was made: what an error needs to know of an `Origin`."""

    @property
    def file(self) -> str: ...

    @property
    def line(self) -> int: ...


class GraphcError(Exception):
    """Root of the family.

    Args:
        message: one sentence that says what went wrong.
        given: what the user handed over.
        expected: what would have been accepted.
        fix: what to do about it.
        origin: the user's line that made the node to blame.
        context: the part of the graph around that node, as text.
    """

    def __init__(
        self,
        message: str,
        *,
        given: object = None,
        expected: object = None,
        fix: str | None = None,
        origin: SourceLine | None = None,
        context: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.given = given
        self.expected = expected
        self.fix = fix
        self.origin = origin
        self.context = context

    def at(self, origin: SourceLine | None) -> GraphcError:
        """This error, blamed on `origin` unless a line is known already."""
        if self.origin is None:
            self.origin = origin
        return self

    def __str__(self) -> str:
        lines = [self.message]
        if self.given is not None:
            lines.append(f"  given: {self.given}")
        if self.expected is not None:
            lines.append(f"  expected: {self.expected}")
        if self.fix is not None:
            lines.append(f"  fix: {self.fix}")
        if self.origin is not None:
            lines.append(f"  at: {self.origin.file}:{self.origin.line}")
        if self.context is not None:
            lines.append("  in:")
            lines.extend(f"    {line}" for line in self.context.splitlines())
        return "\n".join(lines)


class ShapeError(GraphcError, ValueError):
    """Sizes that do not fit together."""


class DTypeError(GraphcError, TypeError):
    """An element type that an op, a feed or an attribute does not take."""


class AttributeValueError(GraphcError, ValueError):
    """An op attribute that its schema refuses: unknown, missing or of the wrong kind."""


class FeedError(GraphcError, ValueError):
    """A feed that is missing, unknown, extra, or of the wrong shape or dtype."""


class FetchError(GraphcError, LookupError):
    """A fetch that is unknown or cannot be computed."""


class GraphMixError(GraphcError, ValueError):
    """Tensors of two graphs in one op, one run or one session."""


class GradientError(GraphcError, ValueError):
    """A gradient that does not exist: unconnected, of an integer, through an op without one."""


class StateError(GraphcError, ValueError):
    """Assignments whose order is not defined, or a variable used where it does not exist."""


class SessionClosedError(GraphcError, RuntimeError):
    """A session used after `close()`."""


class ExecutionError(GraphcError, RuntimeError):
    """XLA failed while a program ran; says whether the session's state survived."""


class GraphFinalizedError(GraphcError, RuntimeError):
    """A node added to a graph after `finalize()`."""


class PassError(GraphcError):
    """A pass failed, or broke the graph: names the pass, those before it, and the node."""


class VerifyError(GraphcError):
    """A graph that breaks a rule of the IR, or two stages that disagree in numbers."""


class MemoryBudgetError(GraphcError, ValueError):
    """A memory budget that no form of the program can meet, or that is no amount of memory.

    Attributes:
        smallest: the least temporary memory that was reached, in bytes; None where the budget
            itself is wrong.
    """

    def __init__(
        self,
        message: str,
        *,
        given: object = None,
        expected: object = None,
        fix: str | None = None,
        origin: SourceLine | None = None,
        context: str | None = None,
        smallest: int | None = None,
    ) -> None:
        super().__init__(
            message, given=given, expected=expected, fix=fix, origin=origin, context=context
        )
        self.smallest = smallest


class NumericsError(GraphcError, ArithmeticError):
    """A value that is not finite where `check_numerics` was asked for.

    Attributes:
        node_name: name of the first node to blame with its scopes, or of the feed or variable.
        op_name: its op; "input" for a feed or variable.
        iterations: numbers of the iterations of the loops around it, outermost first, from 0.
        in_gradient: whether automatic differentiation wrote the node.
    """

    def __init__(
        self,
        message: str,
        *,
        node_name: str = "",
        op_name: str = "",
        iterations: tuple[int, ...] = (),
        in_gradient: bool = False,
        given: object = None,
        expected: object = None,
        fix: str | None = None,
        origin: SourceLine | None = None,
    ) -> None:
        super().__init__(message, given=given, expected=expected, fix=fix, origin=origin)
        self.node_name = node_name
        self.op_name = op_name
        self.iterations = iterations
        self.in_gradient = in_gradient


class ParseError(GraphcError, ValueError):
    """Malformed text of a graph; carries the line and column.

    Attributes:
        line: 1-based line of the text.
        column: 1-based column.
    """

    def __init__(
        self, message: str, *, line: int, column: int, text: str, fix: str | None = None
    ) -> None:
        marker = f"{text}\n{' ' * (column - 1)}^"
        super().__init__(f"line {line}, column {column}: {message}", fix=fix, context=marker)
        self.line = line
        self.column = column


class ImportModelError(GraphcError, ValueError):
    """A model of another framework that cannot be imported."""


class ModelFileError(GraphcError, ValueError):
    """A model file that is damaged, too large or not one."""


class CheckpointError(GraphcError, ValueError):
    """A checkpoint that is damaged, incomplete or does not fit the graph."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence with the known names that look like `name`."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3)
    if near:
        return f"did you mean {' or '.join(map(repr, near))}?"
    listed = ", ".join(names[:8])
    return f"there are: {listed}{', …' if len(names) > 8 else ''}" if names else "there are none"

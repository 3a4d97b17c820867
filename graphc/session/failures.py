"""XLA failed: what that means for the session's variables."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.errors import ExecutionError


def execution_failure(problem: Exception, lost: Sequence[str]) -> ExecutionError:
    """The error of a program that failed.

    Args:
        problem: what JAX raised.
        lost: the variables whose values the program had consumed.
    """
    if lost:
        return ExecutionError(
            f"XLA failed after the program had begun: {problem}",
            given=f"the values of {', '.join(lost[:8])} were donated to it and are lost",
            fix="restore a checkpoint or run the initializer; Session(donate=False) never donates",
        )
    return ExecutionError(f"XLA failed: {problem}", expected="the session's state is unchanged")

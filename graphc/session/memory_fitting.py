"""Meeting a memory budget: compile, ask XLA what it takes, compute more again, until it fits.

Types tell only about what a program would save; XLA decides what it keeps, shares and merges. So
its number is the judge after every attempt, and how far it was off says what to ask for next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from graphc.errors import MemoryBudgetError
from graphc.lowering.executable import Executable
from graphc.memory_sizes import format_bytes
from graphc.rewriting.memory_goal import MemoryGoal

_MOST_ATTEMPTS: Final = 8
_ALL: Final = 2**62


class Compiled(Protocol):
    """What an attempt makes."""

    @property
    def executable(self) -> Executable: ...


T = TypeVar("T", bound=Compiled)


@dataclass(frozen=True)
class MemoryFit:
    """How a budget was met.

    Attributes:
        asked: the budget in bytes.
        unbudgeted: the temporary memory of the program without one, by XLA.
        predicted: what was expected of the program that was taken.
        temp_bytes: what it takes, by XLA.
        flops_added: floating-point operations that it does a second time.
        total_flops: those of the program without a budget.
        attempts: how many programs XLA compiled.
    """

    asked: int
    unbudgeted: int
    predicted: int
    temp_bytes: int
    flops_added: int
    total_flops: int
    attempts: int

    def __str__(self) -> str:
        added = self.flops_added / self.total_flops if self.total_flops else 0.0
        return (
            f"memory budget {format_bytes(self.asked)}: without it {format_bytes(self.unbudgeted)} "
            f"temporary, predicted {format_bytes(self.predicted)}, XLA takes "
            f"{format_bytes(self.temp_bytes)} ({self.temp_bytes:,} bytes); computed again: "
            f"{self.flops_added:,} FLOPs ({added:.1%} more); {self.attempts} programs compiled"
        )


def fit_memory(budget: int, attempt: Callable[[MemoryGoal], T]) -> tuple[T, MemoryFit]:
    """The program with the least work that takes no more temporary memory than a budget.

    Args:
        budget: in bytes.
        attempt: runs the passes with a goal, and lowers what they give.

    Raises:
        MemoryBudgetError: nothing that the passes can do is enough.
    """
    goal = MemoryGoal(0)
    made = attempt(goal)
    unbudgeted = predicted = taken = smallest = _temp_bytes(made.executable)
    for number in range(1, _MOST_ATTEMPTS + 1):
        if taken <= budget:
            fit = MemoryFit(
                budget, unbudgeted, predicted, taken, goal.flops, goal.total_flops, number
            )
            return made, fit
        if goal.is_least:
            break
        # how far types were off is how far they will be off the next time
        off = taken - (unbudgeted - goal.removed)
        wanted = max(unbudgeted + off - budget, goal.removed + 1)
        goal = MemoryGoal(_ALL if number == _MOST_ATTEMPTS - 1 else wanted)
        made = attempt(goal)
        predicted = unbudgeted + off - goal.removed
        taken = _temp_bytes(made.executable)
        smallest = min(smallest, taken)
    raise _infeasible(budget, unbudgeted, smallest, goal)


def _temp_bytes(executable: Executable) -> int:
    analysis = executable.memory_analysis()
    found = getattr(analysis, "temp_size_in_bytes", None)
    if found is None:
        raise MemoryBudgetError(
            "this platform does not say how much memory a program takes, so no budget can be met",
            fix="leave memory_budget out",
        )
    return int(found)


def _infeasible(budget: int, unbudgeted: int, smallest: int, goal: MemoryGoal) -> MemoryBudgetError:
    lines = [
        f"{format_bytes(kept.bytes):>12}  {kept.name or '(no name)'}  "
        f"{kept.origin.file}:{kept.origin.line}"
        for kept in goal.largest
    ]
    return MemoryBudgetError(
        f"no form of the program fits into {format_bytes(budget)} of temporary memory",
        given=f"memory_budget of {budget:,} bytes; without one it takes {unbudgeted:,}",
        expected=f"at least {smallest:,} bytes ({format_bytes(smallest)}), the smallest possible",
        fix="raise the budget, or make the batch or the largest values smaller",
        origin=goal.largest[0].origin if goal.largest else None,
        context="\n".join(["the largest values that are left:", *lines]),
        smallest=smallest,
    )

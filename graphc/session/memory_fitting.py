"""Meeting a memory budget: compile, ask XLA what it takes, compute more again, until it fits.

Types tell only about what a program would save; XLA decides what it keeps, shares and merges. So
its number is the judge after every attempt, and how far it was off says what to ask for next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from graphc.errors import MemoryBudgetError
from graphc.lowering.executable import Executable
from graphc.memory_sizes import format_bytes
from graphc.rewriting.memory_goal import MemoryGoal

_MOST_ATTEMPTS: Final = 8
_MOST_BESIDE: Final = 8
_MOST_REFINEMENTS: Final = 2
_WELL_USED: Final = 0.8
"""The share of a budget that a program must take for nobody to look for one with less work."""
_ALIKE: Final = 1 / 64
"""Two programs that differ by a smaller share of what is taken without a budget are one attempt."""
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
        is_written_out: whether layers are no loops, because as loops they take more.
    """

    asked: int
    unbudgeted: int
    predicted: int
    temp_bytes: int
    flops_added: int
    total_flops: int
    attempts: int
    is_written_out: bool = False

    def __str__(self) -> str:
        added = self.flops_added / self.total_flops if self.total_flops else 0.0
        return (
            f"memory budget {format_bytes(self.asked)}: without it {format_bytes(self.unbudgeted)} "
            f"temporary, predicted {format_bytes(self.predicted)}, XLA takes "
            f"{format_bytes(self.temp_bytes)} ({self.temp_bytes:,} bytes); computed again: "
            f"{self.flops_added:,} FLOPs ({added:.1%} more); {self.attempts} programs compiled"
            + "; layers are written out, for as loops they take more"
            * self.is_written_out
        )


def fit_memory(
    budget: int,
    attempt: Callable[[MemoryGoal], T],
    written_out: Callable[[MemoryGoal], T] | None = None,
) -> tuple[T, MemoryFit]:
    """The program with the least work that takes no more temporary memory than a budget.

    Args:
        budget: in bytes.
        attempt: runs the passes with a goal, and lowers what they give.
        written_out: the same without loops of layers, for where these cannot meet the budget; None
            where there are none, or where the program would be too large for XLA.

    Raises:
        MemoryBudgetError: nothing that the passes can do is enough.
    """
    search = _Search(budget, attempt, {})
    search.run()
    searches = [search]
    if search.best is None and search.goal.is_uneven:
        search = _Search(budget, attempt, {0: search.unbudgeted}, evens_out=True)
        search.run()
        searches.append(search)
    if search.best is None and written_out is not None:
        search = _Search(budget, written_out, {})
        search.run()
        searches.append(search)
    if search.best is None:
        raise _infeasible(searches)
    made, goal, predicted, taken = search.best
    fit = MemoryFit(
        asked=budget,
        unbudgeted=searches[0].unbudgeted,
        predicted=predicted,
        temp_bytes=taken,
        flops_added=goal.flops,
        total_flops=goal.total_flops,
        attempts=_forms(searches),
        is_written_out=search.attempt is written_out,
    )
    return made, fit


class _Search(Generic[T]):
    """Attempts, one after the other.

    Attributes:
        budget: in bytes.
        attempt: makes a program.
        evens_out: whether loops forth lose the iterations that loops back do not have.
        compiled: what programs take, by the bytes that they remove; shared with other searches,
            so that none compiles what another has.
        tried: the part of it that this search came by.
        steps: what the passes can remove.
        goal: that of the last attempt.
        least: the goal of the one that takes least.
        best: of those that fit the one with the least work, its goal, what it was expected to take,
            and what it takes.
        unbudgeted: what the first one takes, in which nothing is computed again.
    """

    def __init__(
        self,
        budget: int,
        attempt: Callable[[MemoryGoal], T],
        compiled: dict[int, int],
        evens_out: bool = False,
    ) -> None:
        self.budget = budget
        self.attempt = attempt
        self.evens_out = evens_out
        self.compiled = compiled
        self.tried: dict[int, int] = {}
        self.steps: set[int] = set()
        self.goal = self.least = MemoryGoal(0)
        self.best: tuple[T, MemoryGoal, int, int] | None = None
        self._off = 0
        self._too_little = 0
        self.unbudgeted = 0
        self.unbudgeted = self._try(0)

    def run(self) -> None:
        """Save more until it fits; then, where that was far too much, a little less."""
        self._save_more()
        if self.best is None:
            self._look_beside_the_least()
        self._save_less()

    def _save_more(self) -> None:
        for number in range(1, _MOST_ATTEMPTS):
            if self.best is not None or self.goal.is_least:
                return
            before = self.goal.removed
            # how far types were off is how far they will be off the next time
            wanted = max(self._wanted, before + 1)
            self._try(_ALL if number == _MOST_ATTEMPTS - 1 else wanted)
            self.goal.is_least |= self.goal.removed <= before

    def _look_beside_the_least(self) -> None:
        """Try what was leapt over: where more is computed again, XLA may need more.

        From the program that takes least to those that remove a little less and a little more, as
        long as one of them takes less.
        """
        for _ in range(_MOST_BESIDE):
            here = self.least.removed
            others = [step for step in {*self.steps, *self.tried} if self._differs(step, here)]
            less = max([step for step in others if step < here], default=None)
            more = min([step for step in others if step > here], default=None)
            beside = [step for step in (less, more) if step is not None and self._is_new(step)]
            if self.best is not None or not beside:
                return
            self._try(beside[0])

    def _is_new(self, step: int) -> bool:
        return all(self._differs(step, each) for each in self.tried)

    def _differs(self, step: int, other: int) -> bool:
        return abs(step - other) > _ALIKE * self.unbudgeted

    def _save_less(self) -> None:
        for _ in range(_MOST_REFINEMENTS):
            if self.best is None or self.best[3] > _WELL_USED * self.budget:
                return
            most = self.best[1].removed
            if most == 0 or self._try(max(self._wanted, self._too_little + 1), below=most) == 0:
                return

    @property
    def _wanted(self) -> int:
        """What types must say that a program removes, for it to fit by all that is known."""
        return self.unbudgeted + self._off - self.budget

    def _try(self, remove: int, below: int | None = None) -> int:
        """Compile a program that saves so much, if it saves less than `below`; gives its bytes."""
        goal = MemoryGoal(remove, evens_out=self.evens_out)
        made = self.attempt(goal)
        if below is not None and goal.removed >= below:
            return 0
        self.goal = goal
        self.steps.update(goal.steps)
        expected = self.unbudgeted + self._off - goal.removed
        if goal.removed not in self.compiled:
            self.compiled[goal.removed] = _temp_bytes(made.executable)
        taken = self.compiled[goal.removed]
        if taken < min(self.tried.values(), default=_ALL):
            self.least = goal
        self.tried[goal.removed] = taken
        if remove:
            self._off = taken - (self.unbudgeted - goal.removed)
        if taken <= self.budget:
            self.best = made, goal, expected if remove else taken, taken
        else:
            self._too_little = max(self._too_little, goal.removed)
        return taken


def _least_that_is_met(search: _Search[T]) -> int:
    """The smallest budget that a search like one that failed meets.

    What took least, and less if a search for that meets less, as long as searches come by it; or
    what the program takes that saves most, which every search comes by.
    """
    met, least = search.tried[max(search.tried)], search.tried[search.least.removed]
    while True:
        again = _Search(least, search.attempt, search.compiled, search.evens_out)
        again.run()
        if again.best is None:
            return met
        met, least = least, again.best[3]
        if met == least:
            return met


def _temp_bytes(executable: Executable) -> int:
    analysis = executable.memory_analysis()
    found = getattr(analysis, "temp_size_in_bytes", None)
    if found is None:
        raise MemoryBudgetError(
            "this platform does not say how much memory a program takes, so no budget can be met",
            fix="leave memory_budget out",
        )
    return int(found)


def _forms(searches: Sequence[_Search[T]]) -> int:
    """How many programs were compiled; what is evened out begins with one that is there."""
    return sum(len(each.compiled) - each.evens_out for each in searches)


def _infeasible(searches: Sequence[_Search[T]]) -> MemoryBudgetError:
    smallest, place = min((_least_that_is_met(each), i) for i, each in enumerate(searches))
    budget, goal, unbudgeted = searches[0].budget, searches[place].least, searches[0].unbudgeted
    lines = [
        f"{format_bytes(kept.bytes):>12}  {kept.name or '(no name)'}  "
        f"{kept.origin.file}:{kept.origin.line}"
        for kept in goal.largest
    ]
    return MemoryBudgetError(
        f"no form of the program that was tried fits into {format_bytes(budget)} of temporary "
        "memory",
        given=f"memory_budget of {budget:,} bytes; without one it takes {unbudgeted:,}",
        expected=f"at least {smallest:,} bytes ({format_bytes(smallest)}): the least of the "
        f"{_forms(searches)} forms that were tried, which that budget meets",
        fix="raise the budget, or make the batch or the largest values smaller",
        origin=goal.largest[0].origin if goal.largest else None,
        context="\n".join(["the largest values that are left:", *lines]),
        smallest=smallest,
    )

"""How long a step takes, as far as somebody has waited for some."""

from __future__ import annotations


class StepTimes:
    """The shortest time of a step so far: the first run compiles, and others were disturbed."""

    def __init__(self) -> None:
        self._per_step: float | None = None
        self._runs = 0

    @property
    def are_known(self) -> bool:
        """Whether there was a run that did not compile."""
        return self._runs > 1

    def took(self, steps: int, seconds: float) -> None:
        """Learn from a run."""
        self._runs += 1
        per_step = seconds / steps
        self._per_step = min(self._per_step or per_step, per_step)

    def steps_in(self, seconds: float, most: int) -> int:
        """How many of at most `most` steps to run in such a time; one while nothing is known."""
        if not self._per_step:
            return min(1, most)
        return min(max(1, int(seconds / self._per_step)), most)

"""How callbacks count batches over epochs, told of every one or only now and then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin


class BatchCounter:
    """Says when something is due that happens every so many batches.

    Args:
        frequency: after how many batches, or "epoch": never by batches.

    Raises:
        GraphcError: it is neither.
    """

    def __init__(self, frequency: Any) -> None:
        is_number = isinstance(frequency, int) and not isinstance(frequency, bool)
        if frequency != "epoch" and not (is_number and frequency > 0):
            raise GraphcError(
                "save_freq is out of its range",
                given=repr(frequency),
                expected='"epoch", or a number of batches, at least 1',
                origin=capture_origin(),
            )
        self._frequency: int = 0 if frequency == "epoch" else frequency
        self.reset()

    def reset(self) -> None:
        """Begin to count."""
        self._since = 0
        self._in_epoch = 0

    def until_due(self) -> int:
        """After how many more batches; 0 for never."""
        return max(1, self._frequency - self._since) if self._frequency else 0

    def is_due_after(self, batch: int) -> bool:
        """Whether it is due, now that the epoch's batches up to this one are done."""
        self._since += batch + 1 - self._in_epoch
        self._in_epoch = batch + 1
        if not self._frequency or self._since < self._frequency:
            return False
        self._since = 0
        return True

    def end_epoch(self) -> None:
        """The next batch is the first one of an epoch."""
        self._in_epoch = 0

    def get_state(self) -> dict[str, Any]:
        """What it has counted."""
        return {"since": self._since, "in_epoch": self._in_epoch}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._since, self._in_epoch = state["since"], state["in_epoch"]

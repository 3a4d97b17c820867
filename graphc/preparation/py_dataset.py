"""Data that are made batch by batch: `PyDataset`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any


class PyDataset:
    """Batches by number; a subclass has `__len__` and `__getitem__`.

    `fit` makes the next batches on a thread while the device is busy, and calls `on_epoch_end`
    after each epoch.

    Args:
        workers: taken for Keras's sake, as are the others: one thread makes the batches, in order.
        use_multiprocessing: see `workers`.
        max_queue_size: see `workers`.
    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """The batch of this number: x, (x, y) or (x, y, weights)."""
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__(index)")

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    @property
    def num_batches(self) -> int | None:
        """How many batches there are; None for no end, which needs `steps_per_epoch`."""
        if hasattr(self, "__len__"):
            return len(self)  # type: ignore[arg-type]
        raise NotImplementedError(f"{type(self).__name__} has neither __len__ nor num_batches")

    def on_epoch_end(self) -> None:
        """What is done between epochs, such as another order."""

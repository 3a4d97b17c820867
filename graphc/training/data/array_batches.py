"""Batches of arrays that fit on the device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from graphc.ops.bodies import flatten
from graphc.training.data.arrays import as_feed, count_samples, place
from graphc.training.data.groups import Batches, Data, Group, describe_not_finite


class ArrayBatches(Batches):
    """Batches of arrays that fit on the device, which stay there from epoch to epoch.

    What the arrays hold when the first epoch begins is what is trained on; later changes of them
    are not seen.

    Args:
        data: x, y and weights.
        batch_size: samples in a batch.
        shuffle: whether each epoch takes them in another order.
        seed: of the orders; an epoch's own follows from it and from the epoch's number.
        steps: stop an epoch after so many batches.
    """

    def __init__(
        self,
        data: Data,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        steps: int | None = None,
    ) -> None:
        self.sample = data
        self.size = count_samples(dict(zip(("x", "y", "sample_weight"), data, strict=True)))
        self.batch_size = min(batch_size, self.size)
        self.batches = -(-self.size // self.batch_size)
        if steps is not None:
            self.batches = min(steps, self.batches)
        self._shuffles = shuffle
        self.seed = seed
        self._arrays: list[Any] | None = None
        self._ready: tuple[Any, list[Any]] = (None, [])

    def epoch(self, number: int = 0) -> Iterator[Group]:
        if self._arrays is None:
            self._arrays = [place(leaf) for leaf in flatten(self.sample)[0]]
        self.prepare(number)
        for rows in self._ready[1]:
            yield Group(self._arrays, rows)

    def prepare(self, number: int) -> None:
        key = (self.seed, number) if self._shuffles else ()
        if self._ready[0] != key:
            self._ready = key, [as_feed(rows) for rows in self._rows(number)]

    def _rows(self, number: int) -> Iterator[Any]:
        """Which samples each batch takes, i32[batches, size]: full batches, then the last one."""
        order = np.arange(self.size, dtype=np.int32)
        if self._shuffles:
            np.random.default_rng((self.seed, number)).shuffle(order)
        size, batches = self.batch_size, self.batches or 0
        full = min(self.size // size, batches)
        if full:
            yield order[: full * size].reshape(full, size)
        if full < batches:
            yield order[None, full * size :]

    def find_not_finite(self) -> str | None:
        return describe_not_finite(self.sample)

"""Batches of arrays that fit on the device."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import numpy as np

from graphc.ops.bodies import flatten
from graphc.training.data.arrays import as_feed, count_samples
from graphc.training.data.groups import Batches, Data, Group, describe_not_finite
from graphc.training.data.placement import Placed, place, release

_WORTH_A_THREAD: Final = 100_000
"""Samples; the order of fewer is drawn in less time than a thread takes to start."""

_TOGETHER: Final = 8
"""Epochs in one group, at most; and of so many samples, lest memory is taken for nothing:"""

_SAMPLES_TOGETHER: Final = 65_536


_LOW_HALF: Final = 0 if sys.byteorder == "little" else 1
"""Which half of 64 bits counts least."""


def _draw_order(size: int, seed: int, number: int) -> np.ndarray[Any, Any]:
    """The numbers below `size` in the order of random keys, each behind its own key.

    Sorting takes half the time of exchanging numbers in random places (measured). Of equal keys,
    one in four billion pairs, the smaller number comes first.
    """
    keys = np.random.PCG64((seed, number)).random_raw(size)
    numbers = keys.view(np.uint32)[_LOW_HALF::2]
    numbers[:] = np.arange(size, dtype=np.uint32)
    keys.sort()
    return numbers.astype(np.int32)


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
        self._placed: list[Placed] | None = None
        self._full = min(self.size // self.batch_size, self.batches)
        self.is_even = self._full in (0, self.batches)
        self._ready: tuple[Any, list[Group]] = (None, [])
        self._drawing: tuple[Any, Future[Any]] | None = None

    def epoch(self, number: int = 0, fills: bool = False, count: int = 1) -> Iterator[Group]:
        self.prepare(number, fills, count)
        yield from self._ready[1]

    def most_together(self, fills: bool) -> int:
        if not (fills or self.is_even):
            return 1  # the last batch of each epoch is a group of its own
        return min(_TOGETHER, max(1, _SAMPLES_TOGETHER // self.size))

    def prepare(self, number: int, fills: bool = False, count: int = 1) -> None:
        key = (self.seed, number) if self._shuffles else (), fills, count
        if self._ready[0] == key:
            return
        if fills or self.is_even:
            groups = [self._together(range(number, number + count), self.most_together(fills))]
        else:
            groups = list(self._full_and_rest(number))
        self._ready = key, groups

    def draw_early(self, number: int) -> None:
        """Draw the order of a first epoch in a thread, while data are checked and copied."""
        if self._shuffles and self.size >= _WORTH_A_THREAD:
            threads = ThreadPoolExecutor(1, "graphc-order")
            drawing = threads.submit(_draw_order, self.size, self.seed, number)
            self._drawing = (self.seed, number), drawing
            threads.shutdown(wait=False)

    def _order(self, number: int) -> np.ndarray[Any, Any]:
        """Which samples an epoch takes, in order."""
        key, drawing = self._drawing or (None, None)
        self._drawing = None
        if not self._shuffles:
            order = np.arange(self.size, dtype=np.int32)
        elif drawing is not None and key == (self.seed, number):
            order = drawing.result()
        else:
            order = _draw_order(self.size, self.seed, number)
        return order[: (self.batches or 0) * self.batch_size]

    def _full_and_rest(self, number: int) -> Iterator[Group]:
        """Full batches, then the last one, which is smaller."""
        order, full, size = self._order(number), self._full, self.batch_size
        arrays = [placed.array for placed in self._place()]
        if full:
            yield Group(arrays, as_feed(order[: full * size].reshape(full, size)))
        yield Group(arrays, as_feed(order[None, full * size :]), None, size)

    def _together(self, numbers: range, most: int) -> Group:
        """All batches of some epochs, each as large as the others; the last is filled up.

        There is room for as many epochs as ever are together, so that one program is for all; an
        order that does not change is there once.
        """
        size, batches = self.batch_size, self.batches or 0
        arrays = [placed.array for placed in self._place()]
        room = most if self._shuffles else 1
        rows = np.empty((room, batches * size), np.int32)
        for row, number in enumerate(numbers[:room]):
            order = self._order(number)
            rows[row, : len(order)] = order
            rows[row, len(order) :] = order[(batches - 1) * size]
        rows[len(numbers) :] = 0
        samples = None
        if not self.is_even:
            samples = np.full((room, batches), size, np.int32)
            samples[:, -1] -= batches * size - min(self.size, batches * size)
            samples = as_feed(samples.reshape(-1))
        starts = tuple([row % room * batches for row in range(len(numbers))])
        fed = as_feed(rows.reshape(-1, size))
        return Group(arrays, fed, samples, 0, batches, starts)

    def _place(self) -> list[Placed]:
        """The leaves of the data on the device; what they hold now is what is trained on."""
        if self._placed is None:
            self._placed = [place(leaf) for leaf in flatten(self.sample)[0]]
        return self._placed

    def release(self) -> None:
        for placed in self._placed or ():
            release(placed)
        self._placed = None
        self._ready = None, []

    @property
    def bytes_at_hand(self) -> int:
        return sum(leaf.nbytes for leaf in flatten(self.sample)[0])

    def find_not_finite(self) -> str | None:
        return describe_not_finite(self.sample)

"""Batches of arrays that fit on the device."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

import numpy as np

from graphc.ops.bodies import flatten
from graphc.training.data.arrays import as_feed, count_samples, place
from graphc.training.data.groups import Batches, Data, Group, describe_not_finite

_WORTH_A_THREAD: Final = 100_000
"""Samples; the order of fewer is drawn in less time than a thread takes to start."""


def _draw_order(size: int, seed: int, number: int) -> np.ndarray[Any, Any]:
    order = np.arange(size, dtype=np.int32)
    np.random.default_rng((seed, number)).shuffle(order)
    return order


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
        self._full = min(self.size // self.batch_size, self.batches)
        self.is_even = self._full in (0, self.batches)
        self._ready: tuple[Any, list[Any]] = (None, [])
        self._drawing: tuple[Any, Future[Any]] | None = None

    def epoch(self, number: int = 0, fills: bool = False) -> Iterator[Group]:
        if self._arrays is None:
            self._arrays = [place(leaf) for leaf in flatten(self.sample)[0]]
        self.prepare(number, fills)
        size = self.batch_size
        for rows, samples in self._ready[1]:
            usual_size = size if rows.shape[1] < size else 0
            yield Group(self._arrays, rows, samples, usual_size)

    def prepare(self, number: int, fills: bool = False) -> None:
        order = (self.seed, number) if self._shuffles else ()
        if self._ready[0] != (order, fills):
            parts = self._filled(number) if fills else self._full_and_rest(number)
            self._ready = (order, fills), [(as_feed(rows), samples) for rows, samples in parts]

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

    def _full_and_rest(self, number: int) -> Iterator[tuple[Any, Any]]:
        """Which samples each batch takes, i32[batches, size]: full batches, then the last one."""
        order, full, size = self._order(number), self._full, self.batch_size
        if full:
            yield order[: full * size].reshape(full, size), None
        if len(order) > full * size:
            yield order[None, full * size :], None

    def _filled(self, number: int) -> Iterator[tuple[Any, Any]]:
        """The same with a full last batch; and how many samples of each batch count."""
        order, size, batches = self._order(number), self.batch_size, self.batches or 0
        samples = np.full(batches, size, np.int32)
        missing = batches * size - len(order)
        samples[-1] -= missing
        copies = np.repeat(order[(batches - 1) * size], missing)
        yield np.concatenate([order, copies]).reshape(batches, size), samples

    def find_not_finite(self) -> str | None:
        return describe_not_finite(self.sample)

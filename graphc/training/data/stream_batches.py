"""Batches from a generator or any other iterable, fetched ahead by a thread."""

from __future__ import annotations

import queue
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from graphc.errors import FeedError
from graphc.ir.origin import capture_origin
from graphc.ops.bodies import flatten
from graphc.training.data.arrays import (
    as_arrays,
    count_samples,
    lengthen,
    weights_of_classes,
)
from graphc.training.data.groups import Batches, Data, Group, describe_not_finite
from graphc.training.data.placement import place

Item = TypeVar("Item")


class StreamBatches(Batches):
    """Batches from a generator or any other iterable, fetched ahead by a thread.

    Args:
        source: gives x, (x,), (x, y) or (x, y, weights) again and again.
        steps: how many of them are an epoch; all that there are by default.
        class_weight: weights by class number.
        shuffle: take the batches of a source that has a length and gives them by number in another
            order in each epoch.
        seed: of the orders; an epoch's own follows from it and from the epoch's number.
    """

    def __init__(
        self,
        source: Iterable[Any],
        steps: int | None = None,
        class_weight: Mapping[int, float] | None = None,
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        self._source = source
        self._class_weight = class_weight
        self._is_iterator = iter(source) is source if not hasattr(source, "__getitem__") else False
        length = len(source) if hasattr(source, "__len__") else None  # type: ignore[arg-type]
        self.batches = steps if steps is not None else length
        self._steps = steps
        self._shuffles = shuffle and self._is_numbered
        self.seed = seed
        self._iterator = self._begin()
        try:
            self._first: Data | None = next(self._iterator)
        except StopIteration:
            raise FeedError(
                "there are no batches",
                given=repr(source)[:200],
                expected="an iterable of (x, y) with at least one batch",
                origin=capture_origin(),
            ) from None
        self.sample = self._first
        self._last: Data = self._first
        self._largest = 0

    @property
    def _is_numbered(self) -> bool:
        return hasattr(self._source, "__getitem__") and hasattr(self._source, "__len__")

    def _begin(self) -> Iterator[Data]:
        source = self._source
        if self._is_numbered:
            items: Iterator[Any] = (source[i] for i in range(len(source)))  # type: ignore[index,arg-type]
        else:
            items = iter(source)
        return (self._as_data(item) for item in items)

    def _begin_in_order(self, number: int) -> Iterator[Data]:
        """The batches of an epoch in its own order; the one that was looked at is made once."""
        order = list(range(len(self._source)))  # type: ignore[arg-type]
        np.random.default_rng((self.seed, number)).shuffle(order)
        for index in order:
            if index == 0 and self._first is not None:
                first, self._first = self._first, None
                yield first
            else:
                yield self._as_data(self._source[index])  # type: ignore[index]

    def _as_data(self, item: Any) -> Data:
        parts = item if isinstance(item, (tuple, list)) else (item,)
        if not 1 <= len(parts) <= 3:
            raise FeedError(
                "a batch is (x,), (x, y) or (x, y, weights)",
                given=f"{len(parts)} things",
                origin=capture_origin(),
            )
        x, y, weights = (*parts, None, None)[:3]
        x, y, weights = as_arrays(x, "x"), as_arrays(y, "y"), as_arrays(weights, "weights")
        if self._class_weight:
            weights = weights_of_classes(y, self._class_weight, weights)
        return x, y, weights

    def pass_over(self, epochs: int) -> None:
        if self._is_iterator and self._steps is not None:
            for _ in zip(range(epochs * self._steps), self._rest(), strict=False):
                pass
        elif epochs and hasattr(self._source, "on_epoch_end"):
            for _ in range(epochs):
                self._source.on_epoch_end()  # type: ignore[attr-defined]
            self._first = None

    def epoch(self, number: int = 0, fills: bool = False, count: int = 1) -> Iterator[Group]:
        if self._shuffles:
            data = self._begin_in_order(number)
        else:
            if self._first is None and (not self._is_iterator or self._steps is None):
                self._iterator = self._begin()
            data = self._rest()
        done = 0
        # By the thread that fetches: the source may write its next batch into the same memory.
        made = ((item, self._as_group(item, fills)) for item in data)
        for item, group in _fetched_ahead(made, self._steps):
            self._last = item
            yield group
            done += 1
        if not done:
            self.has_ended = True
            warnings.warn(
                f"there are no more batches for epoch {number + 1}: {self._source!r} does not "
                "begin anew; give something that does (a list of batches, a PyDataset, an object "
                "whose __iter__ makes a generator), or steps_per_epoch",
                stacklevel=2,
            )
        elif self._steps is not None and done < self._steps:
            warnings.warn(
                f"the data ended after {done} of {self._steps} batches; give an iterable that "
                "has more, or another number of steps",
                stacklevel=2,
            )
        self.batches = done if self.batches is None else self.batches
        if hasattr(self._source, "on_epoch_end"):
            self._source.on_epoch_end()  # type: ignore[attr-defined]
            self._first = None  # it may be another one now

    def _as_group(self, item: Data, fills: bool) -> Group:
        """One batch on the device, if wanted as large as the largest so far."""
        leaves = flatten(item)[0]
        count = count_samples(dict(zip(("x", "y", "sample_weight"), item, strict=True)))
        usual_size = self._largest if count < self._largest else 0
        self._largest = max(self._largest, count)
        if not fills:
            placed = [place(leaf).array for leaf in leaves]
            return Group(placed, np.arange(count, dtype=np.int32)[None], None, usual_size)
        rows = np.zeros((1, self._largest), np.int32)
        rows[0, :count] = np.arange(count)
        placed = [place(lengthen(leaf, self._largest)).array for leaf in leaves]
        return Group(placed, rows, np.array([count], np.int32))

    def _rest(self) -> Iterator[Data]:
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        # Not "yield from": the end of this generator would close what the next epoch reads on.
        for item in self._iterator:  # noqa: UP028
            yield item

    def find_not_finite(self) -> str | None:
        return describe_not_finite(self._last)


def _fetched_ahead(items: Iterator[Item], limit: int | None, ahead: int = 2) -> Iterator[Item]:
    """The same items, made by a thread while the ones before are worked on; at most `limit`."""
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(ahead)
    stopped = threading.Event()

    def put(kind: str, item: Any) -> bool:
        while not stopped.is_set():
            try:
                waiting.put((kind, item), timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def fetch() -> None:
        try:
            for count, _ in enumerate(iter(int, 1)):
                if limit is not None and count >= limit:
                    break
                item = next(items, None)
                if item is None or not put("item", item):
                    break
            put("end", None)
        except BaseException as problem:
            put("problem", problem)

    thread = threading.Thread(target=fetch, name="graphc-batches", daemon=True)
    thread.start()
    try:
        while True:
            kind, item = waiting.get()
            if kind == "end":
                return
            if kind == "problem":
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()

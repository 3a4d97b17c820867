"""Data as groups of batches on the device: of whole arrays, or of whatever gives batch by batch."""

from __future__ import annotations

import queue
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from graphc.errors import FeedError
from graphc.ir.origin import capture_origin
from graphc.ops.bodies import flatten
from graphc.training.arrays import (
    as_arrays,
    count_samples,
    first_not_finite,
    weights_of_classes,
)

Data = tuple[Any, Any, Any]
"""x, y and weights of samples, each nested arrays or None."""


@dataclass(frozen=True)
class Group:
    """Batches that are trained on without anything new from the host.

    Attributes:
        arrays: the leaves of the data, on the device.
        rows: which samples each batch takes, i32[batches, batch_size].
    """

    arrays: list[Any]
    rows: Any

    @property
    def batches(self) -> int:
        return int(self.rows.shape[0])

    @property
    def samples(self) -> int:
        return int(self.rows.shape[0] * self.rows.shape[1])


class Batches(ABC):
    """Where training gets its data.

    Attributes:
        sample: some data of the kind that there will be, for types and shapes.
        batches: how many batches an epoch has; None while nobody knows.
        seed: of the order in which samples are taken.
        is_checked: whether its labels were held to the model's outputs, once for all epochs.
    """

    sample: Data
    batches: int | None
    is_checked: bool = False
    seed = 0

    @abstractmethod
    def epoch(self, number: int = 0) -> Iterator[Group]:
        """The batches of an epoch; of those that come from a stream, the next."""

    def pass_over(self, epochs: int) -> None:
        """Go on as if so many epochs were over."""
        return

    def find_not_finite(self) -> str | None:
        """Where the data hold the first NaN or infinity, if they are at hand."""
        return None


class ArrayBatches(Batches):
    """Batches of arrays that fit on the device, which stay there from epoch to epoch.

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

    def epoch(self, number: int = 0) -> Iterator[Group]:
        if self._arrays is None:
            self._arrays = [jax.device_put(leaf) for leaf in flatten(self.sample)[0]]
        order = np.arange(self.size, dtype=np.int32)
        if self._shuffles:
            np.random.default_rng((self.seed, number)).shuffle(order)
        size = self.batch_size
        full = min(self.size // size, self.batches or 0)
        if full:
            yield Group(self._arrays, jax.device_put(order[: full * size].reshape(full, size)))
        if full < (self.batches or 0):
            yield Group(self._arrays, jax.device_put(order[None, full * size :]))

    def find_not_finite(self) -> str | None:
        return describe_not_finite(self.sample)


def describe_not_finite(data: Data) -> str | None:
    """Where data hold the first NaN or infinity: "x[17, 3] is nan"."""
    for name, part in zip(("x", "y", "sample_weight"), data, strict=True):
        several = len(flatten(part)[0]) > 1
        found = first_not_finite(part, lambda i, n=name, s=several: f"{n}[{i}]" if s else n)
        if found is not None:
            return found
    return None


class StreamBatches(Batches):
    """Batches from a generator or any other iterable, fetched ahead by a thread.

    Args:
        source: gives x, (x,), (x, y) or (x, y, weights) again and again.
        steps: how many of them are an epoch; all that there are by default.
        class_weight: weights by class number.
    """

    def __init__(
        self,
        source: Iterable[Any],
        steps: int | None = None,
        class_weight: Mapping[int, float] | None = None,
    ) -> None:
        self._source = source
        self._class_weight = class_weight
        self._is_iterator = iter(source) is source if not hasattr(source, "__getitem__") else False
        length = len(source) if hasattr(source, "__len__") else None  # type: ignore[arg-type]
        self.batches = steps if steps is not None else length
        self._steps = steps
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

    def _begin(self) -> Iterator[Data]:
        source = self._source
        if hasattr(source, "__getitem__") and hasattr(source, "__len__"):
            items: Iterator[Any] = (source[i] for i in range(len(source)))  # type: ignore[index,arg-type]
        else:
            items = iter(source)
        return (self._as_data(item) for item in items)

    def _as_data(self, item: Any) -> Data:
        parts = item if isinstance(item, tuple) else (item,)
        if not 1 <= len(parts) <= 3:
            raise FeedError(
                "a batch is (x,), (x, y) or (x, y, weights)",
                given=f"a tuple of {len(parts)}",
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

    def epoch(self, number: int = 0) -> Iterator[Group]:
        if self._first is None and (not self._is_iterator or self._steps is None):
            self._iterator = self._begin()
        data = self._rest()
        done = 0
        for item in _fetched_ahead(data, self._steps):
            self._last = item
            leaves = [jax.device_put(leaf) for leaf in flatten(item)[0]]
            count = count_samples(dict(zip(("x", "y", "sample_weight"), item, strict=True)))
            yield Group(leaves, np.arange(count, dtype=np.int32)[None])
            done += 1
        if self._steps is not None and done < self._steps:
            warnings.warn(
                f"the data ended after {done} of {self._steps} batches; give an iterable that "
                "has more, or another number of steps",
                stacklevel=2,
            )
        self.batches = done if self.batches is None else self.batches
        if hasattr(self._source, "on_epoch_end"):
            self._source.on_epoch_end()  # type: ignore[attr-defined]

    def _rest(self) -> Iterator[Data]:
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        # Not "yield from": the end of this generator would close what the next epoch reads on.
        for item in self._iterator:  # noqa: UP028
            yield item

    def find_not_finite(self) -> str | None:
        return describe_not_finite(self._last)


def _fetched_ahead(items: Iterator[Data], limit: int | None, ahead: int = 2) -> Iterator[Data]:
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


def as_batches(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
    batch_size: int | None = None,
    shuffle: bool = False,
    steps: int | None = None,
    seed: int = 0,
) -> Batches:
    """Data in any form that `fit` takes, as batches.

    Raises:
        FeedError: the parts do not fit together.
    """
    if is_stream(x):
        if y is not None or sample_weight is not None:
            raise FeedError(
                "an iterable of batches gives labels and weights itself",
                given="y or sample_weight beside an iterable",
                fix="let it give (x, y, weights)",
                origin=capture_origin(),
            )
        return StreamBatches(x, steps, class_weight)
    if batch_size is not None and (not isinstance(batch_size, (int, np.integer)) or batch_size < 1):
        raise FeedError(
            "batch_size is out of its range",
            given=repr(batch_size),
            expected="a whole number of at least 1",
            origin=capture_origin(),
        )
    data = as_arrays(x, "x"), as_arrays(y, "y"), as_arrays(sample_weight, "sample_weight")
    if class_weight:
        data = data[0], data[1], weights_of_classes(data[1], class_weight, data[2])
    return ArrayBatches(data, batch_size or 32, shuffle, seed, steps)


def is_stream(x: Any) -> bool:
    """Whether data come batch by batch: no arrays, and no lists or dictionaries of them."""
    return not isinstance(x, (list, tuple, Mapping, np.ndarray, jax.Array)) and (
        (hasattr(x, "__iter__") and not hasattr(x, "__array__"))
        or (hasattr(x, "__getitem__") and hasattr(x, "__len__") and not hasattr(x, "__array__"))
    )


def split_off(data: Data, fraction: float) -> tuple[Data, Data]:
    """Training data, and the last part of the samples for validation.

    Raises:
        FeedError: one of the parts would be empty.
    """
    size = count_samples(dict(zip(("x", "y", "sample_weight"), data, strict=True)))
    kept = int(size * (1 - fraction))
    if not 0 < kept < size:
        raise FeedError(
            "validation_split leaves nothing for one of the parts",
            given=f"validation_split={fraction} of {size} samples",
            expected="a fraction between 0 and 1",
            origin=capture_origin(),
        )

    def part(of: slice) -> Data:
        return jax.tree.map(lambda leaf: leaf[of], data)

    return part(slice(0, kept)), part(slice(kept, None))

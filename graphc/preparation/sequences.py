"""Sequences of one length, and windows of a series as batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

import numpy as np

from graphc.errors import FeedError
from graphc.ir.origin import capture_origin
from graphc.preparation.py_dataset import PyDataset

End = Literal["pre", "post"]


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: End = "pre",
    truncating: End = "pre",
    value: Any = 0.0,
) -> np.ndarray[Any, Any]:
    """Sequences of several lengths as one array.

    Args:
        sequences: lists or arrays [steps, …], which differ in their steps alone.
        maxlen: steps of the result; those of the longest by default.
        dtype: its element type.
        padding: at which end short ones are filled, "pre" or "post".
        truncating: at which end long ones are cut.
        value: what they are filled with.

    Returns:
        [sequences, maxlen, …].

    Raises:
        FeedError: something is no sequence, or an end has another name.
    """
    for name, end in (("padding", padding), ("truncating", truncating)):
        if end not in get_args(End):
            raise FeedError(
                f"{name} is a word",
                given=repr(end),
                expected='"pre" or "post"',
                origin=capture_origin(),
            )
    rows = [_steps(row, number) for number, row in enumerate(sequences)]
    filled = [row for row in rows if len(row)]
    inner = filled[0].shape[1:] if filled else ()
    for number, row in enumerate(rows):
        if len(row) and row.shape[1:] != inner:
            raise FeedError(
                "the steps of sequences differ in shape",
                given=f"{row.shape[1:]} in sequence {number}, {inner} before",
                origin=capture_origin(),
            )
    length = max(map(len, rows), default=0) if maxlen is None else maxlen
    made = np.full((len(rows), length, *inner), value, dtype=dtype)
    for target, row in zip(made, rows, strict=True):
        kept = row[max(0, len(row) - length) :] if truncating == "pre" else row[:length]
        if len(kept):
            target[slice(-len(kept), None) if padding == "pre" else slice(len(kept))] = kept
    return made


def _steps(row: Any, number: int) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(row)
    except ValueError:
        array = np.asarray(None)
    if array.ndim == 0:
        raise FeedError(
            f"sequence {number} is no sequence",
            given=repr(row)[:200],
            expected="a list or an array of steps",
            fix="wrap one sequence in a list: pad_sequences([sequence])",
            origin=capture_origin(),
        )
    return array


class _Windows(PyDataset):
    """Windows of a series, by batches.

    Args:
        data: the series [steps, …].
        targets: of windows by their first step, or None.
        starts: the first steps of the windows.
        offsets: which steps a window takes, counted from its first.
        batch_size: windows in a batch; None gives them one by one.
        shuffle: the generator of orders, or None.
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        starts: Any,
        offsets: Any,
        batch_size: int | None,
        shuffle: np.random.Generator | None,
    ) -> None:
        super().__init__()
        self._data, self._targets, self._offsets = data, targets, offsets
        self._starts, self._batch_size, self._shuffle = starts, batch_size, shuffle
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self._starts) // (self._batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        size = self._batch_size or 1
        starts = self._starts[index * size : (index + 1) * size]
        windows = self._data[starts[:, None] + self._offsets]
        targets = None if self._targets is None else self._targets[starts]
        if self._batch_size is None:
            windows, targets = windows[0], None if targets is None else targets[0]
        return windows if targets is None else (windows, targets)

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def on_epoch_end(self) -> None:
        if self._shuffle is not None:
            self._starts = self._shuffle.permutation(self._starts)


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> PyDataset:
    """Windows of a series as batches for `fit`.

    Args:
        data: the series [steps, …].
        targets: what belongs to the window that begins at a step, [steps, …] or fewer; or None.
        sequence_length: steps in a window.
        sequence_stride: steps from one window to the next.
        sampling_rate: steps from one step of a window to its next.
        batch_size: windows in a batch; None gives them one by one.
        shuffle: take them in another order in each epoch.
        seed: of the order.
        start_index: steps before this one are not used.
        end_index: this step and those after it are not used.
        format: taken for Keras's sake: batches are NumPy arrays.

    Raises:
        FeedError: an argument is out of its range, or there is no window.
    """
    series = np.asarray(data)
    first, last = start_index or 0, len(series) if end_index is None else end_index
    checks = {
        "sequence_length": (sequence_length, 1, last - first),
        "sequence_stride": (sequence_stride, 1, len(series) - 1),
        "sampling_rate": (sampling_rate, 1, len(series) - 1),
        "start_index": (first, 0, len(series) - 1),
        "end_index": (last, first + 1, len(series)),
    }
    for name, (given, lowest, highest) in checks.items():
        if not lowest <= given <= highest:
            raise FeedError(
                f"{name} is out of its range",
                given=f"{name}={given}, of a series of {len(series)} steps",
                expected=f"{lowest} to {highest}",
                origin=capture_origin(),
            )
    end = last - (sequence_length - 1) * sampling_rate
    labels = None if targets is None else np.asarray(targets)
    if labels is not None:
        end = min(end, len(labels))
    starts = np.arange(first, end, sequence_stride)
    if not len(starts):
        raise FeedError(
            "there is no window",
            given=f"windows over {(sequence_length - 1) * sampling_rate + 1} steps, of "
            f"{last - first} steps, with {'no' if labels is None else len(labels)} targets",
            fix="take a shorter sequence_length, or a smaller sampling_rate",
            origin=capture_origin(),
        )
    offsets = np.arange(sequence_length) * sampling_rate
    generator = np.random.default_rng(seed) if shuffle else None
    return _Windows(series, labels, starts, offsets, batch_size, generator)

"""Data in two parts: training and validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin

Array = np.ndarray[Any, Any]


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Any, Any]:
    """Two parts of data: the first samples and the last ones.

    Args:
        dataset: an array, or arrays of equally many samples in a tuple, a list or a dictionary; or
            any other iterable of samples.
        left_size: how many samples the first part has; a float from 0 to 1 is a share of them. What
            the other leaves, by default.
        right_size: likewise of the second part.
        shuffle: whether samples are put into another order before.
        seed: of that order.
        preferred_backend: accepted for Keras's sake: arrays stay arrays.

    Returns:
        Two of the same form; of an iterable, two lists of samples.

    Raises:
        GraphcError: no size is given, or they do not fit.
        ShapeError: arrays differ in the number of samples.
    """
    if isinstance(dataset, np.ndarray) or hasattr(dataset, "__array__"):
        leaves: list[Any] = [np.asarray(dataset)]
    elif isinstance(dataset, Mapping):
        leaves = [np.asarray(item) for item in dataset.values()]
    elif isinstance(dataset, (tuple, list)) and all(hasattr(each, "shape") for each in dataset):
        leaves = [np.asarray(item) for item in dataset]
    else:
        leaves = [list(dataset)]
    counts = {len(leaf) for leaf in leaves}
    if len(counts) != 1:
        raise ShapeError(
            "the arrays have different numbers of samples",
            given=f"{sorted(counts)}",
            expected="as many in each",
            origin=capture_origin(),
        )
    total = counts.pop()
    left, right = _sizes(left_size, right_size, total)
    order = np.arange(total)
    if shuffle:
        np.random.default_rng(seed).shuffle(order)
    first, last = order[:left], order[total - right :]
    return tuple(
        [_nested(dataset, [_taken(leaf, part) for leaf in leaves]) for part in (first, last)]
    )  # type: ignore[return-value]


def _taken(samples: Any, places: Array) -> Any:
    if isinstance(samples, np.ndarray):
        return samples[places]
    return [samples[place] for place in places]


def _nested(like: Any, parts: list[Any]) -> Any:
    if isinstance(like, Mapping):
        return dict(zip(like, parts, strict=True))
    is_nested = isinstance(like, (tuple, list)) and all(hasattr(each, "shape") for each in like)
    return type(like)(parts) if is_nested else parts[0]


def _sizes(left: float | None, right: float | None, total: int) -> tuple[int, int]:
    counts = [_count(size, total) for size in (left, right)]
    first, last = counts
    if first is None and last is not None:
        first = total - last
    elif last is None and first is not None:
        last = total - first
    if first is None or last is None or first < 1 or last < 1 or first + last > total:
        raise GraphcError(
            "the sizes of the two parts do not fit",
            given=f"left_size={left!r}, right_size={right!r} for {total} samples",
            expected="one or both: numbers of samples, or shares of them, that leave none empty",
            origin=capture_origin(),
        )
    return first, last


def _count(size: float | None, total: int) -> int | None:
    if isinstance(size, float):
        return round(size * total) if 0 <= size <= 1 else -1
    return size

"""Data in any form that people hand over, as batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from graphc.errors import FeedError
from graphc.ir.origin import capture_origin
from graphc.training.data.array_batches import ArrayBatches
from graphc.training.data.arrays import as_arrays, count_samples, weights_of_classes
from graphc.training.data.groups import Batches, Data
from graphc.training.data.stream_batches import StreamBatches


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
        return StreamBatches(x, steps, class_weight, shuffle, seed)
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

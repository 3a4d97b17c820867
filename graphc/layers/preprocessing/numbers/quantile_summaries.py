"""Quantiles of data that come in batches, from summaries of a bounded size.

A summary is f32[2, entries]: increasing values, and how many elements each stands for. Summaries of
batches are merged and made shorter again, as in Keras, so that boundaries are the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def summary_of(data: Array, epsilon: float) -> Array:
    """About 1 / epsilon elements of the data, at equal distances in their order."""
    ordered = np.sort(data.astype(np.float32).ravel())
    step = max(ordered.size * epsilon, 1.0)
    picked = ordered[int(step - 1) :: int(step)]
    return np.stack([picked, np.full_like(picked, step)])


def merged(one: Array, other: Array, epsilon: float) -> Array:
    """The summary of two sets of data."""
    both = np.concatenate([one, other], axis=1)
    return _shortened(both[:, np.argsort(both[0])], epsilon)


def boundaries(summary: Array, count: int) -> list[float]:
    """The values between `count` bins that hold equally many elements."""
    return _shortened(summary, 1.0 / count)[0, :-1].tolist()


def _shortened(summary: Array, epsilon: float) -> Array:
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = np.arange(0.0, 1.0, epsilon) + epsilon
    below = summary[1].cumsum()
    reached = below / below[-1]
    values = np.interp(shares, reached, summary[0])
    counts = np.interp(shares, reached, below)
    return np.stack([values, np.diff(counts, prepend=0)]).astype(np.float32)

"""The parts of a batch: inputs, targets, weights."""

from __future__ import annotations

from typing import Any

from graphc.errors import FeedError
from graphc.ir.origin import capture_origin


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Inputs, targets and weights as a batch has them: a tuple, without what is None behind."""
    if y is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Inputs, targets and weights of a batch; None for what it does not have.

    Raises:
        FeedError: it is a tuple of more.
    """
    parts = tuple(data) if isinstance(data, (tuple, list)) else (data,)
    if not 1 <= len(parts) <= 3:
        raise FeedError(
            "a batch is inputs, or (inputs, targets), or (inputs, targets, weights)",
            given=f"{len(parts)} parts",
            origin=capture_origin(),
        )
    x, y, sample_weight = [*parts, None, None][:3]
    return x, y, sample_weight

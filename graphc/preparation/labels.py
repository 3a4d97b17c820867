"""Labels and rows as losses and layers take them."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import FeedError
from graphc.ir.origin import capture_origin
from graphc.ops.encoding import one_hot
from graphc.ops.normalization import normalize as normalize_tensor
from graphc.ops.tensor import Tensor


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Class numbers as rows of zeros with a one.

    Args:
        x: whole numbers [...] or [..., 1]; a tensor needs `num_classes`.
        num_classes: the length of a row; the greatest number and one by default.

    Returns:
        float64[..., num_classes]; of a tensor, a tensor of `floatx()`.

    Raises:
        FeedError: a number is no class; or x is a tensor, and num_classes is not given.
    """
    if isinstance(x, Tensor):
        if num_classes is None:
            raise FeedError(
                "the classes of a tensor cannot be counted before it runs",
                given=repr(x),
                fix="give num_classes",
                origin=capture_origin(),
            )
        squeezed = x[..., 0] if x.ndim > 1 and x.shape[-1] == 1 else x
        return one_hot(squeezed, num_classes)
    labels = _whole_numbers(x)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    count = int(labels.max(initial=-1) + 1 if num_classes is None else num_classes)
    if labels.size and not 0 <= labels.min() <= labels.max() < count:
        raise FeedError(
            "labels are out of the range of classes",
            given=f"{labels.min()} to {labels.max()}, of {count} classes",
            expected=f"0 to {count - 1}",
            fix="subtract the smallest label, or give more num_classes",
            origin=capture_origin(),
        )
    return np.eye(count)[labels]


def _whole_numbers(x: Any) -> Any:
    array = np.asarray(x)
    try:
        labels = array.astype(np.int64)
        is_whole = bool(np.array_equal(labels, array)) or array.dtype.kind == "U"
    except (TypeError, ValueError, OverflowError):
        is_whole, labels = False, array
    if not is_whole:
        raise FeedError(
            "labels are no class numbers",
            given=f"{array.ravel()[:4].tolist()} … of {array.dtype}",
            expected="whole numbers",
            fix="number the classes: np.unique(labels, return_inverse=True)[1]",
            origin=capture_origin(),
        )
    return labels


def normalize(x: Any, axis: int = -1, order: Any = 2) -> Any:
    """Rows of length one.

    Args:
        x: an array or a tensor.
        axis: along which lengths are taken.
        order: of the norm, as NumPy takes it.

    Returns:
        Of x's shape; rows of zeros stay what they are.
    """
    if isinstance(x, Tensor):
        return normalize_tensor(x, axis, order)
    array = np.asarray(x)
    lengths = np.linalg.norm(array, order, axis, keepdims=True)
    return array / np.where(lengths == 0, 1, lengths)

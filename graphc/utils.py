"""What Keras keeps in `keras.utils`, under its names: pictures of models, arrays of labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.models.plotting import model_to_dot as model_to_dot
from graphc.models.plotting import plot_model as plot_model


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray[Any, Any]:
    """Labels as rows of a unit matrix, for `categorical_crossentropy`.

    Args:
        x: integers […] or […, 1], from 0 on.
        num_classes: how many there are; one more than the greatest by default.

    Returns:
        float32[…, num_classes].

    Raises:
        GraphcError: a label is negative, or not below `num_classes`.
    """
    labels = np.asarray(x, np.int64)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    count = int(num_classes or labels.max(initial=-1) + 1)
    outside = labels[(labels < 0) | (labels >= count)]
    if outside.size:
        raise GraphcError(
            f"{outside[0]} is no label of {count} classes",
            expected=f"integers from 0 to {count - 1}",
            origin=capture_origin(),
        )
    return np.eye(count, dtype=np.float32)[labels]


def normalize(x: Any, axis: int = -1, order: int = 2) -> np.ndarray[Any, Any]:
    """An array divided by its norms along an axis; what is 0 all along stays 0."""
    norms = np.linalg.norm(x, order, axis, keepdims=True)
    return np.asarray(x) / np.where(norms == 0, 1, norms)

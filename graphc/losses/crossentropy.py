"""Cross-entropies between labels and predicted distributions, one loss per distribution.

Logits are exact far out too. Probabilities are kept `backend.epsilon()` away from 0 and 1.
"""

from __future__ import annotations

import warnings
from typing import Any

from graphc.dimensions import equal as equal_sizes
from graphc.dtypes import I64
from graphc.losses.label_shapes import (
    class_numbers,
    distributions,
    labels_are_class_numbers,
    misfit,
    refuse_known_labels_outside,
)
from graphc.losses.loss import LossFunctionWrapper
from graphc.losses.weighting import Reduction
from graphc.ops import cross_entropies
from graphc.ops.arithmetic import add, divide, multiply
from graphc.ops.comparison import not_equal, where
from graphc.ops.conversion import cast_to
from graphc.ops.masks import set_mask
from graphc.ops.reductions import mean
from graphc.ops.shaping import expand_dims, squeeze
from graphc.ops.sizes import as_axis, element_count
from graphc.ops.tensor import Tensor


def smoothed_towards_half(labels: Tensor, label_smoothing: float) -> Tensor:
    """Labels of 0 and 1 moved towards one half."""
    if not label_smoothing:
        return labels
    return add(multiply(labels, 1.0 - label_smoothing), 0.5 * label_smoothing)


def smoothed_towards_uniform(labels: Tensor, label_smoothing: float) -> Tensor:
    """Distributions moved towards the uniform one: of the size of the last axis, as in Keras."""
    if not label_smoothing:
        return labels
    classes = element_count(labels, (labels.ndim - 1,), labels.dtype)
    return add(multiply(labels, 1.0 - label_smoothing), divide(label_smoothing, classes))


def warn_of_one_class(predictions: Tensor, what: str) -> None:
    """Warn where there is one class only, which has the probability 1 always."""
    if predictions.shape[-1:] == (1,):
        warnings.warn(
            f"{what} of {predictions.value.type}: the last axis has one class only. "
            "For two classes, of which the prediction is one, use binary_crossentropy.",
            SyntaxWarning,
            stacklevel=2,
        )


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-mean(y_true · log(y_pred) + (1 - y_true) · log(1 - y_pred)).

    Args:
        y_true: f[…]: 0, 1 or between.
        y_pred: f[…], of the same shape: probabilities or logits.
        from_logits: whether they are logits.
        label_smoothing: from 0 to 1: how far labels are moved towards one half.
        axis: that is averaged over.

    Raises:
        ShapeError: the shapes differ.
    """
    labels, predictions = distributions(y_true, y_pred)
    labels = smoothed_towards_half(labels, label_smoothing)
    losses = cross_entropies.binary_crossentropy(labels, predictions, from_logits)
    return mean(losses, axis=axis) if losses.ndim else losses


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-Σ y_true · log(y_pred).

    Args:
        y_true: f[…, classes]: probabilities, one-hot for instance.
        y_pred: f[…, classes]: probabilities or logits.
        from_logits: whether they are logits.
        label_smoothing: from 0 to 1: how far labels are moved towards the uniform distribution,
            of as many classes as the last axis has.
        axis: along which the classes are.

    Raises:
        ShapeError: the shapes differ.
    """
    labels, predictions = distributions(y_true, y_pred)
    warn_of_one_class(predictions, "categorical_crossentropy")
    labels = smoothed_towards_uniform(labels, label_smoothing)
    return cross_entropies.categorical_crossentropy(labels, predictions, from_logits, axis)


@labels_are_class_numbers
def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """-log of the probability that the prediction gives to a class number.

    Args:
        y_true: integers[…]; with or without an axis of size 1 where the classes are.
        y_pred: f[…, classes]: probabilities or logits.
        from_logits: whether they are logits.
        ignore_class: a label whose loss is 0 and does not count in a mean.
        axis: along which the classes are.

    Raises:
        DTypeError: the labels are no integers.
        ShapeError: labels and predictions do not fit.
        GraphcError: the labels are a constant that holds the number of no class.
    """
    labels, predictions = class_numbers(y_true, y_pred)
    along = as_axis(axis, predictions.ndim, predictions)
    refuse_known_labels_outside(labels, predictions.shape[along], ignore_class)
    if labels.ndim == predictions.ndim and labels.shape[along] == 1:
        labels = squeeze(labels, along)
    others = predictions.shape[:along] + predictions.shape[along + 1 :]
    pairs = zip(labels.shape, others, strict=False)
    if labels.ndim != len(others) or any(equal_sizes(*pair) is False for pair in pairs):
        raise misfit(
            labels,
            predictions,
            "labels with the axes of the predictions but that of the classes",
            "for labels that are distributions use the loss that is not sparse",
        )
    entropy = cross_entropies.sparse_categorical_crossentropy
    if ignore_class is None:
        return entropy(labels, predictions, from_logits, axis)
    if labels.dtype.kind == "unsigned":
        labels = cast_to(labels, I64)
    counts = not_equal(labels, ignore_class)
    labels = where(counts, labels, 0)
    predictions = where(expand_dims(counts, along), predictions, 1.0)
    losses = where(counts, entropy(labels, predictions, from_logits, axis), 0.0)
    set_mask(losses, counts)
    return losses


class BinaryCrossentropy(LossFunctionWrapper):
    """The cross-entropy of events that are predicted one by one.

    Args:
        from_logits: whether predictions are logits; probabilities otherwise.
        label_smoothing: from 0 to 1: how far labels are moved towards no preference.
        axis: that is averaged over.
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class CategoricalCrossentropy(LossFunctionWrapper):
    """The cross-entropy between distributions over classes.

    Args:
        from_logits: whether predictions are logits; probabilities otherwise.
        label_smoothing: from 0 to 1: how far labels are moved towards no preference.
        axis: along which the classes are.
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """-log of the probability that the prediction gives to a class number.

    `y_true` is i32[batch] or i32[batch, 1], `y_pred` is f32[batch, classes].

    Args:
        from_logits: whether predictions are logits; probabilities otherwise.
        ignore_class: a label whose loss is 0 and does not count in a mean.
        axis: along which the classes are.
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: Reduction | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis

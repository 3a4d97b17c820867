"""Focal cross-entropies: samples that are predicted well already count less.

Source: Lin and others 2018, "Focal loss for dense object detection", arXiv:1708.02002.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import graphc.settings as settings
from graphc.losses.crossentropy import (
    smoothed_towards_half,
    smoothed_towards_uniform,
    warn_of_one_class,
)
from graphc.losses.label_shapes import distributions
from graphc.losses.loss import LossFunctionWrapper
from graphc.losses.weighting import Reduction
from graphc.ops import cross_entropies
from graphc.ops.activations import sigmoid, softmax
from graphc.ops.arithmetic import add, divide, multiply, negative, power, subtract
from graphc.ops.comparison import clip
from graphc.ops.exponential import log
from graphc.ops.reductions import mean
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.tensor import Tensor


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """The mean of (1 - p) ** gamma times the cross-entropy, p the probability of what is true.

    Args:
        y_true: f[…]: 0, 1 or between.
        y_pred: f[…], of the same shape: probabilities or logits.
        apply_class_balancing: whether what is true counts alpha, what is false 1 - alpha times.
        alpha: from 0 to 1.
        gamma: how much less a good prediction counts; 0 for no less.
        from_logits: whether predictions are logits.
        label_smoothing: from 0 to 1: how far labels are moved towards one half.
        axis: that is averaged over.

    Raises:
        ShapeError: the shapes differ.
    """
    labels, predictions = distributions(y_true, y_pred)
    labels = smoothed_towards_half(labels, label_smoothing)
    if from_logits:
        predictions = sigmoid(predictions)
    losses = cross_entropies.binary_crossentropy(labels, predictions)
    opposite = subtract(1.0, labels)
    right = add(multiply(labels, predictions), multiply(opposite, subtract(1.0, predictions)))
    losses = multiply(power(subtract(1.0, right), gamma), losses)
    if apply_class_balancing:
        balance = add(multiply(labels, alpha), multiply(opposite, 1 - alpha))
        losses = multiply(balance, losses)
    return mean(losses, axis=axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-Σ alpha · (1 - y_pred) ** gamma · y_true · log(y_pred).

    Args:
        y_true: f[…, classes]: probabilities, one-hot for instance.
        y_pred: f[…, classes]: probabilities or logits.
        alpha: what each class counts: a number, or one for each.
        gamma: how much less a good prediction counts; 0 for no less.
        from_logits: whether predictions are logits.
        label_smoothing: from 0 to 1: how far labels are moved towards the uniform distribution,
            of as many classes as the last axis has.
        axis: along which the classes are.

    Raises:
        ShapeError: the shapes differ.
    """
    labels, predictions = distributions(y_true, y_pred)
    warn_of_one_class(predictions, "categorical_focal_crossentropy")
    labels = smoothed_towards_uniform(labels, label_smoothing)
    if from_logits:
        predictions = softmax(predictions, axis=axis)
    predictions = divide(predictions, reduce_sum(predictions, axis=axis, keepdims=True))
    epsilon = settings.epsilon.get()
    predictions = clip(predictions, epsilon, 1.0 - epsilon)
    entropy = multiply(negative(labels), log(predictions))
    focus = multiply(power(subtract(1.0, predictions), gamma), alpha)
    return reduce_sum(multiply(focus, entropy), axis=axis)


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """`BinaryCrossentropy` in which good predictions count less.

    Args:
        apply_class_balancing: whether what is true counts alpha, what is false 1 - alpha times.
        alpha: from 0 to 1.
        gamma: how much less a good prediction counts; 0 for no less.
        from_logits: whether predictions are logits; probabilities otherwise.
        label_smoothing: from 0 to 1: how far labels are moved towards no preference.
        axis: that is averaged over.
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.apply_class_balancing = apply_class_balancing
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """`CategoricalCrossentropy` in which good predictions count less.

    Args:
        alpha: what each class counts: a number, or one for each.
        gamma: how much less a good prediction counts; 0 for no less.
        from_logits: whether predictions are logits; probabilities otherwise.
        label_smoothing: from 0 to 1: how far labels are moved towards no preference.
        axis: along which the classes are.
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis

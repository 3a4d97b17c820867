"""Losses of predicted distributions and rates beside the cross-entropies."""

from __future__ import annotations

from typing import Any

import graphc.settings as settings
from graphc.dimensions import equal as equal_sizes
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.losses.label_shapes import (
    class_numbers,
    labels_are_class_numbers,
    misfit,
    paired,
    refuse_known_labels_outside,
)
from graphc.losses.loss import LossFunctionWrapper
from graphc.losses.weighting import Reduction
from graphc.ops.arithmetic import add, divide, multiply, power, subtract
from graphc.ops.comparison import clip
from graphc.ops.encoding import one_hot
from graphc.ops.exponential import log
from graphc.ops.reductions import mean
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import squeeze
from graphc.ops.tensor import Tensor


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """Σ y_true · log(y_true / y_pred) over the last axis; both are kept from `epsilon()` to 1."""
    pair = paired(y_true, y_pred)
    labels, predictions = (clip(each, settings.epsilon.get(), 1.0) for each in pair)
    return reduce_sum(multiply(labels, log(divide(labels, predictions))), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """mean(y_pred - y_true · log(y_pred + epsilon)): counts and the rates predicted for them."""
    labels, predictions = paired(y_true, y_pred)
    logarithm = log(add(predictions, settings.epsilon.get()))
    return mean(subtract(predictions, multiply(labels, logarithm)), axis=-1)


@labels_are_class_numbers
def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Tensor:
    """(1 - p ** q) / q, p the probability of the true class.

    Between cross-entropy (q near 0) and absolute error (q near 1), and so less misled by wrong
    labels. Source: Zhang and Sabuncu 2018, https://arxiv.org/abs/1805.07836.

    Args:
        y_true: integers[…]; with or without a last axis of size 1.
        y_pred: f[…, classes]: probabilities.
        q: above 0.

    Raises:
        DTypeError: the labels are no integers.
        ShapeError: labels and predictions do not fit.
        GraphcError: the labels are a constant that holds the number of no class.
    """
    labels, predictions = class_numbers(y_true, y_pred)
    if predictions.ndim:
        refuse_known_labels_outside(labels, predictions.shape[-1])
    if labels.ndim == predictions.ndim and labels.shape[-1:] == (1,):
        labels = squeeze(labels, -1)
    pairs = zip(labels.shape, predictions.shape, strict=False)
    if labels.ndim != predictions.ndim - 1 or any(equal_sizes(*pair) is False for pair in pairs):
        raise misfit(labels, predictions, "labels without the last axis of the predictions")
    hot = one_hot(labels, predictions.shape[-1], dtype=predictions.dtype)
    probability = reduce_sum(multiply(predictions, hot), axis=-1)
    return divide(subtract(1.0, power(probability, q)), q)


class KLDivergence(LossFunctionWrapper):
    """How far predicted distributions are from the true ones (Kullback, Leibler 1951).

    Args:
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "kl_divergence",
        dtype: Any = None,
    ) -> None:
        super().__init__(kl_divergence, reduction, name, dtype)


class Poisson(LossFunctionWrapper):
    """Of counts, and rates that are predicted for them.

    Args:
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "poisson",
        dtype: Any = None,
    ) -> None:
        super().__init__(poisson, reduction, name, dtype)


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """(1 - p ** q) / q, p the probability of a class number: less misled by wrong labels.

    Args:
        q: between 0, cross-entropy, and 1, absolute error.
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.

    Raises:
        GraphcError: q is not between 0 and 1.
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        if not 0 < q < 1:
            raise GraphcError("q is between 0 and 1", given=f"q={q!r}", origin=capture_origin())
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
        self.q = q

"""How little two regions overlap, for segmentation.

Labels and predictions are from 0 to 1 and of one shape. With `axis=None` all axes are summed over,
and there is one loss for the whole batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import graphc.settings as settings
from graphc.losses.label_shapes import paired
from graphc.losses.loss import LossFunctionWrapper
from graphc.losses.weighting import Reduction
from graphc.ops.arithmetic import add, divide, multiply, subtract
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.tensor import Tensor

Axes = int | Sequence[int] | None


def dice(y_true: Any, y_pred: Any, axis: Axes = None) -> Tensor:
    """1 - 2 · Σ y_true · y_pred / (Σ y_true + Σ y_pred + epsilon) (Milletari and others 2016)."""
    labels, predictions = paired(y_true, y_pred)
    both = reduce_sum(multiply(labels, predictions), axis=axis)
    each = add(reduce_sum(labels, axis=axis), reduce_sum(predictions, axis=axis))
    return subtract(1.0, divide(multiply(both, 2.0), add(each, settings.epsilon.get())))


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axes = None
) -> Tensor:
    """`dice` that weighs what is missed and what is found wrongly.

    Args:
        y_true: f[…].
        y_pred: f[…].
        alpha: what Σ y_true · (1 - y_pred) counts.
        beta: what Σ (1 - y_true) · y_pred counts.
        axis: that are summed over.

    Source: Salehi and others 2017, https://arxiv.org/abs/1706.05721.
    """
    labels, predictions = paired(y_true, y_pred)
    both = reduce_sum(multiply(labels, predictions), axis=axis)
    missed = reduce_sum(multiply(subtract(1.0, predictions), labels), axis=axis)
    wrong = reduce_sum(multiply(predictions, subtract(1.0, labels)), axis=axis)
    each = add(both, add(multiply(missed, alpha), multiply(wrong, beta)))
    return subtract(1.0, divide(both, add(each, settings.epsilon.get())))


class Dice(LossFunctionWrapper):
    """How little labels and predictions overlap: `dice`, then the reduction.

    Args:
        axis: that are summed over; all by default.
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Axes = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=axis)
        self.axis = axis


class Tversky(LossFunctionWrapper):
    """How little labels and predictions overlap: `tversky`, then the reduction.

    Args:
        alpha: what is missed counts.
        beta: what is found wrongly counts.
        axis: that are summed over; all by default.
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Axes = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
        self.alpha = alpha
        self.beta = beta
        self.axis = axis

"""Hinge losses: of maximum-margin classifiers. One loss for each vector along the last axis.

Labels are -1 and 1; where all of them are 0 or 1, 0 counts as -1.
"""

from __future__ import annotations

from typing import Any

from graphc.losses.label_shapes import paired
from graphc.losses.loss import LossFunctionWrapper
from graphc.losses.weighting import Reduction
from graphc.ops.arithmetic import add, multiply, square, subtract
from graphc.ops.comparison import equal, logical_or, maximum, where
from graphc.ops.reductions import all as reduce_all
from graphc.ops.reductions import max as reduce_max
from graphc.ops.reductions import mean
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.tensor import Tensor


def _signs(labels: Tensor) -> Tensor:
    """Labels of 0 and 1 as -1 and 1; others as they are."""
    are_binary = reduce_all(logical_or(equal(labels, 0), equal(labels, 1)))
    return where(are_binary, subtract(multiply(labels, 2.0), 1.0), labels)


def _margins(y_true: Any, y_pred: Any) -> Tensor:
    labels, predictions = paired(y_true, y_pred)
    return maximum(subtract(1.0, multiply(_signs(labels), predictions)), 0.0)


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean(max(1 - y_true · y_pred, 0))."""
    return mean(_margins(y_true, y_pred), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean(max(1 - y_true · y_pred, 0)²)."""
    return mean(square(_margins(y_true, y_pred)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """max(1 + the best of the wrong classes - the true one, 0); labels are 0 and 1."""
    labels, predictions = paired(y_true, y_pred)
    true = reduce_sum(multiply(labels, predictions), axis=-1)
    wrong = reduce_max(multiply(subtract(1.0, labels), predictions), axis=-1)
    return maximum(add(subtract(wrong, true), 1.0), 0.0)


class Hinge(LossFunctionWrapper):
    """mean(max(1 - y_true · y_pred, 0)) over the last axis, then the reduction.

    Args:
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(LossFunctionWrapper):
    """mean(max(1 - y_true · y_pred, 0)²) over the last axis, then the reduction.

    Args:
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "squared_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(LossFunctionWrapper):
    """max(1 + the best of the wrong classes - the true one, 0), then the reduction.

    Args:
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "categorical_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(categorical_hinge, reduction, name, dtype)

"""Losses of real-valued predictions: differences of several kinds, averaged over the last axis.

Each function takes labels and predictions of shapes that broadcast, and gives one loss for each
vector along the last axis: f[batch, …, outputs] to f[batch, …].
"""

from __future__ import annotations

import math
from typing import Any

import graphc.settings as settings
from graphc.losses.label_shapes import paired
from graphc.losses.loss import LossFunctionWrapper
from graphc.losses.weighting import Reduction
from graphc.ops.activations import softplus
from graphc.ops.arithmetic import absolute, add, divide, multiply, negative, square, subtract
from graphc.ops.comparison import less_equal, maximum, where
from graphc.ops.exponential import log
from graphc.ops.normalization import normalize
from graphc.ops.reductions import mean
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.tensor import Tensor


def _averaged(errors: Tensor) -> Tensor:
    return mean(errors, axis=-1) if errors.ndim else errors


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean((y_true - y_pred)²)."""
    labels, predictions = paired(y_true, y_pred)
    return _averaged(square(subtract(labels, predictions)))


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean(|y_true - y_pred|)."""
    labels, predictions = paired(y_true, y_pred)
    return _averaged(absolute(subtract(labels, predictions)))


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """100 · mean(|y_true - y_pred| / |y_true|), with at least `backend.epsilon()` below."""
    labels, predictions = paired(y_true, y_pred)
    size = maximum(absolute(labels), settings.epsilon.get())
    return multiply(_averaged(absolute(divide(subtract(labels, predictions), size))), 100.0)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean((log(y_true + 1) - log(y_pred + 1))²); numbers below `backend.epsilon()` count as it."""
    labels, predictions = (
        log(add(maximum(each, settings.epsilon.get()), 1.0)) for each in paired(y_true, y_pred)
    )
    return _averaged(square(subtract(labels, predictions)))


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Minus the cosine of the angle between vectors along an axis: -1 for like directions."""
    labels, predictions = paired(y_true, y_pred)
    product = multiply(normalize(labels, axis=axis), normalize(predictions, axis=axis))
    return negative(reduce_sum(product, axis=axis))


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """Mean of e² / 2 for errors up to delta, of delta · (|e| - delta / 2) beyond (Huber 1964)."""
    labels, predictions = paired(y_true, y_pred)
    error = subtract(predictions, labels)
    far = absolute(error)
    beyond = subtract(multiply(far, delta), 0.5 * delta * delta)
    return _averaged(where(less_equal(far, delta), multiply(square(error), 0.5), beyond))


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """mean(log(cosh(y_pred - y_true))), finite for every finite error."""
    labels, predictions = paired(y_true, y_pred)
    error = subtract(predictions, labels)
    return _averaged(subtract(add(error, softplus(multiply(error, -2.0))), math.log(2.0)))


class MeanSquaredError(LossFunctionWrapper):
    """mean((y_true - y_pred)²) over the last axis, then the reduction.

    Args:
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """mean(|y_true - y_pred|) over the last axis, then the reduction.

    Args:
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """100 · mean(|y_true - y_pred| / |y_true|) over the last axis, then the reduction.

    Args:
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """mean((log(y_true + 1) - log(y_pred + 1))²) over the last axis, then the reduction.

    Args:
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class CosineSimilarity(LossFunctionWrapper):
    """Minus the cosine of the angle between labels and predictions.

    Args:
        axis: of the vectors.
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
        self.axis = axis


class Huber(LossFunctionWrapper):
    """Squares of small errors, the absolute value of large ones (Huber 1964).

    Args:
        delta: where small errors end.
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(huber, reduction, name, dtype, delta=delta)
        self.delta = delta


class LogCosh(LossFunctionWrapper):
    """mean(log(cosh(y_pred - y_true))) over the last axis, then the reduction.

    Args:
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "log_cosh",
        dtype: Any = None,
    ) -> None:
        super().__init__(log_cosh, reduction, name, dtype)

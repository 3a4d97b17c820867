"""How often predictions are right."""

from __future__ import annotations

from typing import Any

from graphc.dtypes import I32
from graphc.losses.label_shapes import squeeze_or_expand_to_same_rank
from graphc.metrics.reductions import MeanMetricWrapper, has_a_name
from graphc.ops.comparison import equal, greater
from graphc.ops.conversion import cast_to, floatx, graph_of, to_tensor
from graphc.ops.reductions import any as any_of
from graphc.ops.reductions import argmax
from graphc.ops.shaping import reshape, squeeze
from graphc.ops.sorting import in_top_k
from graphc.ops.tensor import Tensor


def _pair(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    graph = graph_of([y_true, y_pred])
    return to_tensor(y_true, None, graph), to_tensor(y_pred, None, graph)


@has_a_name
def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where a prediction equals its label, else 0; of the labels' shape."""
    labels, predictions = _pair(y_true, y_pred)
    labels = cast_to(labels, predictions.dtype)
    labels, predictions = squeeze_or_expand_to_same_rank(labels, predictions)
    return cast_to(equal(labels, predictions), floatx())


@has_a_name
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """1 where a prediction above the threshold has the label 1, or another one the label 0.

    Args:
        y_true: 0 or 1, [batch, …].
        y_pred: probabilities f32[batch, …].
        threshold: what is taken for 1.
    """
    labels, predictions = squeeze_or_expand_to_same_rank(*_pair(y_true, y_pred))
    chosen = cast_to(greater(predictions, threshold), labels.dtype)
    return cast_to(equal(labels, chosen), floatx())


@has_a_name
def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest prediction is that of the class, f32[batch, …].

    Args:
        y_true: one-hot [batch, …, classes].
        y_pred: scores f32[batch, …, classes].
    """
    labels, predictions = _pair(y_true, y_pred)
    return sparse_categorical_accuracy(argmax(labels, axis=-1), predictions)


@has_a_name
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest prediction is that of the class number, f32[batch, …].

    Args:
        y_true: class numbers [batch, …] or [batch, …, 1].
        y_pred: scores f32[batch, …, classes].
    """
    labels, predictions = _pair(y_true, y_pred)
    if labels.ndim == predictions.ndim and labels.shape[-1] == 1:
        labels = squeeze(labels, axis=-1)
    chosen = cast_to(argmax(predictions, axis=-1), labels.dtype)
    matches = cast_to(equal(labels, chosen), floatx())
    has_last = matches.ndim > 1 and matches.shape[-1] == 1
    return squeeze(matches, axis=-1) if has_last else matches


@has_a_name
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """1 where the class is among the k largest predictions; arguments as `categorical_accuracy`."""
    labels, predictions = _pair(y_true, y_pred)
    return sparse_top_k_categorical_accuracy(argmax(labels, axis=-1), predictions, k)


@has_a_name
def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """1 where the class number is among the k largest predictions, f32[batch, …].

    Args:
        y_true: class numbers [batch, …] or [batch, …, 1].
        y_pred: scores f32[batch, …, classes]; class numbers, the best first, if `from_sorted_ids`.
        k: how many may be larger.
        from_sorted_ids: what `y_pred` is.
    """
    labels, predictions = _pair(y_true, y_pred)
    if labels.ndim == predictions.ndim and labels.shape[-1] == 1:
        labels = squeeze(labels, axis=-1)
    sizes = labels.shape
    flat = reshape(labels, (-1,)) if labels.ndim > 1 else labels
    if predictions.ndim > 2:
        predictions = reshape(predictions, (-1, predictions.shape[-1]))
    if from_sorted_ids:
        best = predictions[:, :k]
        matches = any_of(equal(best, cast_to(flat, best.dtype)[:, None]), axis=1)
    else:
        matches = in_top_k(cast_to(flat, I32), predictions, k=k)
    found = cast_to(matches, floatx())
    return reshape(found, sizes) if labels.ndim > 1 else found


class Accuracy(MeanMetricWrapper):
    """How often predictions equal labels; see `accuracy`.

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions are on the label's side of a threshold; see `binary_accuracy`.

    Args:
        name: in logs.
        dtype: element type of the result.
        threshold: what is taken for 1.
    """

    def __init__(
        self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5
    ) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is that of the one-hot label.

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is that of the class number.

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the one-hot label is among the k largest predictions.

    Args:
        k: how many count.
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(
        self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class number is among the k largest predictions.

    Args:
        k: how many count.
        name: in logs.
        dtype: element type of the result.
        from_sorted_ids: predictions are class numbers, the best first.
    """

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(
            sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids
        )

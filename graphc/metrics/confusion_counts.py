"""How many predictions of a batch are true and false, positive and negative, at each threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

import graphc.settings as settings
from graphc.dimensions import equal as equal_sizes
from graphc.dtypes import BOOL, I32, DType
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.losses.label_shapes import misfit, squeeze_or_expand_to_same_rank
from graphc.ops.arithmetic import add, multiply, subtract
from graphc.ops.broadcasting import broadcast_to
from graphc.ops.comparison import clip, greater, where
from graphc.ops.conversion import cast_to, graph_of, to_tensor
from graphc.ops.creation import arange
from graphc.ops.cumulative import cumsum
from graphc.ops.encoding import one_hot
from graphc.ops.filling import scalar_like
from graphc.ops.joining import stack
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.rounding import ceil
from graphc.ops.shaping import expand_dims, reshape
from graphc.ops.smooth_activations import relu
from graphc.ops.sorting import top_k as largest
from graphc.ops.tensor import Tensor
from graphc.ops.updating import segment_sum

NEVER = -1e10
"""What predictions become that are not among the k largest, and a threshold below all others."""


@dataclass(frozen=True)
class ConfusionCounts:
    """Sums of weights: f32[thresholds], or f32[thresholds, labels] for each label on its own.

    Attributes:
        true_positives: predictions above the threshold whose label is not 0.
        false_positives: predictions above the threshold whose label is 0.
        positives: all whose label is not 0: f32[] or f32[labels].
        negatives: all whose label is 0.
    """

    true_positives: Tensor
    false_positives: Tensor
    positives: Tensor
    negatives: Tensor

    @property
    def false_negatives(self) -> Tensor:
        """Predictions not above the threshold whose label is not 0."""
        return subtract(self.positives, self.true_positives)

    @property
    def true_negatives(self) -> Tensor:
        """Predictions not above the threshold whose label is 0."""
        return subtract(self.negatives, self.false_positives)


def checked_thresholds(thresholds: Any, default: float = 0.5) -> list[float]:
    """Thresholds as a list: one number, several, or the default for None.

    Raises:
        GraphcError: one is not between 0 and 1.
    """
    if thresholds is None:
        return [default]
    listed = [float(each) for each in np.atleast_1d(np.asarray(thresholds, float))]
    outside = [each for each in listed if not 0 <= each <= 1]
    if outside or not listed:
        raise GraphcError(
            "thresholds must be between 0 and 1",
            given=repr(outside),
            expected="probabilities above which a prediction counts as positive",
            fix="apply a sigmoid or softmax to the model's output, and give thresholds of that",
            origin=capture_origin(),
        )
    return listed


def are_even(thresholds: Sequence[float]) -> bool:
    """Whether thresholds divide 0 to 1 into equal parts; such are counted faster."""
    count = len(thresholds)
    if count < 3:
        return False
    even = np.arange(count, dtype=np.float32) / (count - 1)
    return bool(np.allclose(thresholds, even, atol=settings.epsilon.get()))


def confusion_counts(
    y_true: Any,
    y_pred: Any,
    thresholds: Sequence[float],
    dtype: DType,
    *,
    sample_weight: Any = None,
    top_k: int | None = None,
    class_id: int | None = None,
    by_label: bool = False,
    label_weights: Any = None,
) -> ConfusionCounts:
    """Count predictions of a batch.

    Evenly spaced thresholds take one addition per prediction: each prediction is added to the
    interval that it lies in, and these are added up. Others are compared one by one.

    Args:
        y_true: 0 or not, [batch, …].
        y_pred: f32[batch, …].
        thresholds: above which a prediction counts as positive.
        dtype: of the results.
        sample_weight: [batch, …], of as many axes as the predictions or fewer, or None.
        top_k: only the k largest predictions along the last axis may be positive.
        class_id: which index along the last axis counts; all of them for None.
        by_label: count each label, the last axis of [batch, labels], on its own.
        label_weights: f32[labels], or None.

    Raises:
        ShapeError: labels and predictions differ in shape.
        GraphcError: there is no class of the number.
    """
    labels, predictions, weight = _fitting(y_true, y_pred, sample_weight, dtype)
    if top_k is not None:
        predictions = _only_largest(predictions, top_k)
    if class_id is not None:
        _require_class(predictions, class_id)
        labels, predictions = labels[..., class_id, None], predictions[..., class_id, None]
    # as wide as predictions, since weights may have axes of size 1
    if weight is not None:
        weight = broadcast_to(weight, predictions.shape)
    if label_weights is not None:
        of_labels = to_tensor(np.asarray(label_weights, np.float32), None, predictions.graph)
        of_labels = broadcast_to(cast_to(of_labels, dtype), predictions.shape)
        weight = of_labels if weight is None else multiply(weight, of_labels)
    is_positive = cast_to(cast_to(labels, BOOL), dtype)
    positive, negative = is_positive, subtract(scalar_like(is_positive, 1), is_positive)
    if weight is not None:
        positive, negative = multiply(positive, weight), multiply(negative, weight)
    if not by_label:
        positive, negative, predictions = (
            reshape(each, (-1,)) for each in (positive, negative, predictions)
        )
    count = _by_intervals if are_even(thresholds) else _one_by_one
    above = count(predictions, stack([positive, negative], axis=-1), thresholds)
    return ConfusionCounts(
        above[..., 0], above[..., 1], reduce_sum(positive, axis=0), reduce_sum(negative, axis=0)
    )


def _fitting(
    y_true: Any, y_pred: Any, sample_weight: Any, dtype: DType
) -> tuple[Tensor, Tensor, Tensor | None]:
    graph = graph_of([y_true, y_pred, sample_weight])
    labels = cast_to(to_tensor(y_true, None, graph), dtype)
    predictions = cast_to(to_tensor(y_pred, None, graph), dtype)
    predictions, labels = squeeze_or_expand_to_same_rank(predictions, labels)
    sizes = zip(labels.shape, predictions.shape, strict=False)
    if labels.ndim != predictions.ndim or any(equal_sizes(*pair) is False for pair in sizes):
        raise misfit(
            labels,
            predictions,
            "the same shape: 0 or 1 for each prediction",
            "for class numbers, ops.one_hot(labels, classes)",
        )
    if sample_weight is None:
        return labels, predictions, None
    weight = expand_dims(cast_to(to_tensor(sample_weight, None, graph), dtype), -1)
    _, weight = squeeze_or_expand_to_same_rank(labels, weight, expand_rank_1=False)
    return labels, predictions, weight


def _require_class(predictions: Tensor, class_id: int) -> None:
    size = predictions.shape[-1] if predictions.ndim > 1 else 0
    if isinstance(size, int) and not -size <= class_id < size:
        raise GraphcError(
            f"there is no class {class_id}",
            given=f"predictions {predictions.value.type}",
            expected="predictions [batch, classes] with more classes than class_id",
            origin=capture_origin(),
        )


def _only_largest(predictions: Tensor, k: int) -> Tensor:
    _, places = largest(predictions, k)
    is_among = one_hot(places, predictions.shape[-1], dtype=predictions.dtype)
    kept = reduce_sum(is_among, axis=-2)
    never = multiply(subtract(scalar_like(kept, 1), kept), NEVER)
    return add(multiply(predictions, kept), never)


def _by_intervals(predictions: Tensor, sums: Tensor, thresholds: Sequence[float]) -> Tensor:
    """[thresholds, …, 2]: of each threshold the sums of the intervals above it."""
    count = len(thresholds)
    place = subtract(ceil(multiply(clip(predictions, 0.0, 1.0), float(count - 1))), 1.0)
    if thresholds[0] < 0 or thresholds[-1] > 1:  # then 0 is above the first
        place = relu(place)
    place = cast_to(place, I32)
    if place.ndim == 1:
        inside = where(greater(place, -1), place, count)  # negative ones count from the end
        return cumsum(segment_sum(sums, inside, count), axis=0, reverse=True)
    # [batch, labels]: of each label intervals of its own; what is in none must stay in none
    labels = place.shape[-1]
    of_label = add(multiply(place, labels), arange(labels, dtype="int32"))
    of_label = where(greater(place, -1), of_label, count * labels)
    size = cast("int", count * labels)
    flat = segment_sum(reshape(sums, (-1, 2)), reshape(of_label, (-1,)), size)
    return cumsum(reshape(flat, (count, labels, 2)), axis=0, reverse=True)


def _one_by_one(predictions: Tensor, sums: Tensor, thresholds: Sequence[float]) -> Tensor:
    """[thresholds, …, 2]: of each threshold the sums of the predictions above it."""
    limits = np.asarray(thresholds, predictions.dtype.numpy)
    limits = limits.reshape(-1, *[1] * predictions.ndim)
    is_above = expand_dims(greater(expand_dims(predictions, 0), limits), -1)
    return reduce_sum(where(is_above, expand_dims(sums, 0), scalar_like(sums, 0)), axis=1)

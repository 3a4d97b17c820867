"""How far predicted regions overlap those of the labels: intersection over union."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

import graphc.settings as settings
from graphc.dtypes import F32, I32
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.metrics.metric import Metric
from graphc.ops.arithmetic import add, divide, multiply, subtract
from graphc.ops.broadcasting import broadcast_to
from graphc.ops.comparison import (
    greater,
    greater_equal,
    less,
    logical_and,
    not_equal,
    where,
)
from graphc.ops.conversion import cast_to, graph_of, to_tensor
from graphc.ops.filling import scalar_like
from graphc.ops.gathering import take
from graphc.ops.matrices import diagonal
from graphc.ops.reductions import argmax
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import reshape
from graphc.ops.tensor import Tensor
from graphc.ops.updating import segment_sum


class IoU(Metric):
    """Intersection over union of some classes: right / (predicted + labelled - right), their mean.

    Labels and predictions that are no class are left out, as is a class that never occurs.

    Args:
        num_classes: how many there are.
        target_class_ids: those that count.
        name: in logs.
        dtype: element type of the counts, i32 by default; weights of samples are cast to it.
        ignore_class: a label that is left out.
        sparse_y_true: whether labels are class numbers, not one-hot.
        sparse_y_pred: whether predictions are class numbers, not scores of each class.
        axis: of the classes where they are not.

    Raises:
        GraphcError: a class that counts is none of the classes.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(I32 if dtype is None else dtype, name)
        targets = [int(each) for each in target_class_ids]
        outside = [each for each in targets if not 0 <= each < num_classes]
        if outside or not targets:
            raise GraphcError(
                "target_class_ids must be numbers of classes",
                given=repr(targets),
                expected=f"numbers from 0 to {num_classes - 1}",
                origin=capture_origin(),
            )
        self.num_classes, self.target_class_ids = num_classes, targets
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        sizes = (num_classes, num_classes)
        self.total_cm = self.add_variable(sizes, name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        graph = graph_of([y_true, y_pred, sample_weight])
        labels, predictions = to_tensor(y_true, None, graph), to_tensor(y_pred, None, graph)
        labels = labels if self.sparse_y_true else argmax(labels, axis=self.axis)
        predictions = predictions if self.sparse_y_pred else argmax(predictions, axis=self.axis)
        labels, predictions = (reshape(cast_to(x, I32), (-1,)) for x in (labels, predictions))
        if labels.shape[0] != predictions.shape[0] and all(
            isinstance(each.shape[0], int) for each in (labels, predictions)
        ):
            raise ShapeError(
                "labels and predictions do not fit",
                given=f"{labels.shape[0]} labels, {predictions.shape[0]} predictions",
                expected="a class number for each prediction, or say sparse_y_pred=False",
                origin=capture_origin(),
            )
        weight = self._weight(sample_weight, labels)
        counts = logical_and(self._is_class(labels), self._is_class(predictions))
        if self.ignore_class is not None:
            counts = logical_and(counts, not_equal(labels, self.ignore_class))
        place = add(multiply(labels, self.num_classes), predictions)
        place = where(counts, place, self.num_classes**2)  # is in no segment
        found = segment_sum(weight, place, self.num_classes**2)
        self.total_cm.assign_add(reshape(found, (self.num_classes, self.num_classes)))

    def _is_class(self, numbers: Tensor) -> Tensor:
        return logical_and(greater_equal(numbers, 0), less(numbers, self.num_classes))

    def _weight(self, sample_weight: Any, labels: Tensor) -> Tensor:
        given = 1 if sample_weight is None else sample_weight
        weight = to_tensor(given, None, labels.graph)
        if sample_weight is not None and weight.dtype.is_floating and not self.dtype.is_floating:
            warnings.warn(
                f"weights of samples are {weight.dtype}, and the metric {self.name!r} counts in "
                f'{self.dtype}: fractions are lost; say dtype="float32" to keep them',
                stacklevel=4,
            )
        weight = cast_to(weight, self.dtype)
        weight = reshape(weight, (-1,)) if weight.ndim > 1 else weight
        return broadcast_to(weight, labels.shape)

    def result(self) -> Tensor:
        matrix = self.total_cm.value
        right = diagonal(matrix)
        union = subtract(add(reduce_sum(matrix, axis=0), reduce_sum(matrix, axis=1)), right)
        targets = np.array(self.target_class_ids, np.int32)
        right, union = (cast_to(take(each, targets, axis=0), F32) for each in (right, union))
        occurs = greater(union, 1e-9)
        tiny = settings.epsilon.get()
        ratios = where(occurs, divide(right, add(union, tiny)), scalar_like(union, 0))
        return divide(reduce_sum(ratios), add(reduce_sum(cast_to(occurs, F32)), tiny))


class BinaryIoU(IoU):
    """Intersection over union of what is above a threshold, of what is not, or their mean.

    Args:
        target_class_ids: (0,), (1,) or both: which of them count.
        threshold: from which on a prediction is 1.
        name: in logs.
        dtype: see `IoU`.
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold
        self.needs_probabilities = threshold != 0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        graph = graph_of([y_true, y_pred, sample_weight])
        predictions = cast_to(to_tensor(y_pred, None, graph), F32)
        chosen = greater_equal(predictions, self.threshold)
        super().update_state(y_true, cast_to(chosen, I32), sample_weight)


class MeanIoU(IoU):
    """The mean intersection over union of all classes.

    Args:
        num_classes: how many there are.
        name: in logs.
        dtype: see `IoU`.
        ignore_class: a label that is left out.
        sparse_y_true: whether labels are class numbers, not one-hot.
        sparse_y_pred: whether predictions are class numbers, not scores of each class.
        axis: of the classes where they are not.
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        everything = range(num_classes)
        own = (ignore_class, sparse_y_true, sparse_y_pred, axis)
        super().__init__(num_classes, everything, name, dtype, *own)


class OneHotIoU(IoU):
    """Intersection over union of some classes, of one-hot labels.

    Args:
        num_classes: how many there are.
        target_class_ids: those that count.
        name: in logs.
        dtype: see `IoU`.
        ignore_class: a label that is left out.
        sparse_y_pred: whether predictions are class numbers, not scores of each class.
        axis: of the classes.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        own = (ignore_class, False, sparse_y_pred, axis)
        super().__init__(num_classes, target_class_ids, name, dtype, *own)


class OneHotMeanIoU(MeanIoU):
    """The mean intersection over union of all classes, of one-hot labels.

    Args:
        num_classes: how many there are.
        name: in logs.
        dtype: see `IoU`.
        ignore_class: a label that is left out.
        sparse_y_pred: whether predictions are class numbers, not scores of each class.
        axis: of the classes.
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

"""Cross-entropies between labels and predicted distributions."""

from __future__ import annotations

from graphc.errors import DTypeError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.losses.loss import Loss, Reduction
from graphc.ops.conversion import inexact
from graphc.ops.cross_entropies import sparse_categorical_crossentropy
from graphc.ops.shaping import squeeze
from graphc.ops.tensor import Tensor


class SparseCategoricalCrossentropy(Loss):
    """-log of the probability that the prediction gives to an integer label.

    Args:
        from_logits: whether predictions are logits; otherwise they are probabilities, kept
            `backend.epsilon()` away from 0 and 1.
        reduction: see `Loss`.
        name: scope of its nodes.

    `y_true` is i32[batch] or i32[batch, 1], `y_pred` is f32[batch, classes].
    """

    def __init__(
        self,
        from_logits: bool = False,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "sparse_categorical_crossentropy",
    ) -> None:
        super().__init__(name, reduction)
        self.from_logits = from_logits

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        logits = inexact(y_pred)
        if not y_true.dtype.is_integer:
            raise DTypeError(
                "labels must be integers",
                given=y_true.value.type,
                expected="one class number per sample",
                fix='ops.cast(labels, "int32")',
                origin=capture_origin(),
            )
        labels = squeeze(y_true, axis=-1) if _has_extra_axis(y_true, logits) else y_true
        if labels.ndim != logits.ndim - 1:
            raise ShapeError(
                "labels and predictions do not fit",
                given=f"labels {y_true.value.type}, predictions {y_pred.value.type}",
                expected="labels without the last axis of the predictions",
                origin=capture_origin(),
            )
        return sparse_categorical_crossentropy(labels, logits, self.from_logits)


def _has_extra_axis(labels: Tensor, logits: Tensor) -> bool:
    return labels.ndim == logits.ndim and labels.shape[-1] == 1

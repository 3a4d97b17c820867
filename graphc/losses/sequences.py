"""The loss of sequences of labels whose positions are not known."""

from __future__ import annotations

from typing import Any

from graphc.dtypes import I32
from graphc.losses.label_shapes import (
    class_numbers,
    labels_are_class_numbers,
    misfit,
    refuse_known_labels_outside,
)
from graphc.losses.loss import LossFunctionWrapper
from graphc.losses.weighting import Reduction
from graphc.ops.broadcasting import broadcast_to
from graphc.ops.comparison import not_equal
from graphc.ops.conversion import cast_to
from graphc.ops.ctc import ctc_loss
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.sizes import dimension_size
from graphc.ops.tensor import Tensor


@labels_are_class_numbers
def ctc(y_true: Any, y_pred: Any) -> Tensor:
    """-log of the probability that logits emit a sequence of labels, at whatever positions.

    Args:
        y_true: integers[batch, labels]; 0 stands for no label.
        y_pred: f[batch, positions, classes]: logits.

    Returns:
        f[batch].

    Raises:
        DTypeError: the labels are no integers.
        ShapeError: labels and predictions do not fit.
        GraphcError: the labels are a constant that holds the number of no class.

    Source: Graves and others 2006, "Connectionist temporal classification".
    """
    labels, logits = class_numbers(y_true, y_pred)
    if labels.ndim != 2 or logits.ndim != 3:
        raise misfit(labels, logits, "labels [batch, labels], logits [batch, positions, classes]")
    refuse_known_labels_outside(labels, logits.shape[-1])
    positions = broadcast_to(dimension_size(logits, 1), logits.shape[:1])
    label_count = reduce_sum(cast_to(not_equal(labels, 0), I32), axis=-1)
    return ctc_loss(labels, logits, label_count, positions)


class CTC(LossFunctionWrapper):
    """Of sequences of labels whose positions are not known: `ctc`, then the reduction.

    Args:
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "ctc",
        dtype: Any = None,
    ) -> None:
        super().__init__(ctc, reduction, name, dtype)

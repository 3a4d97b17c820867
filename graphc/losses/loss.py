"""What all losses share: weights of samples, and the reduction to one number."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal, get_args

from graphc.errors import GraphcError, did_you_mean
from graphc.ir.origin import capture_origin
from graphc.naming import snake_case
from graphc.ops.arithmetic import multiply
from graphc.ops.conversion import cast_to, graph_of, to_tensor
from graphc.ops.reductions import mean
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.tensor import Tensor
from graphc.ops.undoing import undone_on_failure

Reduction = Literal["sum_over_batch_size", "mean", "sum", "none"]


class Loss(ABC):
    """A number that says how far predictions are from the truth.

    Args:
        name: scope of its nodes.
        reduction: "sum_over_batch_size" and "mean" divide by the number of losses, "sum" does not,
            "none" or None gives one loss per sample.
    """

    def __init__(
        self, name: str | None = None, reduction: Reduction | None = "sum_over_batch_size"
    ) -> None:
        if reduction is not None and reduction not in get_args(Reduction):
            raise GraphcError(
                f"there is no reduction {reduction!r}",
                fix=did_you_mean(str(reduction), get_args(Reduction)),
                origin=capture_origin(),
            )
        self.name = name or snake_case(type(self).__name__)
        self.reduction = reduction

    @undone_on_failure
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The loss.

        Args:
            y_true: labels.
            y_pred: predictions.
            sample_weight: weights that broadcast against the losses of the samples.
        """
        graph = graph_of([y_true, y_pred, sample_weight])
        with graph.name_scope(self.name):
            prediction = to_tensor(y_pred, None, graph)
            losses = self.call(to_tensor(y_true, None, graph), prediction)
            if sample_weight is not None:
                weight = to_tensor(sample_weight, losses.dtype, graph)
                losses = multiply(losses, cast_to(weight, losses.dtype))
            if self.reduction in (None, "none"):
                return losses
            return reduce_sum(losses) if self.reduction == "sum" else mean(losses)

    @abstractmethod
    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """One loss per sample."""

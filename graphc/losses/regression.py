"""Losses of real-valued predictions."""

from __future__ import annotations

from graphc.losses.loss import Loss, Reduction
from graphc.ops.arithmetic import square, subtract
from graphc.ops.reductions import mean
from graphc.ops.tensor import Tensor


class MeanSquaredError(Loss):
    """mean((y_true - y_pred)²) over the last axis, then the reduction."""

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
    ) -> None:
        super().__init__(name, reduction)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        squares = square(subtract(y_true, y_pred))
        return mean(squares, axis=-1) if squares.ndim else squares

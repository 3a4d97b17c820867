"""How far real-valued predictions are from their labels, on average."""

from __future__ import annotations

from typing import Any

from graphc.losses.label_shapes import paired
from graphc.losses.regression import (
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from graphc.metrics.reductions import Mean, MeanMetricWrapper, has_a_name
from graphc.ops.arithmetic import multiply, square, subtract
from graphc.ops.conversion import cast_to
from graphc.ops.exponential import sqrt
from graphc.ops.normalization import normalize
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.tensor import Tensor


@has_a_name
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The cosine of the angle between vectors along an axis: 1 for like directions."""
    labels, predictions = paired(y_true, y_pred)
    product = multiply(normalize(labels, axis=axis), normalize(predictions, axis=axis))
    return reduce_sum(product, axis=axis)


class MeanSquaredError(MeanMetricWrapper, names=("mse", "MSE")):
    """The mean of (y_true - y_pred)².

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(mean_squared_error, name, dtype)


class RootMeanSquaredError(Mean):
    """The root of the mean of (y_true - y_pred)² over all samples.

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        labels, predictions = (cast_to(each, self.dtype) for each in paired(y_true, y_pred))
        super().update_state(square(subtract(predictions, labels)), sample_weight)

    def result(self) -> Tensor:
        return sqrt(super().result())


class MeanAbsoluteError(MeanMetricWrapper, names=("mae", "MAE")):
    """The mean of abs(y_true - y_pred).

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper, names=("mape", "MAPE")):
    """The mean of 100 · abs((y_true - y_pred) / y_true).

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(
        self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None
    ) -> None:
        super().__init__(mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper, names=("msle", "MSLE")):
    """The mean of (log(y_true + 1) - log(y_pred + 1))².

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(
        self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """The mean of log(cosh(y_pred - y_true)).

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(log_cosh, name, dtype)


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between labels and predictions.

    Args:
        name: in logs.
        dtype: element type of the result.
        axis: along which the vectors lie.
    """

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)

"""Metrics that reduce the values of samples to one number: sums and means."""

from __future__ import annotations

from typing import Any

from graphc.dtypes import DType
from graphc.metrics.metric import Metric
from graphc.ops.arithmetic import divide_no_nan, multiply
from graphc.ops.broadcasting import broadcast_to
from graphc.ops.conversion import cast_to, graph_of, to_tensor
from graphc.ops.reductions import mean
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import size
from graphc.ops.tensor import Tensor


def samplewise(
    values: Any, sample_weight: Any, dtype: DType, reduce: Any = mean
) -> tuple[Tensor, Tensor | None]:
    """Values reduced to one per sample, times their weights; and the weights.

    Args:
        values: f32[batch, …].
        sample_weight: f32[batch, …] of at most as many axes, or None.
        dtype: of the results.
        reduce: what is done over the other axes.
    """
    graph = graph_of([values, sample_weight])
    found = cast_to(to_tensor(values, None, graph), dtype)
    if sample_weight is None:
        return (reduce(found, tuple(range(1, found.ndim))) if found.ndim > 1 else found), None
    weight = cast_to(to_tensor(sample_weight, None, graph), dtype)
    if found.ndim > weight.ndim:
        found = reduce(found, tuple(range(weight.ndim, found.ndim)))
    weight = broadcast_to(weight, found.shape)
    found = multiply(found, weight)
    if found.ndim > 1:
        axes = tuple(range(1, found.ndim))
        return reduce(found, axes), reduce(weight, axes)
    return found, weight


class Sum(Metric):
    """The (weighted) sum of all values.

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        found, _ = samplewise(values, sample_weight, self.dtype, reduce_sum)
        self.total.assign_add(reduce_sum(found))

    def result(self) -> Tensor:
        return self.total.value


class Mean(Metric):
    """The (weighted) mean of all values; 0 before the first.

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable(name="total")
        self.count = self.add_variable(name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        found, weight = samplewise(values, sample_weight, self.dtype)
        self.total.assign_add(reduce_sum(found))
        number = to_tensor(size(found), None, found.graph) if weight is None else weight
        self.count.assign_add(cast_to(reduce_sum(number), self.dtype))

    def result(self) -> Tensor:
        return divide_no_nan(self.total, self.count)


class MeanMetricWrapper(Mean):
    """The mean of a function of labels and predictions.

    Args:
        fn: takes `y_true`, `y_pred` and the keyword arguments; one value per sample, or more.
        name: in logs; the function's name by default.
        dtype: element type of the result.
        **kwargs: handed on to the function.
    """

    def __init__(self, fn: Any, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name or getattr(fn, "__name__", None), dtype)
        self._fn, self._fn_arguments = fn, kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        super().update_state(self._fn(y_true, y_pred, **self._fn_arguments), sample_weight)

"""Metrics that reduce the values of samples to one number: sums and means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from graphc.dtypes import DType
from graphc.losses.label_shapes import squeeze_or_expand_to_same_rank
from graphc.losses.loss import Loss
from graphc.metrics.metric import Metric
from graphc.ops.arithmetic import divide_no_nan, multiply
from graphc.ops.broadcasting import broadcast_to
from graphc.ops.conversion import cast_to, graph_of, to_tensor
from graphc.ops.masks import mask_of
from graphc.ops.reductions import mean
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import expand_dims, size
from graphc.ops.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])


def samplewise(
    values: Any, sample_weight: Any, dtype: DType, reduce: Any = mean
) -> tuple[Tensor, Tensor | None]:
    """Values reduced to one per sample, times their weights; and the weights.

    Args:
        values: f32[batch, …]; where they have a mask, weights count only there.
        sample_weight: f32[batch, …] of at most as many axes, or one more of size 1; or None.
        dtype: of the results.
        reduce: what is done over the other axes.
    """
    graph = graph_of([values, sample_weight])
    found = cast_to(to_tensor(values, None, graph), dtype)
    if sample_weight is None:
        return (reduce(found, tuple(range(1, found.ndim))) if found.ndim > 1 else found), None
    weight = cast_to(to_tensor(sample_weight, None, graph), dtype)
    weight = weights_by_mask(weight, mask_of(values), dtype)
    found, weight = squeeze_or_expand_to_same_rank(found, weight)
    weight_axes = weight.ndim
    if found.ndim > weight_axes:
        found = reduce(found, tuple(range(weight_axes, found.ndim)))
    weight = broadcast_to(weight, found.shape)
    found = multiply(found, weight)
    if found.ndim > 1:
        found = reduce(found, tuple(range(1, found.ndim)))
    if weight_axes > 1:
        weight = reduce(weight, tuple(range(1, weight_axes)))
    return found, weight


def weights_by_mask(sample_weight: Any, mask: Tensor | None, dtype: DType) -> Any:
    """Weights that are 0 where the mask is False.

    Args:
        sample_weight: f32[batch, …], or None for 1 where the mask is True.
        mask: bool[batch, …]; None leaves the weights as they are.
        dtype: of the result.
    """
    if mask is None:
        return sample_weight
    counts = cast_to(mask, dtype)
    if sample_weight is None:
        return counts
    weight = cast_to(to_tensor(sample_weight, None, mask.graph), dtype)
    counts, weight = squeeze_or_expand_to_same_rank(counts, weight)
    while 0 < weight.ndim < counts.ndim:  # one of each sample, for all its steps
        weight = expand_dims(weight, -1)
    return multiply(weight, counts)


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
    """The mean of a function of labels and predictions, where the predictions' mask is True.

    Args:
        fn: takes `y_true`, `y_pred` and the keyword arguments; one value per sample, or more. Or
            the name of a function of `graphc.metrics` or `graphc.losses`.
        name: in logs; the function's name by default.
        dtype: element type of the result.
        **kwargs: handed on to the function.
    """

    def __init__(self, fn: Any, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        function = _function_of(fn) if isinstance(fn, str) else fn
        super().__init__(name or getattr(function, "__name__", None), dtype)
        self._fn, self._fn_arguments = function, kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        values = self._fn(y_true, y_pred, **self._fn_arguments)
        weight = weights_by_mask(sample_weight, mask_of(y_pred), self.dtype)
        super().update_state(values, weight)


_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {}


def has_a_name(function: F) -> F:
    """Let the name of a function mean it, where a `MeanMetricWrapper` is written and read."""
    _FUNCTIONS[function.__name__] = function
    Metric.registry.shown_names[function] = function.__name__
    return function


def _function_of(name: str) -> Callable[..., Any]:
    return _FUNCTIONS.get(name) or Loss.registry.find(name)

"""How predictions go together with labels: correlations, and the share of variance explained."""

from __future__ import annotations

from typing import Any, Literal, get_args

import graphc.settings as settings
from graphc.errors import GraphcError, did_you_mean
from graphc.ir.origin import capture_origin
from graphc.losses.label_shapes import misfit, paired
from graphc.metrics.metric import Metric
from graphc.metrics.reductions import MeanMetricWrapper, has_a_name
from graphc.ops.arithmetic import add, divide, multiply, square, subtract
from graphc.ops.broadcasting import broadcast_to
from graphc.ops.comparison import greater, isinf, where
from graphc.ops.conversion import cast_to, floatx, graph_of, to_tensor
from graphc.ops.filling import scalar_like
from graphc.ops.reductions import mean, std, var
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import expand_dims, size
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable

Aggregation = Literal["uniform_average", "variance_weighted_average"]


def _centred(values: Tensor, axis: int) -> Tensor:
    return subtract(values, mean(values, axis=axis, keepdims=True))


@has_a_name
def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The covariance along an axis over both standard deviations: from -1 to 1."""
    scaled = []
    for values in paired(y_true, y_pred):
        centred = _centred(values, axis)
        scaled.append(divide(centred, std(centred, axis=axis, keepdims=True)))
    return mean(multiply(*scaled), axis=axis)


@has_a_name
def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """How near pairs along an axis are to the line of equals, from -1 to 1 (Lin 1989)."""
    labels, predictions = paired(y_true, y_pred)
    of_labels, of_predictions = (
        mean(each, axis=axis, keepdims=True) for each in (labels, predictions)
    )
    together = multiply(subtract(labels, of_predictions), subtract(predictions, of_predictions))
    spread = add(
        var(subtract(labels, of_labels), axis=axis, keepdims=True),
        var(subtract(predictions, of_predictions), axis=axis, keepdims=True),
    )
    norm = add(spread, square(subtract(of_labels, of_predictions)))
    return mean(divide(multiply(together, 2.0), add(norm, settings.epsilon.get())), axis=axis)


class PearsonCorrelation(MeanMetricWrapper):
    """The mean of `pearson_correlation`.

    Args:
        name: in logs.
        dtype: element type of the result.
        axis: along which pairs are compared.
    """

    def __init__(
        self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean of `concordance_correlation`.

    Args:
        name: in logs.
        dtype: element type of the result.
        axis: along which pairs are compared.
    """

    def __init__(
        self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)


class R2Score(Metric):
    """1 - squared errors / squared distances of the labels from their mean; 1 is best.

    Args:
        class_aggregation: "uniform_average" is the mean over outputs, "variance_weighted_average"
            weighs them by the variance of their labels, None gives each, f32[outputs].
        num_regressors: of how many inputs the predictions are a function: above 0, the score is
            adjusted for them; while there are too few samples for that it is not.
        name: in logs.
        dtype: accepted for Keras's sake: sums are kept in `floatx()`.

    Raises:
        GraphcError: an argument is none of these.
    """

    def __init__(
        self,
        class_aggregation: Aggregation | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if class_aggregation is not None and class_aggregation not in get_args(Aggregation):
            raise GraphcError(
                f"there is no class_aggregation {class_aggregation!r}",
                fix=did_you_mean(str(class_aggregation), get_args(Aggregation)),
                origin=capture_origin(),
            )
        if num_regressors < 0:
            raise GraphcError(
                "num_regressors must be 0 or more",
                given=repr(num_regressors),
                origin=capture_origin(),
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable(dtype=floatx(), name="num_samples")
        self._sums: dict[str, Variable] = {}

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        labels, predictions = (cast_to(each, self.dtype) for each in paired(y_true, y_pred))
        outputs = predictions.shape[-1] if predictions.ndim == 2 else None
        if labels.ndim != 2 or not isinstance(outputs, int) or labels.shape[-1] != outputs:
            raise misfit(labels, predictions, "both [batch, outputs], the number of outputs known")
        if not self._sums:
            for name in ("squared_sum", "sum", "residual", "count"):
                self._sums[name] = self.add_variable((outputs,), dtype=floatx(), name=name)
        graph = graph_of([labels, predictions, sample_weight])
        given = 1.0 if sample_weight is None else sample_weight
        weight = cast_to(to_tensor(given, None, graph), self.dtype)
        weight = expand_dims(weight, 1) if weight.ndim == 1 else weight
        weight = broadcast_to(weight, labels.shape)
        weighed = multiply(labels, weight)
        for name, values in (
            ("sum", weighed),
            ("squared_sum", multiply(labels, weighed)),
            ("residual", multiply(square(subtract(labels, predictions)), weight)),
            ("count", weight),
        ):
            self._sums[name].assign_add(cast_to(reduce_sum(values, axis=0), floatx()))
        number = to_tensor(size(labels), None, labels.graph)
        self.num_samples.assign_add(cast_to(number, floatx()))

    def result(self) -> Tensor:
        if not self._sums:
            raise GraphcError(
                f"the metric {self.name!r} does not know yet how many outputs there are",
                fix="update it first",
                origin=capture_origin(),
            )
        total_sum = self._sums["sum"].value
        average = divide(total_sum, self._sums["count"])
        variation = subtract(self._sums["squared_sum"], multiply(total_sum, average))
        scores = subtract(1.0, divide(self._sums["residual"], variation))
        scores = where(isinf(scores), scalar_like(scores, 0), scores)
        if self.class_aggregation == "uniform_average":
            scores = mean(scores)
        elif self.class_aggregation is not None:
            weighed = reduce_sum(multiply(variation, scores))
            scores = divide(weighed, reduce_sum(variation))
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, scores: Tensor) -> Tensor:
        spare = subtract(self.num_samples, float(self.num_regressors + 1))
        enough = greater(spare, 0.0)
        below = where(enough, spare, scalar_like(spare, 1))
        lost = multiply(subtract(1.0, scores), subtract(self.num_samples, 1.0))
        return where(enough, subtract(1.0, divide(lost, below)), scores)

"""Weighted harmonic means of precision and recall."""

from __future__ import annotations

from typing import Any, Literal, get_args

import graphc.settings as settings
from graphc.errors import GraphcError, did_you_mean
from graphc.ir.origin import capture_origin
from graphc.losses.label_shapes import misfit
from graphc.metrics.metric import Metric
from graphc.ops.arithmetic import absolute, add, divide, multiply, subtract
from graphc.ops.comparison import greater, greater_equal, logical_and
from graphc.ops.conversion import cast_to, graph_of, to_tensor
from graphc.ops.reductions import max as reduce_max
from graphc.ops.reductions import mean
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import expand_dims
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable

Average = Literal["micro", "macro", "weighted"]


class FBetaScore(Metric):
    """(1 + beta²) · precision · recall / (beta² · precision + recall), for each class.

    Args:
        average: None for one score per class, f32[classes]; "micro" counts all classes together,
            "macro" is the mean of the scores, "weighted" weighs them by the number of labels.
        beta: how much more recall counts than precision.
        threshold: above which a prediction is positive; None takes the largest of each sample.
        name: in logs.
        dtype: element type of the result.

    Raises:
        GraphcError: an argument is none of these.
    """

    def __init__(
        self,
        average: Average | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if average is not None and average not in get_args(Average):
            raise GraphcError(
                f"there is no average {average!r}",
                fix=did_you_mean(str(average), get_args(Average)),
                origin=capture_origin(),
            )
        if not beta > 0:
            raise GraphcError("beta must be above 0", given=repr(beta), origin=capture_origin())
        if threshold is not None and not 0 < threshold <= 1:
            raise GraphcError(
                "threshold must be above 0, and 1 at most",
                given=repr(threshold),
                fix="leave it out to take the largest prediction of each sample",
                origin=capture_origin(),
            )
        self.average, self.beta, self.threshold = average, float(beta), threshold
        self.needs_probabilities = threshold is not None
        self._counts: dict[str, Variable] = {}

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        graph = graph_of([y_true, y_pred, sample_weight])
        labels = cast_to(to_tensor(y_true, None, graph), self.dtype)
        predictions = cast_to(to_tensor(y_pred, None, graph), self.dtype)
        classes = predictions.shape[-1] if predictions.ndim == 2 else None
        if labels.ndim != 2 or not isinstance(classes, int) or labels.shape[-1] != classes:
            raise misfit(
                labels,
                predictions,
                "both [batch, classes], the number of classes known",
                "for class numbers, ops.one_hot(labels, classes)",
            )
        if not self._counts:
            shape = () if self.average == "micro" else (classes,)
            for name in ("true_positives", "false_positives", "false_negatives"):
                self._counts[name] = self.add_variable(shape, name=name)
            self._counts["labels"] = self.add_variable(shape, name="intermediate_weights")
        chosen = cast_to(self._chosen(predictions), self.dtype)
        weight = None
        if sample_weight is not None:
            weight = cast_to(to_tensor(sample_weight, None, graph), self.dtype)
            weight = expand_dims(weight, 1) if weight.ndim == 1 else weight

        for name, values in (
            ("true_positives", multiply(chosen, labels)),
            ("false_positives", multiply(chosen, subtract(1.0, labels))),
            ("false_negatives", multiply(subtract(1.0, chosen), labels)),
            ("labels", labels),
        ):
            weighed = values if weight is None else multiply(values, weight)
            total = reduce_sum(weighed, axis=None if self.average == "micro" else 0)
            self._counts[name].assign_add(total)

    def _chosen(self, predictions: Tensor) -> Tensor:
        if self.threshold is not None:
            return greater(predictions, self.threshold)
        largest = reduce_max(predictions, axis=-1, keepdims=True)
        is_anything = greater(absolute(predictions), 1e-9)
        return logical_and(greater_equal(predictions, largest), is_anything)

    def result(self) -> Tensor:
        if not self._counts:
            raise GraphcError(
                f"the metric {self.name!r} does not know yet how many classes there are",
                fix="update it first",
                origin=capture_origin(),
            )
        tiny = settings.epsilon.get()
        right = self._counts["true_positives"].value
        precision = divide(right, add(add(right, self._counts["false_positives"]), tiny))
        recall = divide(right, add(add(right, self._counts["false_negatives"]), tiny))
        both = add(multiply(precision, self.beta**2), recall)
        scores = divide(multiply(precision, recall), add(both, tiny))
        scores = multiply(scores, 1 + self.beta**2)
        if self.average == "weighted":
            number = self._counts["labels"].value
            return reduce_sum(multiply(scores, divide(number, add(reduce_sum(number), tiny))))
        return scores if self.average is None else mean(scores)


class F1Score(FBetaScore):
    """2 · precision · recall / (precision + recall), for each class.

    Args:
        average: see `FBetaScore`.
        threshold: above which a prediction is positive; None takes the largest of each sample.
        name: in logs.
        dtype: element type of the result.

    Raises:
        GraphcError: an argument is none of these.
    """

    def __init__(
        self,
        average: Average | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

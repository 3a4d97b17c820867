"""The area under the curve that all thresholds draw."""

from __future__ import annotations

from typing import Any, get_args
from typing import Literal as OneOf

import numpy as np

import graphc.settings as settings
from graphc.errors import GraphcError, did_you_mean
from graphc.ir.origin import capture_origin
from graphc.losses.label_shapes import misfit
from graphc.metrics.confusion import CountsAtThresholds
from graphc.ops.arithmetic import add, divide, divide_no_nan, multiply, subtract
from graphc.ops.comparison import equal, greater, logical_and, maximum, minimum, where
from graphc.ops.conversion import cast_to, floatx, graph_of, to_tensor
from graphc.ops.exponential import log
from graphc.ops.filling import scalar_like
from graphc.ops.reductions import mean
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.smooth_activations import sigmoid
from graphc.ops.tensor import Tensor

Curve = OneOf["ROC", "PR", "PRGAIN"]
Summation = OneOf["interpolation", "majoring", "minoring"]


class AUC(CountsAtThresholds):
    """The area under a curve of two rates, each point of it being a threshold.

    A step costs one addition per prediction where thresholds are evenly spaced; the area is
    computed only where it is read.

    Args:
        num_thresholds: how many points the curve has; more are exacter.
        curve: "ROC" draws recall over the share of false positives, "PR" precision over recall,
            "PRGAIN" both as gains over always saying yes (Flach and Kull, NeurIPS 2015).
        summation_method: the height between two points: "interpolation" their mean (along "PR"
            true positives are interpolated instead: Davis and Goadrich, ICML 2006), "minoring"
            the lower, "majoring" the higher of them.
        name: in logs.
        dtype: accepted for Keras's sake: counts are kept in `floatx()`.
        thresholds: between 0 and 1, in place of evenly spaced ones; 0 and 1 are added.
        multi_label: whether each label of [batch, labels] has a curve of its own; the result is
            the mean of the areas. Otherwise all predictions are counted together.
        num_labels: of `multi_label`; by default that of the first predictions.
        label_weights: f32[labels]: of the areas with `multi_label`, else of the predictions.
        from_logits: whether predictions are logits, that a sigmoid makes probabilities.

    Raises:
        GraphcError: an argument is none of these.
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: Curve = "ROC",
        summation_method: Summation = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        self.curve: str = _one_of(curve.upper(), Curve, "curve")
        self.summation_method: str = _one_of(
            summation_method.lower(), Summation, "summation_method"
        )
        if thresholds is None and num_thresholds <= 1:
            raise _mistake("num_thresholds must be above 1", num_thresholds)
        if num_labels and not multi_label:
            raise _mistake("num_labels is only for multi_label=True", num_labels)
        if thresholds is None:
            steps = num_thresholds - 1
            inner = [place / steps for place in range(1, steps)]
        else:
            inner = sorted(float(each) for each in thresholds)
        beyond = settings.epsilon.get()
        limits = [-beyond, *inner, 1 + beyond]
        of_predictions = None if multi_label else label_weights
        super().__init__(name, dtype, limits, by_label=multi_label, label_weights=of_predictions)
        self.num_thresholds = len(limits)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = label_weights
        self.from_logits = from_logits
        self.needs_probabilities = not from_logits
        if not multi_label:
            self._keep()
        elif num_labels:
            self._keep(num_labels)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        graph = graph_of([y_true, y_pred, sample_weight])
        predictions = cast_to(to_tensor(y_pred, None, graph), floatx())
        if self.multi_label:
            labels = to_tensor(y_true, None, graph)
            size = predictions.shape[-1] if predictions.ndim == 2 else None
            kept = self._counts["true_positives"].shape[-1] if self._counts else size
            if not isinstance(size, int) or size != kept:
                expected = f"[batch, {kept if self._counts else 'labels'}] with multi_label=True"
                raise misfit(labels, predictions, expected)
            if not self._counts:
                self._keep(size)
        if self.from_logits:
            predictions = sigmoid(predictions)
        self._count(y_true, predictions, sample_weight)

    def result(self) -> Tensor:
        if not self._counts:
            raise GraphcError(
                f"the metric {self.name!r} does not know yet how many labels there are",
                fix="update it first, or say num_labels=",
                origin=capture_origin(),
            )
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._of_labels(self._interpolated_parts())
        x, y = self._points()
        heights = {
            "interpolation": lambda: divide(add(y[:-1], y[1:]), 2.0),
            "minoring": lambda: minimum(y[:-1], y[1:]),
            "majoring": lambda: maximum(y[:-1], y[1:]),
        }[self.summation_method]()
        return self._of_labels(multiply(subtract(x[:-1], x[1:]), heights))

    def _points(self) -> tuple[Tensor, Tensor]:
        recall = self._ratio("true_positives", "false_negatives")
        if self.curve == "ROC":
            return self._ratio("false_positives", "true_negatives"), recall
        if self.curve == "PR":
            return recall, self._ratio("true_positives", "false_positives")
        right, wrong, left, missed = (
            self._counts[what].value
            for what in ("true_positives", "false_positives", "true_negatives", "false_negatives")
        )
        odds = divide_no_nan(add(right, missed), add(left, wrong))
        zero, one = scalar_like(right, 0), scalar_like(right, 1)
        gains = (
            where(equal(right, zero), default, subtract(1.0, multiply(odds, share)))
            for default, share in (
                (zero, divide_no_nan(missed, right)),
                (one, divide_no_nan(wrong, right)),
            )
        )
        recall_gain, precision_gain = gains
        return maximum(recall_gain, zero), precision_gain

    def _interpolated_parts(self) -> Tensor:
        right = self._counts["true_positives"].value
        chosen = add(right, self._counts["false_positives"])
        labelled = add(right, self._counts["false_negatives"])
        more_right = subtract(right[:-1], right[1:])
        more_chosen = subtract(chosen[:-1], chosen[1:])
        slope = divide_no_nan(more_right, maximum(more_chosen, 0.0))
        offset = subtract(right[1:], multiply(slope, chosen[1:]))
        both = logical_and(greater(chosen[:-1], 0.0), greater(chosen[1:], 0.0))
        ratio = divide_no_nan(chosen[:-1], maximum(chosen[1:], 0.0))
        ratio = where(both, ratio, scalar_like(ratio, 1))
        part = multiply(slope, add(more_right, multiply(offset, log(ratio))))
        return divide_no_nan(part, maximum(labelled[1:], 0.0))

    def _of_labels(self, parts: Tensor) -> Tensor:
        areas = reduce_sum(parts, axis=0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return mean(areas)
        weights = np.asarray(self.label_weights, np.float32)
        return divide_no_nan(reduce_sum(multiply(areas, weights)), float(weights.sum()))


def _one_of(given: str, choices: Any, what: str) -> str:
    if given in get_args(choices):
        return given
    raise GraphcError(
        f"there is no {what} {given!r}",
        fix=did_you_mean(given, get_args(choices)),
        origin=capture_origin(),
    )


def _mistake(what: str, given: Any) -> GraphcError:
    return GraphcError(what, given=repr(given), origin=capture_origin())

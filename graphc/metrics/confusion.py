"""Counts of true and false positives and negatives, precision and recall."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from graphc.metrics.confusion_counts import NEVER, checked_thresholds, confusion_counts
from graphc.metrics.metric import Metric
from graphc.ops.arithmetic import add, divide_no_nan
from graphc.ops.conversion import floatx
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable

ALL_COUNTS: Final = ("true_positives", "false_positives", "true_negatives", "false_negatives")


class CountsAtThresholds(Metric):
    """Keeps counts at thresholds, in `floatx()` whatever the metric's own type.

    Args:
        name: in logs.
        dtype: see `Metric`.
        thresholds: above which a prediction counts as positive.
        **options: of `confusion_counts`.
    """

    counted: ClassVar[tuple[str, ...]] = ALL_COUNTS

    def __init__(
        self, name: str | None, dtype: Any, thresholds: list[float], **options: Any
    ) -> None:
        super().__init__(dtype, name)
        self.thresholds = thresholds
        self.class_id: int | None = options.get("class_id")
        self._options = options
        self._counts: dict[str, Variable] = {}
        # with thresholds below all predictions, or of logits, these need not be probabilities
        self.needs_probabilities = thresholds not in ([0.0], [NEVER])

    def _keep(self, *labels: int) -> None:
        for what in self.counted:
            shape = (len(self.thresholds), *labels)
            self._counts[what] = self.add_variable(shape, dtype=floatx(), name=what)

    def _count(self, y_true: Any, y_pred: Any, sample_weight: Any) -> None:
        found = confusion_counts(
            y_true,
            y_pred,
            self.thresholds,
            floatx(),
            sample_weight=sample_weight,
            **self._options,
        )
        for what, variable in self._counts.items():
            variable.assign_add(getattr(found, what))

    def _ratio(self, what: str, other: str) -> Tensor:
        """What / (what + other), 0 where nothing was counted."""
        counted = self._counts[what]
        return divide_no_nan(counted, add(counted, self._counts[other]))

    def _one_or_all(self, values: Tensor) -> Tensor:
        return values[0] if len(self.thresholds) == 1 else values


class _ConditionCount(CountsAtThresholds):
    def __init__(self, thresholds: Any, name: str | None, dtype: Any) -> None:
        super().__init__(name, dtype, checked_thresholds(thresholds))
        self._keep()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self._count(y_true, y_pred, sample_weight)

    def result(self) -> Tensor:
        (accumulator,) = self._counts.values()
        return self._one_or_all(accumulator.value)


class TruePositives(_ConditionCount):
    """How many predictions above a threshold have a label that is not 0.

    Args:
        thresholds: one between 0 and 1, or several for a result f32[thresholds]; 0.5 by default.
        name: in logs.
        dtype: accepted for Keras's sake: counts are kept in `floatx()`.

    Raises:
        GraphcError: a threshold is not between 0 and 1.
    """

    counted = ("true_positives",)

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(thresholds, name, dtype)


class FalsePositives(_ConditionCount):
    """How many predictions above a threshold have the label 0.

    Args:
        thresholds: one between 0 and 1, or several for a result f32[thresholds]; 0.5 by default.
        name: in logs.
        dtype: accepted for Keras's sake: counts are kept in `floatx()`.

    Raises:
        GraphcError: a threshold is not between 0 and 1.
    """

    counted = ("false_positives",)

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(thresholds, name, dtype)


class TrueNegatives(_ConditionCount):
    """How many predictions not above a threshold have the label 0.

    Args:
        thresholds: one between 0 and 1, or several for a result f32[thresholds]; 0.5 by default.
        name: in logs.
        dtype: accepted for Keras's sake: counts are kept in `floatx()`.

    Raises:
        GraphcError: a threshold is not between 0 and 1.
    """

    counted = ("true_negatives",)

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(thresholds, name, dtype)


class FalseNegatives(_ConditionCount):
    """How many predictions not above a threshold have a label that is not 0.

    Args:
        thresholds: one between 0 and 1, or several for a result f32[thresholds]; 0.5 by default.
        name: in logs.
        dtype: accepted for Keras's sake: counts are kept in `floatx()`.

    Raises:
        GraphcError: a threshold is not between 0 and 1.
    """

    counted = ("false_negatives",)

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(thresholds, name, dtype)


class _Share(CountsAtThresholds):
    def __init__(
        self, thresholds: Any, top_k: int | None, class_id: int | None, name: str | None, dtype: Any
    ) -> None:
        listed = checked_thresholds(thresholds, 0.5 if top_k is None else NEVER)
        super().__init__(name, dtype, listed, top_k=top_k, class_id=class_id)
        self.top_k = top_k
        self._keep()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self._count(y_true, y_pred, sample_weight)

    def result(self) -> Tensor:
        return self._one_or_all(self._ratio(*self.counted))


class Precision(_Share):
    """Of the predictions that are positive, the share that is so rightly.

    Args:
        thresholds: above which a prediction is positive: one between 0 and 1, or several for a
            result f32[thresholds]; 0.5 by default, none with `top_k`.
        top_k: only the k largest predictions of each sample may be positive.
        class_id: which index along the last axis counts; all of them for None.
        name: in logs.
        dtype: accepted for Keras's sake: counts are kept in `floatx()`.

    Raises:
        GraphcError: a threshold is not between 0 and 1.
    """

    counted = ("true_positives", "false_positives")

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, top_k, class_id, name, dtype)


class Recall(_Share):
    """Of the labels that are not 0, the share that is predicted so.

    Args:
        thresholds: above which a prediction is positive: one between 0 and 1, or several for a
            result f32[thresholds]; 0.5 by default, none with `top_k`.
        top_k: only the k largest predictions of each sample may be positive.
        class_id: which index along the last axis counts; all of them for None.
        name: in logs.
        dtype: accepted for Keras's sake: counts are kept in `floatx()`.

    Raises:
        GraphcError: a threshold is not between 0 and 1.
    """

    counted = ("true_positives", "false_negatives")

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, top_k, class_id, name, dtype)

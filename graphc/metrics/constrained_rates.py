"""The best of one rate over all thresholds where another rate is high enough."""

from __future__ import annotations

from typing import Any

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.metrics.confusion import CountsAtThresholds
from graphc.ops.comparison import greater_equal, where
from graphc.ops.filling import scalar_like
from graphc.ops.reductions import max as reduce_max
from graphc.ops.tensor import Tensor


class _BestWhere(CountsAtThresholds):
    def __init__(
        self,
        what: str,
        least: float,
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
        dtype: Any,
    ) -> None:
        if not 0 <= least <= 1:
            raise GraphcError(
                f"{what} must be between 0 and 1", given=repr(least), origin=capture_origin()
            )
        if num_thresholds <= 0:
            raise GraphcError(
                "num_thresholds must be above 0",
                given=repr(num_thresholds),
                origin=capture_origin(),
            )
        steps = num_thresholds - 1
        thresholds = [0.5] if not steps else [place / steps for place in range(num_thresholds)]
        super().__init__(name, dtype, thresholds, class_id=class_id)
        self.value, self.num_thresholds = least, num_thresholds
        self._keep()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self._count(y_true, y_pred, sample_weight)

    def _best(self, wanted: Tensor, bounded: Tensor) -> Tensor:
        """The largest of the wanted, 0 at least, where the bounded is high enough."""
        is_high = greater_equal(bounded, self.value)
        return reduce_max(where(is_high, wanted, scalar_like(wanted, 0)), initial=0)

    @property
    def _sensitivities(self) -> Tensor:
        return self._ratio("true_positives", "false_negatives")

    @property
    def _specificities(self) -> Tensor:
        return self._ratio("true_negatives", "false_positives")

    @property
    def _precisions(self) -> Tensor:
        return self._ratio("true_positives", "false_positives")


class SensitivityAtSpecificity(_BestWhere):
    """The best share of labels that are not 0 found, where enough others are left alone.

    Args:
        specificity: at least so high, between 0 and 1.
        num_thresholds: how many, from 0 to 1, are tried.
        class_id: which index along the last axis counts; all of them for None.
        name: in logs.
        dtype: accepted for Keras's sake: counts are kept in `floatx()`.

    Raises:
        GraphcError: specificity is not between 0 and 1, or there are no thresholds.
    """

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("specificity", specificity, num_thresholds, class_id, name, dtype)

    def result(self) -> Tensor:
        return self._best(self._sensitivities, self._specificities)


class SpecificityAtSensitivity(_BestWhere):
    """The best share of labels 0 left alone, where enough of the others are found.

    Args:
        sensitivity: at least so high, between 0 and 1.
        num_thresholds: how many, from 0 to 1, are tried.
        class_id: which index along the last axis counts; all of them for None.
        name: in logs.
        dtype: accepted for Keras's sake: counts are kept in `floatx()`.

    Raises:
        GraphcError: sensitivity is not between 0 and 1, or there are no thresholds.
    """

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("sensitivity", sensitivity, num_thresholds, class_id, name, dtype)

    def result(self) -> Tensor:
        return self._best(self._specificities, self._sensitivities)


class PrecisionAtRecall(_BestWhere):
    """The best precision at a recall that is high enough.

    Args:
        recall: at least so high, between 0 and 1.
        num_thresholds: how many, from 0 to 1, are tried.
        class_id: which index along the last axis counts; all of them for None.
        name: in logs.
        dtype: accepted for Keras's sake: counts are kept in `floatx()`.

    Raises:
        GraphcError: recall is not between 0 and 1, or there are no thresholds.
    """

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("recall", recall, num_thresholds, class_id, name, dtype)

    def result(self) -> Tensor:
        return self._best(self._precisions, self._sensitivities)


class RecallAtPrecision(_BestWhere):
    """The best recall at a precision that is high enough.

    Args:
        precision: at least so high, between 0 and 1.
        num_thresholds: how many, from 0 to 1, are tried.
        class_id: which index along the last axis counts; all of them for None.
        name: in logs.
        dtype: accepted for Keras's sake: counts are kept in `floatx()`.

    Raises:
        GraphcError: precision is not between 0 and 1, or there are no thresholds.
    """

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("precision", precision, num_thresholds, class_id, name, dtype)

    def result(self) -> Tensor:
        return self._best(self._sensitivities, self._precisions)

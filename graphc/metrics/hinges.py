"""Hinge losses as metrics: how far predictions are from the right side of a margin."""

from __future__ import annotations

from typing import Any

from graphc.losses.hinges import categorical_hinge, hinge, squared_hinge
from graphc.metrics.reductions import MeanMetricWrapper


class Hinge(MeanMetricWrapper):
    """The mean of max(1 - y_true · y_pred, 0), labels -1 or 1 (or 0 or 1).

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(self, name: str | None = "hinge", dtype: Any = None) -> None:
        super().__init__(hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """The mean of max(1 - y_true · y_pred, 0)², labels -1 or 1 (or 0 or 1).

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(self, name: str | None = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """The mean of how much the best wrong class comes near the right one.

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(self, name: str | None = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(categorical_hinge, name, dtype)

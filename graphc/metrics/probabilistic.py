"""Crossentropies and other distances between distributions, on average."""

from __future__ import annotations

from typing import Any

from graphc.losses.crossentropy import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from graphc.losses.likelihoods import kl_divergence, poisson
from graphc.metrics.reductions import MeanMetricWrapper


class KLDivergence(MeanMetricWrapper):
    """The mean of sum(y_true · log(y_true / y_pred)), both of them distributions.

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    needs_probabilities = True

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """The mean of y_pred - y_true · log(y_pred), predictions being rates.

    Args:
        name: in logs.
        dtype: element type of the result.
    """

    def __init__(self, name: str | None = "poisson", dtype: Any = None) -> None:
        super().__init__(poisson, name, dtype)


class BinaryCrossentropy(MeanMetricWrapper, names=("bce", "BCE")):
    """The mean crossentropy of labels 0 or 1.

    Args:
        name: in logs.
        dtype: element type of the result.
        from_logits: whether predictions are logits, not probabilities.
        label_smoothing: how much of the labels is spread over all classes.
    """

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )
        self.from_logits = from_logits
        self.needs_probabilities = not from_logits


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean crossentropy of one-hot labels.

    Args:
        name: in logs.
        dtype: element type of the result.
        from_logits: whether predictions are logits, not probabilities.
        label_smoothing: how much of the labels is spread over all classes.
        axis: of the classes.
    """

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
        self.from_logits = from_logits
        self.needs_probabilities = not from_logits


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean crossentropy of class numbers.

    Args:
        name: in logs.
        dtype: element type of the result.
        from_logits: whether predictions are logits, not probabilities.
        ignore_class: a class number that stands for no class.
        axis: of the classes.
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
        self.from_logits = from_logits
        self.needs_probabilities = not from_logits

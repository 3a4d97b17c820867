"""Floor 4: losses under Keras's names."""

from graphc.losses.crossentropy import SparseCategoricalCrossentropy
from graphc.losses.loss import Loss
from graphc.losses.regression import MeanSquaredError

__all__ = ["Loss", "MeanSquaredError", "SparseCategoricalCrossentropy"]

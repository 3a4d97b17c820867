"""Floor 4: penalties on weights and results, under Keras's names."""

from graphc.regularizers.regularizer import Regularizer, get

__all__ = ["Regularizer", "get"]

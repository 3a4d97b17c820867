"""Floor 4: layers, thin builders of graph nodes under Keras's names."""

from graphc.layers.dense import Dense
from graphc.layers.layer import Layer

__all__ = ["Dense", "Layer"]

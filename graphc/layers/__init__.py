"""Floor 4: layers, thin builders of graph nodes under Keras's names."""

from graphc.layers.dense import Dense
from graphc.layers.input_spec import InputSpec
from graphc.layers.layer import Layer

__all__ = ["Dense", "InputSpec", "Layer"]

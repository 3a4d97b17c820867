"""Floor 4: layers, thin builders of graph nodes under Keras's names."""

from graphc.layers.dense import Dense as Dense
from graphc.layers.input_layer import Input as Input
from graphc.layers.input_layer import InputLayer as InputLayer
from graphc.layers.input_spec import InputSpec as InputSpec
from graphc.layers.layer import Layer as Layer
from graphc.layers.serialization import deserialize as deserialize
from graphc.layers.serialization import serialize as serialize

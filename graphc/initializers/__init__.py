"""Floor 4: how variables begin, under Keras's names."""

from graphc.initializers.constants import Constant, Ones, Zeros
from graphc.initializers.initializer import Initializer, get
from graphc.initializers.random import (
    GlorotUniform,
    HeUniform,
    RandomNormal,
    RandomUniform,
    VarianceScaling,
)

__all__ = [
    "Constant",
    "GlorotUniform",
    "HeUniform",
    "Initializer",
    "Ones",
    "RandomNormal",
    "RandomUniform",
    "VarianceScaling",
    "Zeros",
    "get",
]

"""A layer that applies an activation function."""

from __future__ import annotations

from typing import Any

import graphc.activations as activations
from graphc.layers.layer import Layer
from graphc.ops.tensor import Tensor


class Activation(Layer):
    """An activation function: f[…], to the same shape.

    Args:
        activation: its name ("relu"), or a function of a tensor.
        **kwargs: see `Layer`.
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(inputs)

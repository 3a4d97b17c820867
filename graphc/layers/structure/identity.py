"""A layer that hands its inputs on."""

from __future__ import annotations

from typing import Any

from graphc.layers.layer import Layer


class Identity(Layer):
    """The inputs, whatever their nesting.

    Args:
        **kwargs: see `Layer`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs

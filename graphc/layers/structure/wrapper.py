"""What layers around another layer share."""

from __future__ import annotations

from typing import Any

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer


class Wrapper(Layer):
    """A layer around another one; a base class.

    Args:
        layer: the other layer.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: it is no layer.
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise GraphcError(
                f"{type(self).__name__} goes around a layer",
                given=repr(layer)[:200],
                fix="hand over a layer, not its class or its name",
                origin=capture_origin(),
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)

"""A call of a layer, as functional models replay it on other tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from graphc.ops.bodies import flatten
from graphc.ops.tensor import Tensor

if TYPE_CHECKING:
    from graphc.layers.layer import Layer


class LayerCall:
    """What a layer was called with, and what came out.

    Attributes:
        layer: the layer.
        given: the arguments that the caller gave, by name.
        outputs: its results.
        tensors: those among the arguments.
    """

    def __init__(self, layer: Layer, given: Mapping[str, Any], outputs: Any) -> None:
        self.layer = layer
        self.given = dict(given)
        self.outputs = outputs
        self.tensors = [leaf for leaf in flatten(self.given)[0] if isinstance(leaf, Tensor)]

    @property
    def inputs(self) -> Any:
        """The first argument."""
        return next(iter(self.given.values()), None)

    @property
    def results(self) -> list[Tensor]:
        """The tensors among the outputs."""
        return [leaf for leaf in flatten(self.outputs)[0] if isinstance(leaf, Tensor)]

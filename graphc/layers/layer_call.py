"""A call of a layer, as functional models replay it on other tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.bodies import flatten, unflatten
from graphc.ops.identities import copy
from graphc.ops.masks import mask_of, set_mask
from graphc.ops.tensor import Tensor

if TYPE_CHECKING:
    from graphc.layers.layer import Layer


class LayerCall:
    """What a layer was called with, and what came out.

    Attributes:
        layer: the layer.
        given: the arguments that the caller gave, by name.
        outputs: its results.
        by_position: the names of the arguments that were given without.
        tensors: those among the arguments, in Keras's order, on which that of a model's weights
            depends: by position as they were given, then by keyword in the order of the alphabet.
    """

    def __init__(
        self, layer: Layer, given: Mapping[str, Any], outputs: Any, by_position: int = 0
    ) -> None:
        self.layer = layer
        self.given = dict(given)
        self.outputs = outputs
        self.by_position = list(given)[:by_position]
        rest = sorted(name for name in given if name not in self.by_position)
        ordered = [given[name] for name in [*self.by_position, *rest]]
        self.tensors = [leaf for leaf in flatten(ordered)[0] if isinstance(leaf, Tensor)]

    def repeated(self, given: Mapping[str, Any]) -> Any:
        """The layer called on other arguments of the same names."""
        return call_as_before(self.layer, given, self.by_position)

    @property
    def inputs(self) -> Any:
        """The first argument."""
        return next(iter(self.given.values()), None)

    @property
    def results(self) -> list[Tensor]:
        """The tensors among the outputs."""
        return [leaf for leaf in flatten(self.outputs)[0] if isinstance(leaf, Tensor)]


def call_as_before(layer: Layer, given: Mapping[str, Any], by_position: Sequence[str]) -> Any:
    """Call a layer with these of the arguments by position, which Keras's order heeds."""
    rest = {name: value for name, value in given.items() if name not in by_position}
    return layer(*[given[name] for name in by_position], **rest)


def as_new_tensors(outputs: Any, given: dict[str, Any], layer: str) -> Any:
    """The outputs, with a tensor of its own where a layer hands an input on.

    So a Dropout, which does nothing outside of training, stays a step of a functional model.

    Raises:
        GraphcError: there is nothing, since a `call` has no `return`.
    """
    if outputs is None:
        raise GraphcError(
            f"the layer {layer!r} gives nothing",
            given="a call(...) that returned None",
            fix="end it with `return outputs`",
            origin=capture_origin(),
        )
    leaves, tree = flatten(outputs)
    inputs = {leaf.value for leaf in flatten(given)[0] if isinstance(leaf, Tensor)}
    if not any(isinstance(leaf, Tensor) and leaf.value in inputs for leaf in leaves):
        return outputs
    made: list[Any] = []
    for leaf in leaves:
        if isinstance(leaf, Tensor) and leaf.value in inputs:
            mask = mask_of(leaf)
            leaf = copy(leaf)
            if mask is not None:
                set_mask(leaf, mask)
        made.append(leaf)
    return unflatten(tree, made)

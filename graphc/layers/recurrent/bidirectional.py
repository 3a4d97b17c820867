"""A recurrent layer in both directions.

Source: Schuster and Paliwal 1997, bidirectional recurrent neural networks.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final

from graphc.configurable import deserialize, serialize
from graphc.errors import GraphcError, ShapeError
from graphc.ir.literal import as_literal
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.ops.arithmetic import add, divide, multiply
from graphc.ops.bodies import flatten
from graphc.ops.joining import concatenate
from graphc.ops.shaping import flip
from graphc.ops.tensor import Tensor

_MERGES: Final[dict[str, Callable[[Tensor, Tensor], Tensor]]] = {
    "concat": lambda forth, back: concatenate([forth, back], -1),
    "sum": add,
    "ave": lambda forth, back: divide(add(forth, back), 2),
    "mul": multiply,
}


class Bidirectional(Layer):
    """A recurrent layer that goes forth, and a copy that goes back over the same sequence.

    Args:
        layer: an `RNN` or another layer with its attributes. Both directions are made anew from
            the arguments of its constructor.
        merge_mode: what becomes of the two outputs: "concat" (along the last axis), "sum", "ave"
            (their mean), "mul", or None: both are results.
        weights: initial values: those of the forward layer, then those of the backward layer.
        backward_layer: the one that goes back, which is used as it is.
        **kwargs: see `Layer`.

    Results are in the order of the sequence. With `return_state` the states of the forward layer
    follow, then those of the backward layer; `initial_state` is in that order as well.
    """

    def __init__(
        self,
        layer: Layer,
        merge_mode: str | None = "concat",
        weights: Sequence[Any] | None = None,
        backward_layer: Layer | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        _require_layer(layer)
        if merge_mode is not None and merge_mode not in _MERGES:
            raise GraphcError(
                f"there is no merge mode {merge_mode!r}",
                expected=f"None or one of {', '.join(_MERGES)}",
                origin=capture_origin(),
            )
        self.forward_layer: Any = _copied(layer, "forward_")
        if backward_layer is None:
            self.backward_layer: Any = _copied(layer, "backward_", go_backwards=True)
        else:
            self.backward_layer = _require_layer(backward_layer)
        _require_opposite(self.forward_layer, self.backward_layer)
        for each in (self.forward_layer, self.backward_layer):
            if getattr(each, "zero_output_for_mask", None) is not None:
                # Outputs of masked steps must not be those of other steps: they are merged.
                each.zero_output_for_mask = each.return_sequences
        self.merge_mode = merge_mode
        self._initial_weights = list(weights or [])
        self.stateful: bool = layer.stateful  # type: ignore[attr-defined]
        self.return_sequences: bool = layer.return_sequences  # type: ignore[attr-defined]
        self.return_state: bool = layer.return_state  # type: ignore[attr-defined]
        self.supports_masking = True
        self.input_spec = layer.input_spec

    @property
    def states(self) -> tuple[Any, ...] | None:
        """The variables of a stateful layer: forward, then backward."""
        forward, backward = self.forward_layer.states, self.backward_layer.states
        return (*forward, *backward) if forward and backward else None

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        for each in (self.forward_layer, self.backward_layer):
            if not each.built:
                each.build(sequences_shape)
        if self._initial_weights:
            _begin_with(self.weights, self._initial_weights, self.name)

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        takes_mask = "mask" in inspect.signature(self.forward_layer.call).parameters
        shared = {"mask": mask} if takes_mask and mask is not None else {}
        given: list[dict[str, Any]] = [shared, shared]
        if initial_state is not None:
            half = len(initial_state) // 2
            halves = initial_state[:half], initial_state[half:]
            given = [{**shared, "initial_state": list(states)} for states in halves]
        forth = self.forward_layer(sequences, **given[0])
        back = self.backward_layer(sequences, **given[1])
        states: tuple[Any, ...] = ()
        if self.return_state:
            (forth, *of_forth), (back, *of_back) = forth, back
            states = (*of_forth, *of_back)
        if self.return_sequences:
            back = flip(back, 1)
        if self.merge_mode is None:
            return (forth, back, *states)
        merged = _MERGES[self.merge_mode](forth, back)
        return (merged, *states) if self.return_state else merged

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        masks = flatten(previous_mask)[0]
        of_outputs = masks[0] if masks and self.return_sequences else None
        return (of_outputs, of_outputs) if self.merge_mode is None else of_outputs

    def reset_states(self) -> None:
        """Let the next call begin with zeros in both directions."""
        self.reset_state()

    def reset_state(self) -> None:
        """Let the next call begin with zeros in both directions.

        Raises:
            GraphcError: the layer is not stateful.
        """
        if not self.stateful:
            raise GraphcError(
                f"the layer {self.name!r} keeps no states",
                fix="make its layer with stateful=True",
                origin=capture_origin(),
            )
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()


def _copied(layer: Layer, prefix: str, **changes: Any) -> Layer:
    """A layer like this one, that shares nothing with it."""
    described = serialize(layer)
    name = prefix + layer.name.removeprefix(prefix)
    described["config"] = {**described["config"], "name": name, **changes}
    classes = {type(each).__name__: type(each) for each in layer._flatten_layers()}
    return deserialize(described, "layers", classes)


def _require_layer(given: Any) -> Any:
    """What was given, which must be a layer.

    Raises:
        GraphcError: it is none.
    """
    if not isinstance(given, Layer):
        raise GraphcError(
            "Bidirectional goes around a layer",
            given=repr(given)[:200],
            expected="an object of graphc.layers",
            origin=capture_origin(),
        )
    return given


def _require_opposite(forward: Any, backward: Any) -> None:
    """Refuse two layers that cannot be the two directions of one.

    Raises:
        GraphcError: they go the same way, or give different things.
    """
    if forward.go_backwards == backward.go_backwards:
        raise GraphcError(
            "the two layers of Bidirectional go opposite ways",
            given=f"go_backwards={forward.go_backwards} for both",
            origin=capture_origin(),
        )
    for name in ("stateful", "return_sequences", "return_state"):
        if getattr(forward, name) != getattr(backward, name):
            raise GraphcError(
                f"the two layers of Bidirectional agree in {name!r}",
                given=f"{getattr(forward, name)} forward, {getattr(backward, name)} backward",
                origin=capture_origin(),
            )


def _begin_with(variables: Sequence[Any], values: Sequence[Any], layer: str) -> None:
    literals = [as_literal(v, own.dtype) for own, v in zip(variables, values, strict=False)]
    shapes = [literal.type.shape for literal in literals]
    if len(variables) != len(values) or shapes != [v.shape for v in variables]:
        raise ShapeError(
            f"the initial weights of the layer {layer!r} do not fit",
            given=f"{len(values)} arrays of shapes {shapes}",
            expected=f"shapes {[v.shape for v in variables]}",
            origin=capture_origin(),
        )
    for variable, literal in zip(variables, literals, strict=True):
        variable.initial_value = literal

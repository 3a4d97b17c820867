"""Functional models: what layers made of inputs, to be made of other tensors again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.input_layer import InputLayer
from graphc.layers.layer import Layer
from graphc.models.functional_config import describe, rebuild
from graphc.models.layer_order import ordered_layers
from graphc.models.model import Model
from graphc.models.replaying import replay, steps_between
from graphc.ops.bodies import flatten, unflatten
from graphc.ops.known_shapes import known_shapes
from graphc.ops.masks import mask_of, set_mask
from graphc.ops.shaping import expand_dims, squeeze
from graphc.ops.tensor import Tensor


class Functional(Model):
    """The model between tensors: `Model(inputs, outputs)`.

    Args:
        inputs: tensors of the graph, in any nesting; mostly `Input`s.
        outputs: tensors that were made of them, in any nesting.
        name: of the model.
        **kwargs: see `Layer`.

    Attributes:
        inputs: the input tensors, flat.
        outputs: the output tensors, flat.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self._input_structure, self._output_structure = inputs, outputs
        self.inputs = _tensors(inputs, "inputs")
        self.outputs = _tensors(outputs, "outputs")
        self._steps = steps_between(self.inputs, self.outputs)
        self._layers = ordered_layers(self.inputs, self.outputs, self._steps)
        _refuse_equal_names(self._layers)
        self.supports_masking = True
        self._graph = self.outputs[0].graph
        with self._graph.name_scope(self.name) as self._scope:
            self.built = True

    @property
    def sublayers(self) -> list[Layer]:
        return self._layers

    @property
    def input(self) -> Any:
        """The tensors that it was made on, in the nesting they were given in."""
        return self._input_structure

    @property
    def output(self) -> Any:
        return self._output_structure

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs, the keys of dictionaries of data."""
        return [tensor.op.name for tensor in self.inputs]

    @property
    def input_shape(self) -> Any:
        """Shapes of the inputs, None where a size is not known."""
        return known_shapes(self._input_structure)

    @property
    def output_shape(self) -> Any:
        """Shapes of the outputs, None where a size is not known."""
        return known_shapes(self._output_structure)

    def get_config(self) -> dict[str, Any]:
        described = describe(
            self._input_structure, self._output_structure, self._steps, self._layers
        )
        return {"name": self.name, "trainable": self.trainable, **described}

    @classmethod
    def _made_of(cls, config: Mapping[str, Any]) -> Any:
        inputs, outputs = rebuild(config)
        return cls(inputs, outputs, name=config["name"], trainable=config["trainable"])

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        arranged = self._arrange(inputs)
        given = [_of_rank(*pair) for pair in zip(arranged, self.inputs, strict=True)]
        made = replay(self._steps, self.inputs, given, self.outputs)
        if isinstance(self._output_structure, Tensor):
            return made[0]
        return unflatten(flatten(self._output_structure)[1], made)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None  # the layers inside have noted those of the outputs

    def _arrange(self, inputs: Any) -> list[Tensor]:
        """Given inputs in the order of the model's own; dictionaries go by the inputs' names."""
        if isinstance(inputs, dict):
            names = self.input_names
            if isinstance(self._input_structure, dict):
                names = sorted(self._input_structure)
            missing = [name for name in names if name not in inputs]
            if missing:
                raise GraphcError(
                    f"the model {self.name!r} needs the input {missing[0]!r}",
                    given=f"inputs named {', '.join(map(repr, inputs))}",
                    expected=f"inputs named {', '.join(map(repr, names))}",
                    origin=capture_origin(),
                )
            return [inputs[name] for name in names]
        leaves = list(flatten(inputs)[0])
        if len(leaves) != len(self.inputs):
            raise GraphcError(
                f"the model {self.name!r} takes {len(self.inputs)} inputs",
                given=f"{len(leaves)} inputs",
                expected=", ".join(f"{t.op.name} {t.value.type}" for t in self.inputs),
                origin=capture_origin(),
            )
        return leaves


def _of_rank(given: Tensor, own: Tensor) -> Tensor:
    """A given input with a last axis of size 1 more or less, where that makes it one of ours."""
    if given.ndim == own.ndim - 1 and own.shape[-1] == 1:
        made = expand_dims(given, -1)
    elif given.ndim == own.ndim + 1 and given.shape[-1] == 1:
        made = squeeze(given, -1)
    else:
        return given
    if (mask := mask_of(given)) is not None:
        set_mask(made, mask)
    return made


def _tensors(structure: Any, what: str) -> list[Tensor]:
    leaves = flatten(structure)[0]
    for leaf in leaves:
        if not isinstance(leaf, Tensor):
            raise GraphcError(
                f"the {what} of a model are tensors of the graph",
                given=repr(leaf),
                expected="graphc.Input(shape), and what layers make of it",
                origin=capture_origin(),
            )
    if not leaves:
        raise GraphcError(f"a model needs {what}", given="none", origin=capture_origin())
    return leaves


def _refuse_equal_names(layers: Sequence[Layer]) -> None:
    seen: dict[str, Layer] = {}
    for layer in layers:
        if seen.setdefault(layer.name, layer) is not layer:
            raise GraphcError(
                f"two layers of the model are called {layer.name!r}",
                given=f"a {type(seen[layer.name]).__name__} and a {type(layer).__name__}",
                expected="a name for each: get_layer and files find layers by it",
                fix="give one of them another name=",
                origin=capture_origin(),
            )


def input_layers(model: Functional) -> list[InputLayer]:
    """The layers that stand for the inputs."""
    return [layer for layer in model.layers if isinstance(layer, InputLayer)]


Model.functional = Functional

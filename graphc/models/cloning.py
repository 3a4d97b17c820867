"""Models made again from what describes them: other weights, the same layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.configurable import deserialize, serialize
from graphc.custom_objects import noted_objects
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.models.model import Model
from graphc.models.sequential import Sequential


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
) -> Any:
    """A model of the same layers, with weights of its own that begin anew; it is not compiled.

    Args:
        model: a functional or sequential model, or one with a `get_config` of its own.
        input_tensors: what a functional model is called on anew; fresh inputs by default.
        clone_function: makes a layer from each layer of a sequential model; by default from its
            configuration.

    Raises:
        GraphcError: the model cannot be described, or `clone_function` is not for this one.
    """
    if clone_function is not None:
        return _cloned_by(model, clone_function)
    with noted_objects() as named:
        described = serialize(model)
    made = deserialize(described, "layers", named)
    return made if input_tensors is None else Model(input_tensors, made(input_tensors))


def _cloned_by(model: Model, clone_function: Callable[[Any], Any]) -> Any:
    if not isinstance(model, Sequential):
        raise GraphcError(
            "clone_function is for sequential models",
            given=repr(model),
            fix="leave it out, or build the model with other layers",
            origin=capture_origin(),
        )
    made = Sequential([clone_function(layer) for layer in model.layers], name=model.name)
    if model.built:
        made.build(model.input_shape)
    return made

"""Models made again from what describes them: other weights, the same layers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from graphc.configurable import deserialize, serialize
from graphc.custom_objects import custom_object_scope, noted_objects
from graphc.errors import GraphcError, ModelFileError
from graphc.ir.origin import capture_origin
from graphc.layers.input_layer import InputLayer
from graphc.models.functional import Functional
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
        clone_function: makes a layer from each layer of a sequential or functional model; by
            default from its configuration.

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
    if isinstance(model, Sequential):
        made = Sequential([clone_function(layer) for layer in model.layers], name=model.name)
        if model.built:
            made.build(model.input_shape)
        return made
    if not isinstance(model, Functional):
        raise GraphcError(
            "clone_function is for sequential and functional models",
            given=repr(model),
            fix="leave it out, or build the model with other layers",
            origin=capture_origin(),
        )
    with noted_objects() as named:
        config = model.get_config()
    with custom_object_scope(named):
        called = [layer for layer in model.layers if not isinstance(layer, InputLayer)]
        config["layers"] = [clone_function(layer) for layer in called]
        return Functional.from_config(config)


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model that `Model.to_json` wrote, with new weights.

    Args:
        json_string: its result.
        custom_objects: your own classes and functions by name.

    Raises:
        ModelFileError: it describes no model, or needs a class of yours.
    """
    try:
        described = json.loads(json_string)
    except json.JSONDecodeError as problem:
        raise ModelFileError(
            "this is no JSON", given=str(problem), origin=capture_origin()
        ) from problem
    made = deserialize(described, "layers", custom_objects)
    if not isinstance(made, Model):
        raise ModelFileError(
            "this describes no model", given=json_string[:200], origin=capture_origin()
        )
    return made

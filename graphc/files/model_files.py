"""Whole models in one file: configuration, weights, the state of training, and IR to be read."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from graphc.configurable import deserialize, serialize
from graphc.errors import GraphcError, ModelFileError
from graphc.files.archive import Members, damaged, read_archive, write_archive
from graphc.files.weight_files import decode_values, encode_values, refuse_existing, set_values
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.ops.bodies import flatten, unflatten
from graphc.ops.known_shapes import known_sizes
from graphc.ops.slicing_graphs import slice_graph
from graphc.ops.sources import placeholder
from graphc.ops.tensor import Tensor

FORMAT: Final = "graphc-model-1"


def save_model(
    model: Any, path: str | os.PathLike[str], overwrite: bool = True, include_optimizer: bool = True
) -> None:
    """Write a model into one file; see `Model.save`."""
    refuse_existing(path, overwrite)
    if not model.built:
        raise ModelFileError(
            f"the model {model.name!r} is not built yet",
            fix="call it on data, fit it, or begin it with graphc.Input(shape)",
            origin=capture_origin(),
        )
    description: dict[str, Any] = {"format": FORMAT, "model": serialize(model)}
    members = {"weights.safetensors": encode_values(model.weights)}
    if not isinstance(getattr(model, "inputs", None), list):
        description["call"] = _described_call(model)
    if model.compiled:
        described = _described_training(model)
        description["compile"] = described
        optimizer = model.optimizer
        if include_optimizer and described and optimizer is not None and optimizer.variables:
            members["optimizer.safetensors"] = encode_values(optimizer.variables)
    if model._first_call is not None or isinstance(getattr(model, "inputs", None), list):
        members["graph.txt"] = _readable(model).encode()
    content = json.dumps(description, indent=1, allow_nan=True).encode()
    write_archive(path, {"config.json": content, **members})


def _described_training(model: Any) -> dict[str, Any] | None:
    """What `compile` was given; None where it cannot be written, such as a function of a user."""
    try:
        arguments = dict(model._compile_arguments)
        if model.optimizer is not None:
            arguments["optimizer"] = model.optimizer
        return {name: serialize(value) for name, value in arguments.items()}
    except GraphcError:
        return None


def _described_call(model: Layer) -> Any:
    """The types that a subclass was called with first: it is built again by such a call."""
    call = model._called()
    leaves, tree = flatten(call.inputs)
    types = [_described_type(leaf) for leaf in leaves]
    return unflatten(tree, types)


def _described_type(tensor: Tensor) -> dict[str, Any]:
    return {"placeholder": str(tensor.dtype), "shape": list(known_sizes(tensor))}


def _readable(model: Any) -> str:
    """The graph of the model as it was built: for people, nothing is read back from it."""
    outputs = flatten(model.output)[0]
    values = [tensor.value for tensor in outputs]
    return str(slice_graph(outputs[0].graph, values))


def load_model(
    path: str | os.PathLike[str],
    custom_objects: Mapping[str, Callable[..., Any]] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """The model of a file that `Model.save` wrote.

    Args:
        path: of the file.
        custom_objects: your own classes and functions by name; nothing else is ever called.
        compile: whether it is compiled as it was, with the state of its optimizer.
        safe_mode: taken for Keras's sake; a file never holds code.

    Raises:
        ModelFileError: there is no such file, it is damaged, or it needs a class of yours.
    """
    description, members = read_archive(path, FORMAT)
    try:
        return _made(description, members, custom_objects, compile)
    except ModelFileError:
        raise
    except (Exception, RecursionError) as problem:
        raise damaged(path, str(problem).splitlines()[0] if str(problem) else repr(problem)) from (
            problem
        )


def _made(
    description: Mapping[str, Any],
    members: Members,
    custom_objects: Mapping[str, Callable[..., Any]] | None,
    compile: bool,
) -> Any:
    model = deserialize(description["model"], "layers", custom_objects)
    if not (isinstance(model, Layer) and hasattr(model, "compile")):
        raise damaged(members.path, "it describes no model")
    if "call" in description and not model.built:
        model(_placeholders(description["call"]))
    values = decode_values(members.bytes("weights.safetensors"))
    set_values(model.weights, values)
    training = description.get("compile")
    if compile and training:
        arguments = {
            name: deserialize(value, None, custom_objects) for name, value in training.items()
        }
        model.compile(**arguments)  # type: ignore[attr-defined]
        _restore_optimizer(model, members)
    return model


def _restore_optimizer(model: Any, members: Members) -> None:
    try:
        content = members.bytes("optimizer.safetensors")
    except ModelFileError:
        return  # it was saved before its first step
    model.optimizer.build(model.trainable_variables)
    set_values(model.optimizer.variables, decode_values(content))


def _placeholders(described: Any) -> Any:
    if isinstance(described, Mapping) and "placeholder" in described:
        return placeholder(described["placeholder"], described["shape"])
    if isinstance(described, Mapping):
        return {name: _placeholders(item) for name, item in described.items()}
    return [_placeholders(item) for item in described]

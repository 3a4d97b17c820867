"""What Keras keeps in `keras.saving`, under its names."""

from __future__ import annotations

from typing import Any

from graphc.custom_objects import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from graphc.files.model_files import load_model, save_model
from graphc.preparation.described_objects import (
    deserialize_keras_object,
    serialize_keras_object,
)

CustomObjectScope = custom_object_scope


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False) -> None:
    """Read the weights of a model; see `Model.load_weights`."""
    model.load_weights(filepath, skip_mismatch)


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Write the weights of a model; see `Model.save_weights`."""
    model.save_weights(filepath, overwrite)


__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]

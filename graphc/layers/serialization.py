"""Layers as plain data, and layers from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import graphc.configurable as configurable
from graphc.layers.layer import Layer


def serialize(layer: Layer) -> dict[str, Any]:
    """A layer as plain data: the name of its class and the arguments of its constructor.

    Raises:
        GraphcError: an argument cannot be written, such as a function without a name.
    """
    return configurable.serialize(layer)


def deserialize(
    config: Mapping[str, Any], custom_objects: Mapping[str, Callable[..., Any]] | None = None
) -> Layer:
    """The layer that `serialize`, here or in Keras, described.

    Args:
        config: {"class_name": "Dense", "config": {"units": 10}}.
        custom_objects: further classes by name.

    Raises:
        ModelFileError: it describes no layer.
    """
    return configurable.deserialize(config, "layers", custom_objects)

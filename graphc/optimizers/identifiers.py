"""Optimizers by name, as plain data, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphc.configurable as configurable
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.optimizers.optimizer import Optimizer


def get(identifier: Any) -> Any:
    """The optimizer that a string or a description names, with its defaults, or itself.

    Args:
        identifier: "adam", what `serialize` gave, a class, an optimizer, or None, which stays None.

    Raises:
        GraphcError: it names no optimizer.
    """
    found = Optimizer.registry.get(identifier)
    if found is not None and not isinstance(found, Optimizer):
        raise GraphcError(
            "this is no optimizer",
            given=repr(identifier)[:200],
            expected='a name such as "adam", an optimizer, or a description of one',
            origin=capture_origin(),
        )
    return found


def serialize(optimizer: Optimizer) -> Any:
    """An optimizer as plain data: the name of its class and its arguments.

    The learning rate is the present one, in the open session or that of the graph's models.

    Raises:
        GraphcError: an argument cannot be written, such as a function without a name.
    """
    return configurable.serialize(optimizer)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The optimizer that `serialize` described.

    Args:
        config: the description; Keras's own too.
        custom_objects: classes by name, beside those that are here.

    Raises:
        ModelFileError: it describes no optimizer.
    """
    return configurable.deserialize(config, "optimizers", custom_objects)

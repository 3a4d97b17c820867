"""Objects as plain data and back, under the names of Keras's functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphc.configurable import deserialize, serialize


def serialize_keras_object(obj: Any) -> Any:
    """An object of graphc as plain data.

    Raises:
        GraphcError: it cannot be written.
    """
    return serialize(obj)


def deserialize_keras_object(
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool = True,
    **kwargs: Any,
) -> Any:
    """What `serialize_keras_object` described.

    Args:
        config: its result.
        custom_objects: further classes and functions by name.
        safe_mode: taken for Keras's sake, as are the others: no code is ever run.
        **kwargs: see `safe_mode`.

    Raises:
        ModelFileError: it describes nothing that can be made.
    """
    return deserialize(config, None, custom_objects)

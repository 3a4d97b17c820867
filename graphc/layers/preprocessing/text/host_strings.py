"""Strings and numbers that are known on the host while a graph is built."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.gathering import known_array
from graphc.ops.tensor import Tensor

Array = np.ndarray[Any, Any]


def known_values(given: Any, layer: str) -> Array:
    """The elements of what a layer is called on: numbers, or an array of `str`.

    Args:
        given: an array, a list, a string, or a constant of the graph.
        layer: its name, for the error.

    Raises:
        GraphcError: it is computed by the graph, or ragged.
    """
    array = known_array(given) if isinstance(given, Tensor) else _as_array(given)
    if array is None:
        raise GraphcError(
            f"the layer {layer!r} works on the host, before the graph runs",
            given=given.value.type if isinstance(given, Tensor) else repr(given)[:200],
            expected="an array, a list or a constant",
            fix="call it on arrays, and feed the numbers that it gives: layer(strings).eval()",
            origin=capture_origin(),
        )
    if array.dtype.kind in "OSU":
        return np.array([_text(x) for x in array.ravel()], object).reshape(array.shape)
    return array


def _as_array(given: Any) -> Array | None:
    try:
        array = np.asarray(given)
    except ValueError:
        return None
    return array


def _text(thing: Any) -> str:
    return thing.decode("utf-8") if isinstance(thing, bytes) else str(thing)

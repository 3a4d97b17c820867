"""The batches of data that a layer adapts to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin

Array = np.ndarray[Any, Any]


def batches_of(data: Any, layer: str) -> Iterator[Array]:
    """An array, or each of an iterable; of a pair of inputs and targets the inputs.

    Raises:
        GraphcError: it is neither.
        ShapeError: there is no element.
    """
    if isinstance(data, np.ndarray) or hasattr(data, "__array__"):
        data = [data]
    if not isinstance(data, Iterable):
        raise GraphcError(
            f"the layer {layer!r} cannot adapt to this",
            given=repr(data)[:200],
            expected="an array, or batches in a list, a generator or another iterable",
            origin=capture_origin(),
        )
    has_elements = False
    for batch in data:
        array = np.asarray(batch[0] if isinstance(batch, tuple) else batch)
        if array.size:
            has_elements = True
            yield array
    if not has_elements:
        raise ShapeError(
            f"the layer {layer!r} cannot adapt to nothing",
            given="no element",
            expected="at least one batch with elements",
            origin=capture_origin(),
        )

"""Windows along all axes of an operand, as reductions have them: attributes and type rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dimensions import Dimension
from graphc.errors import ShapeError
from graphc.ir.attributes import INTEGERS
from graphc.ir.op import OpCall
from graphc.opset.sliding_windows.window import EDGES, STRIDES, Window, check_windows, entries
from graphc.opset.type_rules import require_one_per_axis

PLACES: dict[str, Any] = {
    "window_dimensions": INTEGERS,
    "window_strides": STRIDES,
    "padding_low": EDGES,
    "padding_high": EDGES,
}
"""Attributes of windows without holes."""
DILATED_PLACES: dict[str, Any] = {**PLACES, "base_dilation": STRIDES, "window_dilation": STRIDES}
"""Those of windows that may have holes, over axes that may."""

_FILLINGS = {
    "window_dimensions": 1,
    "window_strides": 1,
    "padding_low": 0,
    "padding_high": 0,
    "base_dilation": 1,
    "window_dilation": 1,
}


def windows_of(call: OpCall, rank: int) -> list[Window]:
    """The window along each axis."""
    columns = [
        entries(call, name, rank, filling)
        if name in call.op.attributes.fields
        else (filling,) * rank
        for name, filling in _FILLINGS.items()
    ]
    return [Window(*row) for row in zip(*columns, strict=True)]


def window_counts(call: OpCall, shape: Sequence[Dimension]) -> tuple[Dimension, ...]:
    """The number of windows along each axis of an operand.

    Raises:
        ShapeError: the attributes do not fit it.
    """
    require_one_per_axis(call, "window_dimensions")
    if not shape:
        raise call.error(ShapeError, "there is no axis to slide a window along", "at least one")
    return check_windows(call, shape, windows_of(call, len(shape)))


def place_parameters(call: OpCall, rank: int) -> dict[str, Any]:
    """The parameters of JAX's primitives that say where windows stand."""
    windows = windows_of(call, rank)
    return {
        "window_dimensions": tuple(w.size for w in windows),
        "window_strides": tuple(w.stride for w in windows),
        "padding": tuple((w.low, w.high) for w in windows),
    }


def dilation_parameters(call: OpCall, rank: int) -> dict[str, Any]:
    """Those that say where holes are."""
    windows = windows_of(call, rank)
    return {
        "base_dilation": tuple(w.base_dilation for w in windows),
        "window_dilation": tuple(w.window_dilation for w in windows),
    }

"""What a convolution and its two gradients share: attributes, sizes, cost.

The three are the derivatives of one sum, `sum(cotangent * convolution(input, kernel))`, by each of
its factors, so each one's gradient is made of the other two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dimensions import Dimension, exact_quotient
from graphc.errors import ShapeError
from graphc.ir.attributes import INTEGER, Attribute
from graphc.ir.op import Cost, OpCall
from graphc.opset.lowerings import PRECISION
from graphc.opset.sliding_windows.dimension_numbers import (
    DIMENSION_NUMBERS,
    DimensionNumbers,
    read_dimension_numbers,
)
from graphc.opset.sliding_windows.window import EDGES, STRIDES, Window, all_meetings, entries

Array = np.ndarray[Any, Any]
Sizes = Sequence[Dimension]

ATTRIBUTES: dict[str, Any] = {
    "dimension_numbers": DIMENSION_NUMBERS,
    "window_strides": STRIDES,
    "padding_low": EDGES,
    "padding_high": EDGES,
    "lhs_dilation": STRIDES,
    "rhs_dilation": STRIDES,
    "feature_group_count": Attribute(INTEGER, 1),
    "batch_group_count": Attribute(INTEGER, 1),
    "precision": PRECISION,
}


def shared_attributes(call: OpCall) -> dict[str, Any]:
    """The attributes that a convolution and its gradients have in common."""
    return {name: call.attributes[name] for name in ATTRIBUTES}


def numbers_of(call: OpCall) -> DimensionNumbers:
    """Which axis of the convolution is what."""
    return read_dimension_numbers(call.attributes["dimension_numbers"])


def windows_of(call: OpCall, kernel: Sizes) -> list[Window]:
    """The window along each spatial axis, for a kernel of this shape."""
    axes = numbers_of(call).rhs[2:]
    names = ("window_strides", "padding_low", "padding_high", "lhs_dilation", "rhs_dilation")
    listed = [entries(call, name, len(axes), 0 if "pad" in name else 1) for name in names]
    return [
        Window(kernel[axis], *[column[place] for column in listed])
        for place, axis in enumerate(axes)
    ]


def spatial(shape: Sizes, axes: Sequence[int]) -> list[Dimension]:
    """The sizes of the spatial axes."""
    return [shape[axis] for axis in axes[2:]]


def divided(call: OpCall, size: Dimension, count: int, what: str) -> Dimension:
    """A size divided by a number of groups.

    Raises:
        ShapeError: it does not divide.
    """
    quotient = exact_quotient(size, count)
    if quotient is None:
        if isinstance(size, int):
            raise call.error(ShapeError, f"{what}, {size}, does not divide into {count} groups")
        quotient = size // count
        call.require_equal(size, quotient * count, f"{what} and whole groups")
    return quotient


def multiply_adds(call: OpCall, lhs: Sizes, rhs: Sizes) -> Dimension:
    """The products that a convolution sums, those with padding and with holes left out."""
    numbers = numbers_of(call)
    batch = lhs[numbers.lhs[0]] // call.attributes["batch_group_count"]
    features = rhs[numbers.rhs[0]] * rhs[numbers.rhs[1]]
    met = all_meetings(spatial(lhs, numbers.lhs), windows_of(call, rhs))
    return batch * features * met


def cost_of(call: OpCall, lhs: Sizes, rhs: Sizes) -> Cost:
    """What a convolution of these shapes, or a gradient of it, costs."""
    # A complex multiply-add is four real multiplications and four additions.
    per_term = 8 if call.types[0].dtype.is_complex else 2
    moved: Dimension = call.result.byte_size
    for type_ in call.types:
        moved = moved + type_.byte_size
    return Cost(multiply_adds(call, lhs, rhs) * per_term, moved)

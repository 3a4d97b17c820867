"""What all ops on sliding windows share: their attributes, sizes, and windows of NumPy arrays.

A window stands at every `stride`-th place of an axis that was dilated (holes put between its
elements) and then padded. Attributes with an entry per axis print and compare as empty where they
do nothing. Source: StableHLO specification, convolution and reduce_window.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.dimensions import Dimension, product
from graphc.errors import ShapeError
from graphc.ir.attributes import INTEGERS, SHAPE, Attribute, AttributeKind
from graphc.ir.op import OpCall
from graphc.opset.type_rules import dilated_size, require_order

Array = np.ndarray[Any, Any]


def _strides(value: Any) -> tuple[int, ...]:
    numbers: tuple[int, ...] = INTEGERS.normalise(value)
    return () if all(number == 1 for number in numbers) else numbers


def _edges(value: Any) -> tuple[Dimension, ...]:
    sizes: tuple[Dimension, ...] = SHAPE.normalise(value)
    return () if all(isinstance(size, int) and size == 0 for size in sizes) else sizes


def _substitute_edges(value: Any, sizes: Any) -> Any:
    assert SHAPE.substitute is not None
    return _edges(SHAPE.substitute(value, sizes))


_STRIDES = AttributeKind(
    "whole numbers, one per axis; none where all are 1", _strides, INTEGERS.format, INTEGERS.parse
)
_EDGES = AttributeKind(
    "sizes, one per axis; none where all are 0", _edges, SHAPE.format, SHAPE.parse,
    _substitute_edges,
)  # fmt: skip

STRIDES = Attribute(_STRIDES, ())
"""A number of at least 1 per axis, 1 by default."""
EDGES = Attribute(_EDGES, ())
"""A size per axis, which may be negative or symbolic, 0 by default."""


@dataclass(frozen=True)
class Window:
    """How a window moves along one axis.

    Attributes:
        size: its number of elements.
        stride: from one window to the next.
        low: elements put before the axis; cut off where negative.
        high: likewise behind it.
        base_dilation: 1 more than the holes between the elements of the axis.
        window_dilation: 1 more than the holes between the elements of the window.
    """

    size: Dimension
    stride: int
    low: Dimension
    high: Dimension
    base_dilation: int
    window_dilation: int

    @property
    def extent(self) -> Dimension:
        """From its first element to its last, both included."""
        return dilated_size(self.size, self.window_dilation - 1)

    def padded(self, size: Dimension) -> Dimension:
        """The size of an axis with its holes and edges."""
        return dilated_size(size, self.base_dilation - 1) + self.low + self.high

    def count(self, size: Dimension) -> Dimension:
        """The number of windows along an axis."""
        room = self.padded(size) - self.extent
        if isinstance(room, int) and room < 0:
            return 0
        return room // self.stride + 1


def entries(call: OpCall, name: str, count: int, filling: int) -> tuple[Any, ...]:
    """An attribute with an entry per axis, written out.

    Raises:
        ShapeError: it has neither no entry nor `count`.
    """
    given: tuple[Any, ...] = call.attributes[name]
    if not given:
        return (filling,) * count
    if len(given) != count:
        raise call.error(
            ShapeError, f"{name} has {len(given)} entries", f"{count}, one per axis of a window"
        )
    return given


def check_windows(
    call: OpCall, sizes: Sequence[Dimension], windows: Sequence[Window]
) -> tuple[Dimension, ...]:
    """The numbers of windows along axes.

    Raises:
        ShapeError: a window is empty, does not move, or more is cut off than there is.
    """
    for axis, (size, window) in enumerate(zip(sizes, windows, strict=True)):
        require_order(call, 1, window.size, "the window must have an element", axis)
        require_order(call, 1, window.stride, "the stride must be at least 1", axis)
        require_order(call, 1, window.base_dilation, "the dilation must be at least 1", axis)
        require_order(call, 1, window.window_dilation, "the dilation must be at least 1", axis)
        require_order(call, 0, window.padded(size), "negative padding must leave something", axis)
    return tuple([window.count(size) for size, window in zip(sizes, windows, strict=True)])


def _number(size: Dimension) -> int:
    assert isinstance(size, int), "checked by the caller, or known when NumPy runs"
    return size


def meetings(size: Dimension, window: Window) -> Dimension:
    """How often an element of a window meets one of the axis, over all windows; no hole counts.

    Of sizes that are not known, the number without padding in the way.
    """
    count = window.count(size)
    if not all(isinstance(each, int) for each in (size, window.size, window.low, window.high)):
        return count * window.size // window.base_dilation
    known, width, low, places = map(_number, (size, window.size, window.low, count))
    starts = [place * window.stride - low for place in range(places)]
    total = 0
    for offset in range(width):
        for start in starts:
            element, hole = divmod(start + offset * window.window_dilation, window.base_dilation)
            total += hole == 0 and 0 <= element < known
    return total


def all_meetings(sizes: Sequence[Dimension], windows: Sequence[Window]) -> Dimension:
    """The same for windows along several axes."""
    return product(tuple([meetings(size, w) for size, w in zip(sizes, windows, strict=True)]))


# --- NumPy ----------------------------------------------------------------------------------------


def _inner_slices(size: int, window: Window) -> tuple[slice, slice]:
    """Which elements of an axis are left, and where they stand in the padded axis."""
    places = np.arange(size) * window.base_dilation + _number(window.low)
    padded = _number(window.padded(size))
    (left,) = np.nonzero((places >= 0) & (places < padded))
    if left.size == 0:
        return slice(0, 0), slice(0, 0)
    first, last = int(left[0]), int(left[-1])
    target = slice(int(places[first]), int(places[last]) + 1, window.base_dilation)
    return slice(first, last + 1), target


def pad_array(x: Array, windows: Sequence[Window], filling: Any) -> Array:
    """An array with holes and edges along its last axes, one per window."""
    lead = x.ndim - len(windows)
    sizes = x.shape[lead:]
    padded = [_number(w.padded(size)) for size, w in zip(sizes, windows, strict=True)]
    result = np.full((*x.shape[:lead], *padded), filling, x.dtype)
    pairs = [_inner_slices(size, w) for size, w in zip(sizes, windows, strict=True)]
    result[(..., *[target for _, target in pairs])] = x[(..., *[source for source, _ in pairs])]
    return result


def unpad_array(x: Array, shape: Sequence[int], windows: Sequence[Window]) -> Array:
    """The elements of an array of `shape` that was padded; zeros where they were cut off."""
    result = np.zeros(shape, x.dtype)
    sizes = shape[len(shape) - len(windows) :]
    pairs = [_inner_slices(size, w) for size, w in zip(sizes, windows, strict=True)]
    result[(..., *[source for source, _ in pairs])] = x[(..., *[target for _, target in pairs])]
    return result


def offsets(windows: Sequence[Window], counts: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """For each element of a window, in row-major order, where it stands in all windows.

    Gives indices into the last axes of a padded array.
    """
    axes: list[list[slice]] = []
    for window, count in zip(windows, counts, strict=True):
        length = (count - 1) * window.stride + 1 if count else 0
        starts = [place * window.window_dilation for place in range(_number(window.size))]
        axes.append([slice(start, start + length, window.stride) for start in starts])
    for slices in itertools.product(*axes):
        yield (..., *slices)

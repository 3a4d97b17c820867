"""Random arrays, and keys for them that NumPy takes between brackets or refuses.

Left out are single truth values: `x == 3` compares identity, so x[x == 3] would be x[False].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

Array = np.ndarray[Any, Any]
Draw = st.DrawFn

_TOGETHER = ((), (3,), (1,), (2, 1), (2, 3), (1, 3))  # shapes of index arrays that broadcast
_DTYPES = (np.int32, np.int64, np.int8, np.uint8)


@dataclass(frozen=True)
class IndexExpression:
    """x[key], where key is a tuple or one item."""

    x: Array
    key: Any

    def selected(self) -> Array | None:
        """What NumPy selects; None where it refuses."""
        try:
            return self.x[self.key]
        except (IndexError, ValueError):
            return None


def _slices(draw: Draw, size: int) -> slice:
    bound = st.none() | st.integers(-size - 2, size + 2)
    step = draw(st.none() | st.sampled_from([1, 2, 3, -1, -2, -3]))
    return slice(draw(bound), draw(bound), step)


def _positions(draw: Draw, size: int, slip: int) -> Array | list[Any]:
    shape = draw(st.sampled_from(_TOGETHER))
    count = int(np.prod(shape))
    dtype = draw(st.sampled_from(_DTYPES))
    low = 0 if np.dtype(dtype).kind == "u" else -size - slip
    high = size - 1 + slip
    if high < low or (draw(st.integers(0, 9)) == 0):
        return [] if draw(st.booleans()) else np.zeros((0,), np.int64)
    numbers = draw(st.lists(st.integers(low, high), min_size=count, max_size=count))
    array = np.array(numbers, dtype).reshape(shape)
    return array.tolist() if shape and draw(st.booleans()) else array


def _mask(draw: Draw, sizes: tuple[int, ...]) -> Array | list[Any]:
    count = int(np.prod(sizes))
    array = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), bool)
    array = array.reshape(sizes)
    return array.tolist() if count and draw(st.booleans()) else array


@st.composite
def index_expressions(draw: Draw, slips: bool = True) -> IndexExpression:
    """An array of up to four axes and a key for it.

    Args:
        draw: hypothesis's.
        slips: whether some keys reach outside of the array, or have too many items.
    """
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    slip = draw(st.sampled_from([0, 0, 0, 1])) if slips else 0
    items: list[Any] = []
    axis, has_dots = 0, False
    while axis < len(shape) + slip:
        kinds = ["int", "slice", "slice", "none", "positions", "positions"]
        kinds += [] if slip and has_dots else ["mask"]  # NumPy lets some masks of no elements pass
        kinds += [] if has_dots else ["stop", "dots"]
        kind = draw(st.sampled_from(kinds))
        size = shape[axis] if axis < len(shape) else 1
        if kind == "stop":
            break
        if kind == "none":
            items.append(None)
        elif kind == "dots":
            has_dots = True
            items.append(...)
            axis = draw(st.integers(axis, max(axis, len(shape))))
        elif kind == "mask" and axis < len(shape):
            rank = draw(st.integers(1, min(2, len(shape) - axis)))
            sizes = shape[axis : axis + rank]
            if slip and draw(st.booleans()):
                sizes = (sizes[0] + 1, *sizes[1:])
            items.append(_mask(draw, sizes))
            axis += rank
        else:
            if kind == "slice":
                items.append(_slices(draw, size))
            elif kind == "int" and size + slip:
                at = draw(st.integers(-size - slip, size - 1 + slip))
                items.append(draw(st.sampled_from([int, np.int64, np.int8]))(at))
            elif kind == "int":
                items.append(slice(None))
            else:
                items.append(_positions(draw, size, slip))
            axis += 1
    x = np.arange(1, int(np.prod(shape)) + 1, dtype=np.float32).reshape(shape)
    key: Any = items[0] if len(items) == 1 and draw(st.booleans()) else tuple(items)
    return IndexExpression(x, key)

"""The gradient of the maximum of windows: each cotangent goes to the first element that wins.

`select_and_scatter_add` knows no holes and no negative padding. Where there are any, the operand
is padded first, and windows with holes are laid side by side; both are undone after it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphc.dimensions import Dimension, at_least
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.opset.sliding_windows.window import Window
from graphc.opset.type_rules import dilated_size


def gradient_to_winners(
    build: Builder, x: Value, ct: Value, windows: Sequence[Window], select: str
) -> Value:
    """The cotangents at the elements that won, elsewhere 0.

    Args:
        build: makes the nodes.
        x: what was reduced.
        ct: one cotangent per window.
        windows: one per axis of x.
        select: "GE" of a maximum, "LE" of a minimum.
    """
    shape = x.type.shape
    if any(isinstance(size, int) and size == 0 for size in (*shape, *ct.type.shape)):
        return build.full_like(x, 0)  # XLA selects from no window without elements
    spread = any(w.window_dilation > 1 and w.size != 1 for w in windows)
    if spread or any(w.base_dilation > 1 for w in windows) or not _padded_at_most(windows):
        share = _after_padding(build, x, ct, windows, select)
        return _without_padding(build, share, shape, windows)
    return build.select_and_scatter_add(
        ct,
        x,
        select=select,
        window_dimensions=[w.size for w in windows],
        window_strides=[w.stride for w in windows],
        padding_low=[w.low for w in windows],
        padding_high=[w.high for w in windows],
    )


def _padded_at_most(windows: Sequence[Window]) -> bool:
    return all(at_least(edge, 0) for w in windows for edge in (w.low, w.high))


def _after_padding(
    build: Builder, x: Value, ct: Value, windows: Sequence[Window], select: str
) -> Value:
    """The gradient by the operand with its holes and edges."""
    loser = build.full(-np.inf if select == "GE" else np.inf, x.type.dtype)
    padded = build.pad(
        x,
        loser,
        low=[w.low for w in windows],
        high=[w.high for w in windows],
        interior=[w.base_dilation - 1 for w in windows],
    )
    holes = [axis for axis, w in enumerate(windows) if w.window_dilation > 1 and w.size != 1]
    sizes: list[Dimension] = []  # of the axes before their windows were laid side by side
    laid = padded
    for axis in holes:
        sizes.append(laid.type.shape[axis])
        laid = _side_by_side(build, laid, axis, windows[axis], ct.type.shape[axis])
    strides = [w.size if axis in holes else w.stride for axis, w in enumerate(windows)]
    share = build.select_and_scatter_add(
        ct,
        laid,
        select=select,
        window_dimensions=[w.size for w in windows],
        window_strides=strides,
    )
    for axis, size in reversed(list(zip(holes, sizes, strict=True))):
        share = _put_back(build, share, axis, windows[axis], ct.type.shape[axis], size)
    return share


def _side_by_side(build: Builder, x: Value, axis: int, window: Window, count: Dimension) -> Value:
    """The elements of all windows along an axis, one window behind the other."""
    shape = x.type.shape
    reach = dilated_size(count, window.stride - 1)
    parts: list[Value] = []
    for place in range(_width(window)):
        first = place * window.window_dilation
        starts = [first if each == axis else 0 for each in range(len(shape))]
        limits = [first + reach if each == axis else size for each, size in enumerate(shape)]
        strides = [window.stride if each == axis else 1 for each in range(len(shape))]
        part = build.slice(x, start_indices=starts, limit_indices=limits, strides=strides)
        parts.append(build.reshape(part, shape=(*shape[:axis], count, 1, *shape[axis + 1 :])))
    both = build.concatenate(*parts, dimension=axis + 1)
    return build.reshape(both, shape=(*shape[:axis], count * window.size, *shape[axis + 1 :]))


def _put_back(
    build: Builder, x: Value, axis: int, window: Window, count: Dimension, size: Dimension
) -> Value:
    """The transpose of `_side_by_side`: sums where windows had elements in common."""
    shape = x.type.shape
    rank = len(shape)
    reach = dilated_size(count, window.stride - 1)
    split = build.reshape(x, shape=(*shape[:axis], count, window.size, *shape[axis + 1 :]))
    zero = build.full(0, x.type.dtype)
    total: Value | None = None
    for place in range(_width(window)):
        starts = [place if each == axis + 1 else 0 for each in range(rank + 1)]
        limits = list(split.type.shape)
        limits[axis + 1] = place + 1
        part = build.slice(
            split, start_indices=starts, limit_indices=limits, strides=[1] * (rank + 1)
        )
        part = build.reshape(part, shape=(*shape[:axis], count, *shape[axis + 1 :]))
        low = place * window.window_dilation
        part = build.pad(
            part,
            zero,
            low=[low if each == axis else 0 for each in range(rank)],
            high=[size - low - reach if each == axis else 0 for each in range(rank)],
            interior=[window.stride - 1 if each == axis else 0 for each in range(rank)],
        )
        total = part if total is None else build.add(total, part)
    assert total is not None, "a window has an element"
    return total


def _width(window: Window) -> int:
    assert isinstance(window.size, int), "windows of reductions have known sizes"
    return window.size


def _without_padding(
    build: Builder, x: Value, shape: Sequence[Dimension], windows: Sequence[Window]
) -> Value:
    """What stands where elements of the operand were put; 0 for those that were cut off."""
    zero = build.full(0, x.type.dtype)
    cut = build.pad(
        x,
        zero,
        low=[-w.low for w in windows],
        high=[-w.high for w in windows],
        interior=[0] * len(windows),
    )
    strides = [w.base_dilation for w in windows]
    if all(stride == 1 for stride in strides):
        return cut
    starts = [0] * len(windows)
    return build.slice(cut, start_indices=starts, limit_indices=cut.type.shape, strides=strides)

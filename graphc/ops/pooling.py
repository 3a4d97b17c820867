"""Pooling: the maximum or the average of each window over the spatial axes, as in keras.ops.

Inputs are [batch, …, channels] or, with "channels_first", [batch, channels, …], with one to three
spatial axes or more. Windows are of known sizes; all axes may be symbolic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from graphc.dimensions import Dimension, exact_quotient
from graphc.dtypes import BF16, F16, F32
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import divide
from graphc.ops.broadcasting import apply
from graphc.ops.conversion import cast_to, graph_of, inexact, to_tensor
from graphc.ops.filling import filled, scalar_like
from graphc.ops.gathering import take, take_along_axis
from graphc.ops.identities import named
from graphc.ops.joining import concatenate
from graphc.ops.reductions import argmax, mean
from graphc.ops.shaping import expand_dims, reshape, squeeze
from graphc.ops.spatial_layouts import layout_of, margins, per_axis
from graphc.ops.tensor import Tensor

Sizes = int | Sequence[int]

_HALVES: Final = frozenset({F16, BF16})


def max_pool(
    inputs: Any,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The maximum of each window; its gradient goes to the first element that is the maximum.

    Args:
        inputs: f[batch, …, channels], or integers.
        pool_size: of the window, for all spatial axes or one number per axis.
        strides: from one window to the next; `pool_size` by default.
        padding: "valid", for windows inside the input alone, or "same", for ceil(size / stride)
            windows; what is beyond the input never is the maximum.
        data_format: "channels_last" or "channels_first".
        name: of the result.

    Raises:
        ShapeError: there is no spatial axis, or the sizes do not fit.
        GraphcError: no such padding or layout.
    """
    tensor = to_tensor(inputs, None, graph_of((inputs,)))
    places = _places(tensor, pool_size, strides, padding, data_format, "max_pool")
    return apply("reduce_window_max", tensor, name=name or "max_pool", **places)


def average_pool(
    inputs: Any,
    pool_size: Sizes,
    strides: Sizes | None = None,
    padding: str = "valid",
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The average of each window; with "same", of its elements inside the input.

    Floats of 16 bits are averaged in float32; integers give floats.

    Args:
        inputs: f[batch, …, channels].
        pool_size: of the window, for all spatial axes or one number per axis.
        strides: from one window to the next; `pool_size` by default.
        padding: "valid" or "same", as for `max_pool`.
        data_format: "channels_last" or "channels_first".
        name: of the result.

    Raises:
        ShapeError: there is no spatial axis, or the sizes do not fit.
        GraphcError: no such padding or layout.
    """
    tensor, label = inexact(inputs), name or "average_pool"
    places = _places(tensor, pool_size, strides, padding, data_format, "average_pool")
    wide = cast_to(tensor, F32) if tensor.dtype in _HALVES else tensor
    total = apply("reduce_window_sum", wide, **places)
    edges = (*places["padding_low"], *places["padding_high"])
    if all(isinstance(edge, int) and edge == 0 for edge in edges):
        count = scalar_like(total, math.prod(places["window_dimensions"]))
    else:
        spatial = layout_of(tensor, data_format, "average_pool").spatial
        sizes = [size if axis in spatial else 1 for axis, size in enumerate(tensor.shape)]
        ones = filled(graph_of((tensor,)), 1, wide.dtype, tuple(sizes))
        count = apply("reduce_window_sum", ones, **places)
    if wide is tensor:
        return divide(total, count, label)
    return cast_to(divide(total, count), tensor.dtype, label)


def _places(
    tensor: Tensor, pool_size: Any, strides: Any, padding: Any, data_format: Any, what: str
) -> dict[str, Any]:
    """Where windows stand, as attributes."""
    axes = layout_of(tensor, data_format, what).spatial
    window = per_axis(pool_size, len(axes), "pool_size")
    steps = window if strides is None else per_axis(strides, len(axes), "strides")
    low, high = margins(padding, [tensor.shape[axis] for axis in axes], window, steps)
    return {
        "window_dimensions": _spread(tensor, axes, window, 1),
        "window_strides": _spread(tensor, axes, steps, 1),
        "padding_low": _spread(tensor, axes, low, 0),
        "padding_high": _spread(tensor, axes, high, 0),
    }


def _spread(
    tensor: Tensor, axes: Sequence[int], numbers: Sequence[Dimension], filling: int
) -> list[Dimension]:
    """The numbers of spatial axes, and a filling for the others."""
    known = dict(zip(axes, numbers, strict=True))
    return [known.get(axis, filling) for axis in range(tensor.ndim)]


# --- adaptive pooling -----------------------------------------------------------------------------


def adaptive_average_pool(
    inputs: Any, output_size: Sizes, data_format: str | None = None, name: str | None = None
) -> Tensor:
    """The averages of as many windows per spatial axis as `output_size` says.

    Window i of n along an axis of size s goes from floor(i s / n) to before ceil((i + 1) s / n).

    Args:
        inputs: f[batch, …, channels].
        output_size: windows per spatial axis, for all or one number per axis.
        data_format: "channels_last" or "channels_first".
        name: of the result.

    Raises:
        ShapeError: there is no spatial axis, or one is of a symbolic size that the number of
            windows does not divide.
        GraphcError: no such layout.
    """
    tensor = inexact(inputs)
    wide = cast_to(tensor, F32) if tensor.dtype in _HALVES else tensor
    pooled = _adapted(wide, output_size, data_format, False, "adaptive_average_pool")
    return named(cast_to(pooled, tensor.dtype), name)


def adaptive_max_pool(
    inputs: Any, output_size: Sizes, data_format: str | None = None, name: str | None = None
) -> Tensor:
    """The maxima of as many windows per spatial axis as `output_size` says.

    Windows, arguments and errors are those of `adaptive_average_pool`; integers stay integers.
    """
    tensor = to_tensor(inputs, None, graph_of((inputs,)))
    pooled = _adapted(tensor, output_size, data_format, True, "adaptive_max_pool")
    return named(pooled, name)


def _adapted(tensor: Tensor, output_size: Any, data_format: Any, is_max: bool, what: str) -> Tensor:
    axes = layout_of(tensor, data_format, what).spatial
    for axis, count in zip(axes, per_axis(output_size, len(axes), "output_size"), strict=True):
        tensor = _adapted_axis(tensor, axis, count, is_max, what)
    return tensor


def _adapted_axis(tensor: Tensor, axis: int, count: int, is_max: bool, what: str) -> Tensor:
    size = tensor.shape[axis]
    if not isinstance(size, int):
        return _divided_axis(tensor, axis, count, is_max, what)
    if size == 0:
        raise ShapeError(
            f"{what}() has no elements to pool on axis {axis}",
            given=str(tensor.value.type),
            origin=capture_origin(),
        )
    if size % count == 0:
        return _windows_along(tensor, axis, size // count, size // count, is_max)
    starts = np.arange(count) * size // count
    widths = -(-(np.arange(count) + 1) * size // count) - starts
    # Windows of at most two sizes: those of each size at all places, and a choice among them.
    parts: list[Tensor] = []
    chosen, before = np.zeros(count, np.int32), 0
    for width in np.unique(widths).tolist():
        parts.append(_windows_along(tensor, axis, width, 1, is_max))
        chosen[widths == width] = before + starts[widths == width]
        before += size - width + 1
    return take(concatenate(parts, axis), chosen, axis)


def _windows_along(tensor: Tensor, axis: int, width: int, stride: int, is_max: bool) -> Tensor:
    window = _spread(tensor, [axis], [width], 1)
    strides = _spread(tensor, [axis], [stride], 1)
    op_name = "reduce_window_max" if is_max else "reduce_window_sum"
    pooled = apply(op_name, tensor, window_dimensions=window, window_strides=strides)
    return pooled if is_max else divide(pooled, scalar_like(pooled, width))


def _divided_axis(tensor: Tensor, axis: int, count: int, is_max: bool, what: str) -> Tensor:
    """The same for a symbolic size: windows that are equal parts of it."""
    width = exact_quotient(tensor.shape[axis], count)
    if width is None:
        raise ShapeError(
            f"{what}() cannot divide axis {axis} into {count} windows before its size is known",
            given=str(tensor.value.type),
            expected=f"a known size, a multiple of {count}, or one window",
            fix="ops.reshape to a known size",
            origin=capture_origin(),
        )
    shape = tensor.shape
    parts = reshape(tensor, (*shape[:axis], count, width, *shape[axis + 1 :]))
    if not is_max:
        return mean(parts, axis + 1)
    # Not the maximum itself, whose gradient is shared where elements are equal.
    first = expand_dims(argmax(parts, axis + 1), axis + 1)
    return squeeze(take_along_axis(parts, first, axis + 1), axis + 1)

"""Tensors repeated, moved around, and made larger at their edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from graphc.dimensions import Dimension
from graphc.dtypes import I32
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import subtract
from graphc.ops.broadcasting import apply
from graphc.ops.conversion import cast_to, graph_of, to_tensor
from graphc.ops.creation import iota
from graphc.ops.gathering import take
from graphc.ops.identities import named
from graphc.ops.joining import at_least, concatenate, slice_axis
from graphc.ops.shaping import broadcast_to, expand_dims, ravel, reshape
from graphc.ops.sizes import as_axis, as_size
from graphc.ops.tensor import Tensor

PadMode = Literal["constant", "reflect", "symmetric", "edge", "wrap"]


def _tensor(x: Any) -> Tensor:
    return to_tensor(x, None, graph_of((x,)))


def tile(x: Any, repeats: int | Sequence[int], name: str | None = None) -> Tensor:
    """The tensor side by side with itself, `repeats[i]` times along axis i.

    Fewer repeats than axes are those of the last axes; more give new axes in front.

    Raises:
        ShapeError: a number of repeats is negative.
    """
    tensor = _tensor(x)
    listed = repeats if isinstance(repeats, (list, tuple, np.ndarray)) else [repeats]
    counts = [as_size(count) for count in listed]
    if any(isinstance(count, int) and count < 0 for count in counts):
        raise ShapeError("repeats are not negative", given=counts, origin=capture_origin())
    tensor = at_least(tensor, len(counts))
    counts = [1] * (tensor.ndim - len(counts)) + counts
    if all(count == 1 for count in counts):
        return named(tensor, name)
    pairs = list(zip(counts, tensor.shape, strict=True))
    spread = expand_dims(tensor, tuple(range(0, 2 * tensor.ndim, 2)))
    repeated = broadcast_to(spread, [size for pair in pairs for size in pair])
    return reshape(repeated, [count * size for count, size in pairs], name or "tile")


def repeat(
    x: Any, repeats: int | Sequence[int], axis: int | None = None, name: str | None = None
) -> Tensor:
    """The tensor with each element along an axis repeated.

    Args:
        x: any tensor.
        repeats: how often, for all elements or for each: numbers that are known.
        axis: along which; None takes all elements in row-major order.
        name: of the result.

    Raises:
        ShapeError: `repeats` has neither one entry nor one per element, or is negative.
    """
    tensor = _tensor(x)
    if axis is None:
        tensor, axis = ravel(tensor), 0
    position = as_axis(axis, tensor.ndim, tensor)
    size = tensor.shape[position]
    counts = np.asarray(repeats)
    if counts.size == 1:
        counts = counts.reshape(())
    if counts.dtype.kind not in "iu" or (counts < 0).any() or counts.shape not in ((), (size,)):
        raise ShapeError(
            "repeats are whole numbers of at least 0, one for all elements or one for each",
            given=f"repeats={repeats!r}, {tensor.value.type} along axis {position}",
            origin=capture_origin(),
        )
    label = name or "repeat"
    if counts.ndim:
        return take(tensor, np.repeat(np.arange(counts.size), counts), position, name=label)
    count = int(counts)
    spread = expand_dims(tensor, position + 1)
    before, after = tensor.shape[: position + 1], tensor.shape[position + 1 :]
    repeated = broadcast_to(spread, (*before, count, *after))
    target = (*before[:-1], before[-1] * count, *after)
    return apply("reshape", repeated, shape=target, name=label)


def roll(
    x: Any,
    shift: int | Sequence[int],
    axis: int | Sequence[int] | None = None,
    name: str | None = None,
) -> Tensor:
    """The tensor moved along axes; what goes out at one end comes in at the other.

    Args:
        x: any tensor.
        shift: by how many places, for all axes or for each.
        axis: along which; None moves all elements in row-major order.
        name: of the result.

    Raises:
        ShapeError: there are not as many shifts as axes, or an axis does not exist.
    """
    tensor = _tensor(x)
    if axis is None:
        moved = roll(ravel(tensor), int(np.sum(shift)), 0)
        return apply("reshape", moved, shape=tensor.shape, name=name or "roll")
    axes = [as_axis(each, tensor.ndim, tensor) for each in _as_list(axis)]
    shifts = [int(distance) for distance in _as_list(shift)]
    if len(shifts) == 1:
        shifts = shifts * len(axes)
    if len(shifts) != len(axes):
        raise ShapeError(
            "as many shifts as axes are needed",
            given=f"shift={shift!r}, axis={axis!r}",
            origin=capture_origin(),
        )
    for along, distance in zip(axes, shifts, strict=True):
        size = tensor.shape[along]
        if not isinstance(size, int):
            # Whether the shift goes around more than once is known when the size is.
            places = subtract(iota(size, I32), distance)
            tensor = take(tensor, places, along, mode="wrap", name="roll")
        elif size and distance % size:
            cut = size - distance % size
            parts = [slice_axis(tensor, along, cut, size), slice_axis(tensor, along, 0, cut)]
            tensor = concatenate(parts, along, "roll")
    return named(tensor, name)


def _as_list(given: Any) -> list[Any]:
    return list(given) if isinstance(given, (list, tuple, np.ndarray)) else [given]


def pad(
    x: Any,
    pad_width: Any,
    mode: PadMode = "constant",
    constant_values: Any = None,
    name: str | None = None,
) -> Tensor:
    """The tensor with elements put before and after it along its axes.

    Args:
        x: any tensor.
        pad_width: (before, after) for every axis, or one pair, or one number, for all axes.
        mode: what is put there: `constant_values`; the elements mirrored at the edge, without it
            ("reflect") or with it ("symmetric"); the edge itself; the elements of the other end.
        constant_values: a number, 0 by default; for mode "constant" only.
        name: of the result.

    Raises:
        ShapeError: `pad_width` does not fit or is negative, or a mode other than "constant" is
            asked for along an axis whose size is not known while the graph is built, or is 0.
        GraphcError: there is no such mode, or `constant_values` is given for another one.
    """
    tensor = _tensor(x)
    pairs = _pad_pairs(tensor, pad_width)
    if mode not in ("constant", "reflect", "symmetric", "edge", "wrap"):
        raise GraphcError(
            f"there is no mode {mode!r}",
            expected='"constant", "reflect", "symmetric", "edge" or "wrap"',
            origin=capture_origin(),
        )
    if mode != "constant" and constant_values is not None:
        raise GraphcError(f"constant_values are given for mode {mode!r}", origin=capture_origin())
    label = name or "pad"
    if mode == "constant":
        given = to_tensor(
            0 if constant_values is None else constant_values, tensor.dtype, graph_of((tensor,))
        )
        low, high = ([pair[side] for pair in pairs] for side in (0, 1))
        interior = [0] * tensor.ndim
        value = cast_to(given, tensor.dtype)
        return apply("pad", tensor, value, low=low, high=high, interior=interior, name=label)
    padded = [axis for axis, pair in enumerate(pairs) if pair != (0, 0)]
    for axis in padded:
        positions = _padded_positions(tensor, axis, pairs[axis], mode)
        tensor = take(tensor, positions, axis, name=label if axis == padded[-1] else None)
    return tensor if padded else named(tensor, name)


def _padded_positions(
    tensor: Tensor, axis: int, pair: tuple[Dimension, Dimension], mode: str
) -> np.ndarray[Any, Any]:
    size = tensor.shape[axis]
    if not isinstance(size, int) or size == 0 or not all(isinstance(edge, int) for edge in pair):
        raise ShapeError(
            f"mode {mode!r} needs a size of at least 1 that is known while the graph is built",
            given=f"axis {axis} of {tensor.value.type}",
            fix='use mode="constant"',
            origin=capture_origin(),
        )
    width: Any = pair
    return np.pad(np.arange(size), width, mode=mode)  # type: ignore[call-overload]


def _pad_pairs(tensor: Tensor, pad_width: Any) -> list[tuple[Dimension, Dimension]]:
    rank = tensor.ndim
    given = pad_width.tolist() if isinstance(pad_width, np.ndarray) else pad_width
    if not isinstance(given, (list, tuple)):
        given = [(given, given)] * rank
    elif given and not any(isinstance(item, (list, tuple)) for item in given):
        given = [tuple(given)] * rank
    elif len(given) == 1:
        given = [given[0]] * rank
    pairs = [tuple([as_size(edge) for edge in pair]) for pair in given]
    pairs = [pair * 2 if len(pair) == 1 else pair for pair in pairs]
    negative = any(isinstance(edge, int) and edge < 0 for pair in pairs for edge in pair)
    if len(pairs) != rank or any(len(pair) != 2 for pair in pairs) or negative:
        raise ShapeError(
            "pad_width does not fit",
            given=f"{pad_width!r} for {tensor.value.type}",
            expected=f"{rank} pairs of numbers of at least 0, one pair, or one number",
            origin=capture_origin(),
        )
    return [(pair[0], pair[1]) for pair in pairs]

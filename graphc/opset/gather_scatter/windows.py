"""What gather and scatter have in common: windows of one size, at computed positions.

The last axis of the indices holds one position (StableHLO's index_vector_dim is always the last);
their other axes, the *batch* axes, count the windows. The other tensor, gather's result or
scatter's updates, has the batch axes too, and among them the axes of the windows.
Source: StableHLO specification, gather and scatter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jax import lax

from graphc.dimensions import Dimension
from graphc.errors import ShapeError
from graphc.ir.attributes import AttributeKind, choice
from graphc.ir.op import OpCall
from graphc.opset.type_rules import INTEGER, require_axes, require_dtype, require_order

Array = np.ndarray[Any, Any]

MODE: AttributeKind = choice("clip", "fill", "promise_in_bounds")
"""What happens to a window that sticks out: it is moved inside, it is read as a fill value and not
written, or the caller knows that there is none."""

JAX_MODES = {
    "clip": lax.GatherScatterMode.CLIP,
    "fill": lax.GatherScatterMode.FILL_OR_DROP,
    "promise_in_bounds": lax.GatherScatterMode.PROMISE_IN_BOUNDS,
}


@dataclass(frozen=True)
class Windows:
    """How windows lie in the operand and in the other tensor.

    Attributes:
        window_dims: the axes of the other tensor that are axes of the windows.
        dropped_dims: axes of the operand on which a window has size 1, left out in the other one.
        index_map: the operand axis that each element of a position is for.
        operand_batching_dims: axes of the operand that go together with batch axes: window (b, …)
            lies in part b of the operand.
        indices_batching_dims: those batch axes, in the same order.
    """

    window_dims: tuple[int, ...]
    dropped_dims: tuple[int, ...]
    index_map: tuple[int, ...]
    operand_batching_dims: tuple[int, ...]
    indices_batching_dims: tuple[int, ...]

    def kept_axes(self, rank: int) -> list[int]:
        """The operand axes that are axes of the windows in the other tensor."""
        left_out = {*self.dropped_dims, *self.operand_batching_dims}
        return [axis for axis in range(rank) if axis not in left_out]

    def batch_axes(self, rank: int) -> list[int]:
        """The axes of the other tensor that are batch axes."""
        return [axis for axis in range(rank) if axis not in self.window_dims]


def check_windows(call: OpCall, windows: Windows, window_dims_name: str) -> None:
    """Check dimension numbers against operand 0 and the indices, operand 1.

    Raises:
        ShapeError: they do not fit.
        DTypeError: the indices are no integers.
    """
    operand, indices = call.types[0], call.types[1]
    require_dtype(call, 1, INTEGER)
    if not indices.rank:
        raise call.error(ShapeError, "indices have no axis", "the last axis holds one position")
    what = "the size of the last axis of the indices and the length of the index map"
    call.require_equal(indices.shape[-1], len(windows.index_map), what)
    left_out = (*windows.dropped_dims, *windows.operand_batching_dims)
    require_axes(call, left_out, operand.rank, "dropped and batching axes of the operand")
    mapped = (*windows.index_map, *windows.operand_batching_dims)
    require_axes(call, mapped, operand.rank, "indexed and batching axes of the operand")
    batching = windows.indices_batching_dims
    require_axes(call, batching, indices.rank - 1, "batching axes of the indices")
    if len(batching) != len(windows.operand_batching_dims):
        raise call.error(ShapeError, "operand and indices have different numbers of batching axes")
    for mine, theirs in zip(windows.operand_batching_dims, batching, strict=True):
        sizes = operand.shape[mine], indices.shape[theirs]
        call.require_equal(*sizes, f"the sizes of batching axes {mine} and {theirs}")
    count = len(windows.window_dims)
    rank = indices.rank - 1 + count
    require_axes(call, windows.window_dims, rank, window_dims_name)
    ascending = (windows.window_dims, windows.dropped_dims, windows.operand_batching_dims)
    if any(list(axes) != sorted(axes) for axes in ascending):
        raise call.error(
            ShapeError,
            "axes are not in increasing order",
            f"increasing {window_dims_name}, dropped axes and batching axes of the operand",
        )
    if count != len(windows.kept_axes(operand.rank)):
        raise call.error(
            ShapeError,
            f"there are {count} {window_dims_name}",
            f"{len(windows.kept_axes(operand.rank))}, one per operand axis that is neither dropped "
            "nor batching",
        )


def check_sizes(call: OpCall, windows: Windows, sizes: tuple[Dimension, ...]) -> None:
    """Check the sizes of a window, one per axis of the operand.

    Raises:
        ShapeError: they do not fit.
    """
    for axis in windows.kept_axes(len(sizes)):
        size, whole = sizes[axis], call.types[0].shape[axis]
        require_order(call, 0, size, "the size of a window must be at least 0", axis)
        require_order(call, size, whole, "a window must fit into the operand", axis)
    # The others may be empty all the same: then no position is valid, and there may be none.
    for axis in (*windows.dropped_dims, *windows.operand_batching_dims):
        call.require_equal(sizes[axis], 1, f"the size of a window on axis {axis}, and 1,")


def locate(
    windows: Windows, shape: tuple[int, ...], indices: Array, sizes: tuple[int, ...]
) -> tuple[Array, Array]:
    """Where the elements of all windows lie in the operand.

    Args:
        windows: dimension numbers.
        shape: of the operand.
        indices: positions along the last axis.
        sizes: of a window, one per axis of the operand.

    Returns:
        Positions in the flattened operand, `[*batch, *window]`, of windows moved inside; and for
        each window whether it had been inside, `[*batch]`.
    """
    batch = indices.shape[:-1]
    starts = [np.zeros(batch, np.int64) for _ in shape]
    for element, axis in enumerate(windows.index_map):
        starts[axis] = indices[..., element].astype(np.int64)
    for axis, batch_axis in zip(
        windows.operand_batching_dims, windows.indices_batching_dims, strict=True
    ):
        aligned = [1] * len(batch)
        aligned[batch_axis] = batch[batch_axis]
        part = np.arange(int(batch[batch_axis]))
        starts[axis] = np.broadcast_to(part.reshape(aligned), batch)
    kept = windows.kept_axes(len(shape))
    whole = (*batch, *[sizes[axis] for axis in kept])
    inside = np.ones(batch, bool)
    flat = np.zeros(whole, np.int64)
    for axis, start in enumerate(starts):
        limit = shape[axis] - sizes[axis]
        inside = inside & (start >= 0) & (start <= limit)
        position = np.clip(start, 0, limit).reshape((*batch, *[1] * len(kept)))
        if axis in kept:
            aligned = [1] * len(whole)
            aligned[len(batch) + kept.index(axis)] = sizes[axis]
            position = position + np.arange(sizes[axis]).reshape(aligned)
        flat = flat + position * math.prod(shape[axis + 1 :])
    return flat, inside


def spread(inside: Array, flat: Array) -> Array:
    """The answers of `locate` for each window, one for each element."""
    aligned = inside.reshape(inside.shape + (1,) * (flat.ndim - inside.ndim))
    return np.broadcast_to(aligned, flat.shape)

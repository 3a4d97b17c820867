"""Elements at computed positions: `take`, `take_along_axis`, and NumPy's index arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np

from graphc.dimensions import Dimension, Shape
from graphc.dtypes import I32, I64, DType, promote
from graphc.errors import DTypeError, GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add, mod
from graphc.ops.broadcasting import apply, broadcast_shapes
from graphc.ops.broadcasting import broadcast_to as broadcast_tensor
from graphc.ops.comparison import less, where
from graphc.ops.conversion import cast_to, constant_tensor, graph_of, to_tensor
from graphc.ops.joining import concatenate, slice_axis
from graphc.ops.shaping import broadcast_to, expand_dims, ravel, squeeze
from graphc.ops.sizes import as_axis, dimension_size
from graphc.ops.slices import IndexRangeError
from graphc.ops.tensor import Tensor

TakeMode = Literal["clip", "fill", "wrap"]
"""What an index outside stands for: the nearest element; NaN (the limit of an integer type); or
the element that counting on from the other end meets."""

_MODES: Final = ("clip", "fill", "wrap")


def index_tensor(given: Any, tensor: Tensor) -> Tensor:
    """What a user gave as positions, as a tensor of integers.

    Raises:
        DTypeError: they are no integers.
    """
    indices = to_tensor(given, None, graph_of((tensor, given)))
    known = known_array(indices)
    if known is not None and known.size == 0:
        return cast_to(indices, I32)  # an empty list has no element type of its own
    if not indices.dtype.is_integer:
        raise DTypeError(
            "an index is an integer",
            given=indices.value.type,
            expected="a tensor or array of integers",
            fix="cast it with ops.cast; a mask of truth values selects with ops.where",
            origin=capture_origin(),
        )
    return indices


def known_array(tensor: Tensor) -> np.ndarray[Any, Any] | None:
    """The elements of a constant; None of anything else."""
    node = tensor.value.node
    return node.attributes["value"].array if node.op.name == "constant" else None


def counted_from_start(
    indices: Tensor, tensor: Tensor, axis: int, allows_outside: bool = False
) -> Tensor:
    """Indices with the size of the axis added to those below 0.

    Raises:
        IndexRangeError: an index that is known is outside of an axis whose size is known.
    """
    size, known = tensor.shape[axis], known_array(indices)
    if known is not None and isinstance(size, int) and not allows_outside:
        outside = (known < -size) | (known >= size)
        if outside.any():
            raise IndexRangeError(
                f"index {int(known[outside].ravel()[0])} is outside",
                given=f"axis {axis} of {tensor.value.type}",
                expected=f"an index from {-size} to {size - 1}" if size else "no index at all",
                origin=capture_origin(),
            )
        if not (known < 0).any():
            return indices
        fixed = np.where(known < 0, known.astype(np.int64) + size, known)
        dtype = indices.dtype if indices.dtype.itemsize >= 4 else I32
        return constant_tensor(graph_of((indices,)), fixed.astype(dtype.numpy), dtype)
    if indices.dtype.kind == "unsigned" or (known is not None and not (known < 0).any()):
        return indices
    if indices.dtype.itemsize < I32.itemsize:
        indices = cast_to(indices, I32)
    whole = cast_to(dimension_size(tensor, axis), indices.dtype)
    return where(less(indices, 0), add(indices, whole), indices)


def gather_at(
    tensor: Tensor,
    axes: Sequence[int],
    indices: Sequence[Tensor],
    position: int,
    mode: str,
    name: str | None,
) -> Tensor:
    """The elements of a tensor at positions along some axes, whole along the others.

    Args:
        tensor: from which.
        axes: the axes that are indexed, in increasing order.
        indices: one tensor of integers per axis; broadcast together.
        position: where in the result the axes of the broadcast indices begin.
        mode: of the op.
        name: of the result.
    """
    shape = broadcast_shapes(*[index.shape for index in indices])
    dtype = _index_dtype(indices)
    columns = [
        expand_dims(broadcast_tensor(cast_to(index, dtype), shape), len(shape)) for index in indices
    ]
    stacked = concatenate(columns, len(shape))
    if 0 in shape:
        tensor = _with_elements(tensor, axes)
    kept = [axis for axis in range(tensor.ndim) if axis not in axes]
    offsets = [*range(position), *range(position + len(shape), len(shape) + len(kept))]
    return apply(
        "gather",
        tensor,
        stacked,
        offset_dims=offsets,
        collapsed_slice_dims=axes,
        start_index_map=axes,
        slice_sizes=[1 if axis in axes else size for axis, size in enumerate(tensor.shape)],
        mode=mode,
        name=name,
    )


def _with_elements(tensor: Tensor, axes: Sequence[int]) -> Tensor:
    """The tensor with one element along axes that have none, for a gather of nothing from it."""
    missing = [int(axis in axes and size == 0) for axis, size in enumerate(tensor.shape)]
    if not any(missing):
        return tensor
    none, zero = [0] * tensor.ndim, constant_tensor(graph_of((tensor,)), 0, tensor.dtype)
    return apply("pad", tensor, zero, low=none, high=missing, interior=none)


def _index_dtype(indices: Sequence[Tensor]) -> DType:
    """One element type for positions along several axes."""
    found = indices[0].dtype
    for index in indices[1:]:
        found = promote(found, index.dtype)
    return found if found.is_integer else I64  # unsigned with signed words


def _check_mode(mode: str) -> None:
    if mode not in _MODES:
        raise GraphcError(
            f"there is no mode {mode!r}",
            expected=" or ".join(map(repr, _MODES)),
            origin=capture_origin(),
        )


def _indices_for(indices: Any, tensor: Tensor, axis: int, mode: str) -> Tensor:
    positions = index_tensor(indices, tensor)
    if mode == "wrap":
        if positions.dtype.itemsize < I32.itemsize:
            positions = cast_to(positions, I32)
        return mod(positions, cast_to(dimension_size(tensor, axis), positions.dtype))
    return counted_from_start(positions, tensor, axis)


def take(
    x: Any,
    indices: Any,
    axis: int | None = None,
    mode: TakeMode = "clip",
    name: str | None = None,
) -> Tensor:
    """The elements of x at positions along an axis.

    Args:
        x: [before…, n, after…].
        indices: integers of any shape, counted from the end where negative.
        axis: along which; None takes from all elements in row-major order.
        mode: what an index outside of -n … n - 1 gives that is not known while the graph is built;
            see `TakeMode`. "clip" is the fastest.
        name: of the result.

    Returns:
        [before…, *indices.shape, after…], of the element type of x.

    Raises:
        IndexRangeError: an index is known to be outside (not with mode "wrap").
        DTypeError: the indices are no integers.
    """
    _check_mode(mode)
    tensor = to_tensor(x, None, graph_of((x, indices)))
    if axis is None:
        tensor, axis = ravel(tensor), 0
    position = as_axis(axis, tensor.ndim, tensor)
    positions = _indices_for(indices, tensor, position, mode)
    known = known_array(positions)
    if known is not None and known.ndim == 0 and isinstance(tensor.shape[position], int):
        part = slice_axis(tensor, position, int(known), int(known) + 1)
        return squeeze(part, position, name or "take")
    kind = "fill" if mode == "fill" else "clip"
    return gather_at(tensor, [position], [positions], position, kind, name or "take")


def take_along_axis(
    x: Any,
    indices: Any,
    axis: int | None = None,
    mode: TakeMode = "clip",
    name: str | None = None,
) -> Tensor:
    """One element of x for each index: result[i, j, k] is x[i, indices[i, j, k], k] for axis 1.

    Args:
        x: [before…, n, after…].
        indices: integers with as many axes as x; the other sizes are broadcast with those of x.
        axis: along which the indices count; None takes from all elements, in row-major order.
        mode: as for `take`.
        name: of the result.

    Returns:
        The shape of the indices, broadcast; the element type of x.

    Raises:
        ShapeError: numbers of axes differ, or other sizes do not broadcast.
        DTypeError: the indices are no integers.
    """
    _check_mode(mode)
    tensor = to_tensor(x, None, graph_of((x, indices)))
    positions = index_tensor(indices, tensor)
    if axis is None:
        tensor, positions, axis = ravel(tensor), ravel(positions), 0
    along = as_axis(axis, tensor.ndim, tensor)
    if positions.ndim != tensor.ndim:
        raise ShapeError(
            "take_along_axis() needs indices with as many axes as x",
            given=f"x {tensor.value.type}, indices {positions.value.type}",
            origin=capture_origin(),
        )
    positions = _indices_for(positions, tensor, along, mode)
    others = [each for each in range(tensor.ndim) if each != along]
    common = broadcast_shapes(_without(tensor.shape, along), _without(positions.shape, along))
    tensor = broadcast_to(tensor, _with(common, along, tensor.shape[along]))
    positions = broadcast_to(positions, _with(common, along, positions.shape[along]))
    if positions.shape[along] == 0:
        tensor = _with_elements(tensor, [along])
    return apply(
        "gather",
        tensor,
        expand_dims(positions, positions.ndim),
        offset_dims=(),
        collapsed_slice_dims=[along],
        start_index_map=[along],
        operand_batching_dims=others,
        start_indices_batching_dims=others,
        slice_sizes=[1] * tensor.ndim,
        mode="fill" if mode == "fill" else "clip",
        name=name or "take_along_axis",
    )


def _without(shape: Shape, axis: int) -> Shape:
    return shape[:axis] + shape[axis + 1 :]


def _with(shape: Shape, axis: int, size: Dimension) -> Shape:
    return (*shape[:axis], size, *shape[axis:])


def element_at(
    tensor: Tensor, axes: Sequence[int], indices: Sequence[Tensor], name: str | None = None
) -> Tensor:
    """The part of a tensor at one computed position along some axes, which it loses.

    An index outside is moved to the nearest one inside.
    """
    dtype = _index_dtype(indices)
    positions = dict(zip(axes, indices, strict=True))
    zero = constant_tensor(graph_of((tensor, *indices)), 0, dtype)
    starts = [
        cast_to(positions[axis], dtype) if axis in positions else zero
        for axis in range(tensor.ndim)
    ]
    sizes = [1 if axis in positions else size for axis, size in enumerate(tensor.shape)]
    part = apply("dynamic_slice", tensor, *starts, slice_sizes=sizes)
    return squeeze(part, tuple(axes), name)

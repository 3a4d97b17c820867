"""Parts at computed positions, read and replaced: `slice`, `slice_update`, scatters, segments.

`ops.slice` and `ops.slice_update` move a part that would stick out inside, as XLA does; a scatter
leaves out what would be written outside.
"""

from __future__ import annotations

import builtins
from typing import Any, Final, Literal

import numpy as np

from graphc.dimensions import Dimension
from graphc.dtypes import I32, DType
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.broadcasting import apply
from graphc.ops.broadcasting import broadcast_to as broadcast_tensor
from graphc.ops.conversion import cast_to, constant_tensor, graph_of, promoted, to_tensor
from graphc.ops.filling import filled
from graphc.ops.gathering import counted_from_start, index_tensor, known_array
from graphc.ops.indexing import getitem
from graphc.ops.joining import concatenate
from graphc.ops.shaping import expand_dims
from graphc.ops.sizes import as_shape, as_size, size_of_value
from graphc.ops.tensor import Tensor

ScatterReduction = Literal["add", "max", "min", "mul"]

_COMPUTATIONS: Final[dict[str | None, str]] = {
    None: "set",
    "add": "add",
    "max": "maximum",
    "min": "minimum",
    "mul": "multiply",
}


# -- windows ---------------------------------------------------------------------------------------


def _starts(tensor: Tensor, start_indices: Any) -> list[Tensor]:
    """One integer scalar per axis, all of one element type."""
    graph = graph_of((tensor, start_indices))
    if isinstance(start_indices, (list, tuple)):
        given = [index_tensor(item, tensor) for item in start_indices]
    else:
        vector = index_tensor(start_indices, tensor)
        known = known_array(vector)
        if known is not None:
            given = [constant_tensor(graph, int(item), I32) for item in known.ravel()]
        elif vector.ndim == 1 and isinstance(vector.shape[0], int):
            given = [getitem(vector, number) for number in range(vector.shape[0])]
        else:
            given = [vector] if vector.ndim == 0 else []
    if len(given) != tensor.ndim or any(start.ndim for start in given):
        raise ShapeError(
            "start_indices are one integer per axis",
            given=f"{start_indices!r} for {tensor.value.type}",
            expected=f"{tensor.ndim} integers",
            origin=capture_origin(),
        )
    return promoted(given) if given else []


def slice(inputs: Any, start_indices: Any, shape: Any, name: str | None = None) -> Tensor:
    """A part of a tensor, from computed positions on.

    Args:
        inputs: any tensor.
        start_indices: one integer per axis, known or computed: a sequence or a vector.
        shape: of the part; -1 for all that is left, where the start is known.
        name: of the result.

    Raises:
        ShapeError: there is not one start per axis, or a size is larger than the axis.
    """
    tensor = to_tensor(inputs, None, graph_of((inputs,)))
    starts = _starts(tensor, start_indices)
    known = [size_of_value(start.value) for start in starts]
    listed = list(shape) if isinstance(shape, (list, tuple)) else list(as_shape(shape))
    if len(listed) != tensor.ndim:
        raise ShapeError(
            "a part has as many axes as the tensor",
            given=f"{shape!r} of {tensor.value.type}",
            origin=capture_origin(),
        )
    sizes: list[Dimension] = []
    for axis, item in enumerate(listed):
        size = as_size(item)
        start = known[axis]
        if isinstance(size, int) and size == -1 and start is not None:
            size = tensor.shape[axis] - start
        sizes.append(size)
    label = name or "slice"
    static = [start for start in known if start is not None]
    if len(static) == len(known) and all(_inside(*z) for z in zip(static, sizes, tensor.shape,
                                                                   strict=True)):  # fmt: skip
        limits = [start + size for start, size in zip(static, sizes, strict=True)]
        ones = [1] * tensor.ndim
        return apply(
            "slice", tensor, start_indices=static, limit_indices=limits, strides=ones, name=label
        )
    return apply("dynamic_slice", tensor, *starts, slice_sizes=sizes, name=label)


def _inside(start: Dimension, size: Dimension, whole: Dimension) -> bool:
    numbers = isinstance(start, int) and isinstance(size, int) and isinstance(whole, int)
    return (numbers and start >= 0 and start + size <= whole) or (start == 0 and size == whole)


def slice_update(inputs: Any, start_indices: Any, updates: Any, name: str | None = None) -> Tensor:
    """A tensor with a part, from computed positions on, replaced.

    Args:
        inputs: any tensor.
        start_indices: one integer per axis, known or computed.
        updates: the new part, with as many axes; cast to the element type of the tensor.
        name: of the result.

    Raises:
        ShapeError: numbers of axes differ, or the part is larger than the tensor.
    """
    tensor = to_tensor(inputs, None, graph_of((inputs, updates)))
    starts = _starts(tensor, start_indices)
    part = cast_to(to_tensor(updates, tensor.dtype, graph_of((tensor, updates))), tensor.dtype)
    return apply("dynamic_update_slice", tensor, part, *starts, name=name or "slice_update")


# -- scatters --------------------------------------------------------------------------------------


def scatter_update(
    inputs: Any,
    indices: Any,
    updates: Any,
    reduction: ScatterReduction | None = None,
    name: str | None = None,
) -> Tensor:
    """A tensor with elements or parts at computed positions replaced, or combined with updates.

    Args:
        inputs: [d0, d1, …].
        indices: integers [n…, k]: a position along the first k axes for each update; negative ones
            count from the end; updates outside are left out.
        updates: [n…, dk, …], broadcast; cast to the element type of the tensor.
        reduction: how an update joins what is there: it replaces it (None; of several for one
            position any may win), is added, multiplied, or the "max" or "min" is taken.
        name: of the result.

    Raises:
        ShapeError: shapes do not fit.
        GraphcError: there is no such reduction.
    """
    if reduction not in _COMPUTATIONS:
        raise GraphcError(
            f"there is no reduction {reduction!r}",
            expected='None, "add", "max", "min" or "mul"',
            origin=capture_origin(),
        )
    graph = graph_of((inputs, indices, updates))
    tensor = to_tensor(inputs, None, graph)
    positions = index_tensor(indices, tensor)
    depth = positions.shape[-1] if positions.ndim else None
    if not isinstance(depth, int) or depth > tensor.ndim:
        raise ShapeError(
            "the last axis of the indices holds a position",
            given=f"indices {positions.value.type} for {tensor.value.type}",
            expected=f"a last axis of at most {tensor.ndim}",
            origin=capture_origin(),
        )
    values = cast_to(to_tensor(updates, tensor.dtype, graph), tensor.dtype)
    from_start = _not_negative(positions, tensor, depth)
    return _scattered(tensor, from_start, depth, values, reduction, name or "scatter_update")


def _scattered(
    tensor: Tensor,
    positions: Tensor,
    depth: int,
    values: Tensor,
    reduction: ScatterReduction | None,
    name: str,
) -> Tensor:
    """The scatter, which leaves out what lies outside, negative positions among it."""
    batch = positions.shape[:-1]
    shape = (*batch, *tensor.shape[depth:])
    return apply(
        "scatter",
        tensor,
        positions,
        broadcast_tensor(values, shape),
        update_window_dims=range(len(batch), len(shape)),
        inserted_window_dims=range(depth),
        scatter_dims_to_operand_dims=range(depth),
        update_computation=_COMPUTATIONS[reduction],
        mode="fill",
        name=name,
    )


def _not_negative(positions: Tensor, tensor: Tensor, depth: int) -> Tensor:
    """Positions with the sizes of their axes added where they are below 0."""
    known = known_array(positions)
    if positions.dtype.kind == "unsigned" or (known is not None and not (known < 0).any()):
        return positions
    from_end = [
        counted_from_start(getitem(positions, (..., builtins.slice(k, k + 1))), tensor, k, True)
        for k in range(depth)
    ]
    return concatenate(from_end, positions.ndim - 1) if from_end else positions


def scatter(indices: Any, values: Any, shape: Any, name: str | None = None) -> Tensor:
    """Zeros of a shape with values added at computed positions.

    Args:
        indices: integers [n…, k]: a position along the first k axes for each value.
        values: [n…, dk, …].
        shape: of the result: [d0, d1, …].
        name: of the result.

    Raises:
        ShapeError: shapes do not fit.
    """
    graph = graph_of((indices, values))
    tensor = to_tensor(values, None, graph)
    empty = filled(graph, 0, tensor.dtype, as_shape(shape))
    return scatter_update(empty, indices, tensor, "add", name or "scatter")


# -- segments --------------------------------------------------------------------------------------


def _segments(
    reduction: ScatterReduction, start: Any, data: Any, ids: Any, count: Any, name: str
) -> Tensor:
    graph = graph_of((data, ids))
    tensor = to_tensor(data, None, graph)
    segments = index_tensor(ids, tensor)
    known = known_array(segments)
    if count is None and known is not None:
        count = int(known.max(initial=-1)) + 1
    if count is None or segments.ndim != 1 or not tensor.ndim:
        raise ShapeError(
            "segments need their number, and a vector with one segment per row",
            given=f"data {tensor.value.type}, segment_ids {segments.value.type}, "
            f"num_segments={count}",
            fix="say num_segments=" if count is None else None,
            origin=capture_origin(),
        )
    empty = filled(graph, start(tensor.dtype), tensor.dtype, (as_size(count), *tensor.shape[1:]))
    return _scattered(empty, expand_dims(segments, 1), 1, tensor, reduction, name)


def _least(dtype: DType) -> Any:
    return _limit(dtype, "min")


def _greatest(dtype: DType) -> Any:
    return _limit(dtype, "max")


def _limit(dtype: DType, which: str) -> Any:
    if dtype.is_floating:
        return float("-inf") if which == "min" else float("inf")
    return int(getattr(np.iinfo(dtype.numpy), which))


def segment_sum(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    sorted: bool = False,
    name: str | None = None,
) -> Tensor:
    """The sums of the rows of each segment.

    Args:
        data: [n, …].
        segment_ids: integers [n]: the segment of each row; a row whose number is negative, or not
            below `num_segments`, is left out.
        num_segments: how many there are; needed where the ids are computed.
        sorted: accepted for Keras's sake; sorted or not makes no difference.
        name: of the result.

    Returns:
        [num_segments, …]; 0 for a segment without rows.

    Raises:
        ShapeError: the number of segments is not known, or the ids are no vector.
    """
    return _segments("add", lambda dtype: 0, data, segment_ids, num_segments, name or "segment_sum")


def segment_max(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    sorted: bool = False,
    name: str | None = None,
) -> Tensor:
    """The maxima of the rows of each segment; the least number for one without rows."""
    return _segments("max", _least, data, segment_ids, num_segments, name or "segment_max")


def segment_min(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    sorted: bool = False,
    name: str | None = None,
) -> Tensor:
    """The minima of the rows of each segment; the greatest number for one without rows."""
    return _segments("min", _greatest, data, segment_ids, num_segments, name or "segment_min")


def segment_prod(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    sorted: bool = False,
    name: str | None = None,
) -> Tensor:
    """The products of the rows of each segment; 1 for one without rows."""
    return _segments(
        "mul", lambda dtype: 1, data, segment_ids, num_segments, name or "segment_prod"
    )

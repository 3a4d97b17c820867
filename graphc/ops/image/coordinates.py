"""Images read at other places: coordinates, affine and perspective maps."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final

from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import absolute, floor_divide, mod
from graphc.ops.broadcasting import apply
from graphc.ops.casting import cast
from graphc.ops.comparison import clip, greater, less_equal, logical_and, where
from graphc.ops.conversion import graph_of, inexact, to_tensor
from graphc.ops.creation import arange, ones_like, zeros_like
from graphc.ops.image.image_batches import as_batch
from graphc.ops.indexing import get_item
from graphc.ops.joining import meshgrid, stack
from graphc.ops.linear_systems import solve
from graphc.ops.rounding import floor
from graphc.ops.shaping import expand_dims, moveaxis, reshape, squeeze
from graphc.ops.tensor import Tensor

_ORDERS: Final = {"nearest": 0, "bilinear": 1}


def _mirrored(index: Tensor, size: int) -> Tensor:
    period = max(size - 1, 1)
    return absolute(mod(index + period, 2 * period) - period)


_INSIDE: Final[dict[str, Callable[[Tensor, int], Tensor]]] = {
    "constant": lambda index, size: clip(index, 0, size - 1),
    "nearest": lambda index, size: clip(index, 0, size - 1),
    "wrap": mod,
    "mirror": _mirrored,
    "reflect": lambda index, size: floor_divide(_mirrored(2 * index + 1, 2 * size + 1) - 1, 2),
}
"""What an index outside stands for, by the mode of filling."""


def _nearest(place: Tensor) -> Tensor:
    """The nearest whole number; a half is rounded away from zero."""
    # Not floor(|place| + 0.5): the sum of 0.5 and the number just below it rounds to 1.
    return apply("round_nearest_afz", place)


def map_coordinates(
    inputs: Any,
    coordinates: Any,
    order: int,
    fill_mode: str = "constant",
    fill_value: float = 0,
    name: str | None = None,
) -> Tensor:
    """A tensor read at coordinates that need not be whole numbers, as scipy.ndimage's.

    Args:
        inputs: [size, …], of known sizes.
        coordinates: [rank of inputs, …].
        order: 0 takes the nearest element, 1 weighs those around.
        fill_mode: what is outside: "constant", "nearest", "wrap", "mirror" or "reflect".
        fill_value: of "constant".
        name: of the result.

    Raises:
        ShapeError: there are more or fewer coordinates than axes, or a size is not known.
        GraphcError: there is no such order or mode.
    """
    graph = graph_of((inputs, coordinates))
    tensor, places = to_tensor(inputs, None, graph), inexact(to_tensor(coordinates, None, graph))
    _require_mode(fill_mode, order)
    sizes = [size for size in tensor.shape if isinstance(size, int)]
    if places.ndim < 2 or places.shape[0] != tensor.ndim or len(sizes) < tensor.ndim:
        raise ShapeError(
            "map_coordinates() takes a row of coordinates for each axis of known size",
            given=f"{tensor.value.type} at {places.value.type}",
            origin=capture_origin(),
        )
    found = _read(
        tensor, [places[axis] for axis in range(tensor.ndim)], order, fill_mode, fill_value
    )
    return cast(found, tensor.dtype, name or "map_coordinates")


def _require_mode(fill_mode: str, order: int) -> None:
    if fill_mode not in _INSIDE or order not in (0, 1):
        raise GraphcError(
            f"there is no order {order!r} with the fill mode {fill_mode!r}",
            expected=f"0 or 1, and one of {', '.join(_INSIDE)}",
            origin=capture_origin(),
        )


def _read(
    tensor: Tensor, places: list[Tensor], order: int, mode: str, fill_value: float, batch: int = 0
) -> Tensor:
    """Read at `places`, one per axis after the first `batch` ones; those are read in step."""
    sizes = [int(size) for size in tensor.shape[batch:]]  # type: ignore[arg-type]
    choices: list[list[tuple[Tensor, Tensor, Tensor | None]]] = []
    for place, size in zip(places, sizes, strict=True):
        lower = floor(place) if order else _nearest(place)
        corners = [(lower, 1 - (place - lower)), (lower + 1, place - lower)]
        nodes: list[tuple[Tensor, Tensor, Tensor | None]] = []
        for whole, weight in corners if order else [(lower, None)]:
            index = cast(whole, "int32")
            is_inside = logical_and(less_equal(0, index), greater(size, index))
            nodes.append((_INSIDE[mode](index, size), is_inside, weight))
        choices.append(nodes)
    first = [
        expand_axes(arange(tensor.shape[axis], dtype="int32"), axis, places[0].ndim)
        for axis in range(batch)
    ]
    total: Tensor | None = None
    for corner in itertools.product(*choices):
        value = inexact(get_item(tensor, (*first, *[index for index, _, _ in corner])))
        if mode == "constant":
            is_inside = corner[0][1]
            for _, other, _ in corner[1:]:
                is_inside = logical_and(is_inside, other)
            value = where(is_inside, value, fill_value)
        for _, _, weight in corner:
            value = value if weight is None else value * cast(weight, value.dtype)
        total = value if total is None else total + value
    assert total is not None
    return _nearest(total) if tensor.dtype.is_integer else total


def expand_axes(vector: Tensor, axis: int, rank: int) -> Tensor:
    """A vector along one of `rank` axes, with 1 along the others."""
    for _ in range(axis):
        vector = expand_dims(vector, 0)
    while vector.ndim < rank:
        vector = expand_dims(vector, -1)
    return vector


def affine_transform(
    images: Any,
    transform: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """Images read at (a0 x + a1 y + a2, b0 x + b1 y + b2).

    Args:
        images: [height, width, channels], or a batch of them; or with channels first.
        transform: [8] or [batch, 8]: a0, a1, a2, b0, b1, b2, and two numbers that are not used.
        interpolation: "bilinear" or "nearest".
        fill_mode: what is outside: "constant", "nearest", "wrap", "mirror" or "reflect".
        fill_value: of "constant".
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        name: of the result.
    """
    batch, restore = as_batch(images, data_format, "affine_transform")
    numbers = _rows(transform, batch, "transform", 1)
    x, y = _grid(batch, numbers.dtype)
    a = [numbers[:, place, None, None] for place in range(6)]
    columns, rows = a[0] * x + a[1] * y + a[2], a[3] * x + a[4] * y + a[5]
    found = _read_images(batch, rows, columns, interpolation, fill_mode, fill_value)
    return restore(found, name or "affine_transform")


def perspective_transform(
    images: Any,
    start_points: Any,
    end_points: Any,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """Images seen from elsewhere: four points go to four others.

    Args:
        images: [height, width, channels], or a batch of them; or with channels first.
        start_points: [4, 2] or [batch, 4, 2]: x and y of points in the images.
        end_points: where they are in the result.
        interpolation: "bilinear" or "nearest".
        fill_value: what is outside.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        name: of the result.
    """
    batch, restore = as_batch(images, data_format, "perspective_transform")
    start = _rows(start_points, batch, "start_points", 2)
    end = _rows(end_points, batch, "end_points", 2)
    h = _homography(start, end)
    x, y = _grid(batch, h.dtype)
    a = [h[:, place, None, None] for place in range(8)]
    depth = a[6] * x + a[7] * y + 1
    columns, rows = (a[0] * x + a[1] * y + a[2]) / depth, (a[3] * x + a[4] * y + a[5]) / depth
    found = _read_images(batch, rows, columns, interpolation, "constant", fill_value)
    return restore(found, name or "perspective_transform")


def displaced(
    images: Any,
    rows: Any,
    columns: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Tensor:
    """Images whose pixels are read further down and further to the right.

    Args:
        images: [batch, height, width, channels], or with channels first.
        rows: how far down: f[batch, height, width].
        columns: how far to the right, likewise.
        interpolation: "bilinear" or "nearest".
        fill_mode: what is outside: "constant", "nearest", "wrap", "mirror" or "reflect".
        fill_value: of "constant".
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
    """
    batch, restore = as_batch(images, data_format, "displaced")
    graph = graph_of((images, rows, columns))
    down, right = (inexact(to_tensor(each, None, graph)) for each in (rows, columns))
    x, y = _grid(batch, down.dtype)
    found = _read_images(batch, y + down, x + right, interpolation, fill_mode, fill_value)
    return restore(found, "displaced")


def _homography(start: Tensor, end: Tensor) -> Tensor:
    """The eight numbers of the map that takes each end point to its start point."""
    x, y, u, v = end[..., 0], end[..., 1], start[..., 0], start[..., 1]
    zero, one = zeros_like(x), ones_like(x)
    rows = [
        stack([x, y, one, zero, zero, zero, -u * x, -u * y], -1),
        stack([zero, zero, zero, x, y, one, -v * x, -v * y], -1),
    ]
    equations = stack(rows, 1)  # [batch, 2, 4, 8]
    batch = equations.shape[0]
    matrix = reshape(equations, (batch, 8, 8))
    wanted = reshape(stack([u, v], 1), (batch, 8, 1))
    return squeeze(solve(matrix, wanted), -1)


def _rows(given: Any, batch: Tensor, what: str, rank: int) -> Tensor:
    tensor = inexact(to_tensor(given, None, batch.graph))
    if tensor.ndim not in (rank, rank + 1):
        raise ShapeError(
            f"{what} has another number of axes",
            given=tensor.value.type,
            expected=f"{rank} axes, or {rank + 1} with one for the batch",
            origin=capture_origin(),
        )
    return expand_dims(tensor, 0) if tensor.ndim == rank else tensor


def _grid(batch: Tensor, dtype: Any) -> tuple[Tensor, Tensor]:
    """The column and the row of every pixel."""
    height, width = batch.shape[1:3]
    return meshgrid(arange(width, dtype=dtype), arange(height, dtype=dtype))  # type: ignore[return-value]


def _read_images(
    batch: Tensor, rows: Tensor, columns: Tensor, interpolation: str, mode: str, fill_value: float
) -> Tensor:
    if interpolation not in _ORDERS:
        raise GraphcError(
            f"there is no interpolation {interpolation!r}",
            expected=" or ".join(_ORDERS),
            origin=capture_origin(),
        )
    order = _ORDERS[interpolation]
    _require_mode(mode, order)
    channels = [
        _read(batch[..., channel], [rows, columns], order, mode, fill_value, batch=1)
        for channel in range(int(batch.shape[-1]))  # type: ignore[arg-type]
    ]
    return cast(moveaxis(stack(channels, 0), 0, -1), batch.dtype)

"""`depth_to_space` and `space_to_depth`: channels become blocks of pixels, and back."""

from __future__ import annotations

from typing import Any

from graphc.dimensions import Dimension
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.shaping import reshape, transpose
from graphc.ops.spatial_layouts import Layout, layout_of
from graphc.ops.tensor import Tensor


def depth_to_space(
    x: Any, block_size: int, data_format: str | None = "channels_last", name: str | None = None
) -> Tensor:
    """Each pixel becomes a block of pixels with fewer channels: the pixel shuffle.

    Args:
        x: [batch, height, width, channels · r²], or with channels first, of any type.
        block_size: r, the height and width of a block; 2 or more.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        name: of the result.

    Returns:
        [batch, height · r, width · r, channels], or with channels first. Of the channels of x,
        with channels last the last ones of r² groups are those of one pixel; with channels first
        the r² that follow each other are one channel's block. As in Keras.

    Raises:
        ShapeError: x has not 4 axes, or its channels are not a multiple of r².
    """
    tensor, layout = _images(x, block_size, data_format, "depth_to_space")
    _check_multiple(tensor, layout.channels, block_size**2)
    if layout.is_last:
        batch, high, wide, depth = tensor.shape
        channels = depth // block_size**2
        split = reshape(tensor, (batch, high, wide, block_size, block_size, channels))
        mixed = transpose(split, (0, 1, 3, 2, 4, 5))
        target = (batch, high * block_size, wide * block_size, channels)
    else:
        batch, depth, high, wide = tensor.shape
        channels = depth // block_size**2
        split = reshape(tensor, (batch, channels, block_size, block_size, high, wide))
        mixed = transpose(split, (0, 1, 4, 2, 5, 3))
        target = (batch, channels, high * block_size, wide * block_size)
    return reshape(mixed, target, name or "depth_to_space")


def space_to_depth(
    x: Any, block_size: int, data_format: str | None = "channels_last", name: str | None = None
) -> Tensor:
    """Each block of pixels becomes one pixel with more channels: undoes `depth_to_space`.

    Args:
        x: [batch, height · r, width · r, channels], or with channels first, of any type.
        block_size: r, the height and width of a block; 2 or more.
        data_format: as of `depth_to_space`.
        name: of the result.

    Returns:
        [batch, height, width, channels · r²], or with channels first.

    Raises:
        ShapeError: x has not 4 axes, or its height or width is not a multiple of r.
    """
    tensor, layout = _images(x, block_size, data_format, "space_to_depth")
    for axis in layout.spatial:
        _check_multiple(tensor, axis, block_size)
    sizes = [tensor.shape[axis] // block_size for axis in layout.spatial]
    high, wide = sizes
    batch, channels = tensor.shape[0], tensor.shape[layout.channels]
    depth = channels * block_size**2
    target: tuple[Dimension, ...]
    if layout.is_last:
        split = reshape(tensor, (batch, high, block_size, wide, block_size, channels))
        mixed = transpose(split, (0, 1, 3, 2, 4, 5))
        target = (batch, high, wide, depth)
    else:
        split = reshape(tensor, (batch, channels, high, block_size, wide, block_size))
        mixed = transpose(split, (0, 1, 3, 5, 2, 4))
        target = (batch, depth, high, wide)
    return reshape(mixed, target, name or "space_to_depth")


def _images(
    x: Any, block_size: int, data_format: str | None, function: str
) -> tuple[Tensor, Layout]:
    tensor = to_tensor(x, None, graph_of((x,)))
    if tensor.ndim != 4:
        raise ShapeError(
            f"{function}() takes a batch of images",
            given=tensor.value.type,
            expected="[batch, height, width, channels], or channels first",
            origin=capture_origin(),
        )
    if block_size < 2:
        raise GraphcError(
            "a block has 2 pixels or more on each side",
            given=f"block_size={block_size!r}",
            origin=capture_origin(),
        )
    return tensor, layout_of(tensor, data_format, function)


def _check_multiple(tensor: Tensor, axis: int, of: int) -> None:
    size = tensor.shape[axis]
    if isinstance(size, int) and size % of:
        raise ShapeError(
            "a size does not divide into blocks",
            given=f"axis {axis} of {tensor.value.type}",
            expected=f"a multiple of {of}",
            fix="pad or crop it, or take another block_size",
            origin=capture_origin(),
        )

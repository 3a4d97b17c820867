"""Blocks that slide over images: `unfold` takes them out, `fold` adds them up where they were.

Both go along one axis after the other, so that a block of a · b elements costs a + b slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dimensions import Dimension, equal
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add
from graphc.ops.broadcasting import apply
from graphc.ops.conversion import constant_tensor, graph_of, to_tensor
from graphc.ops.joining import slice_axis, stack
from graphc.ops.repeating import pad
from graphc.ops.shaping import reshape, squeeze, transpose
from graphc.ops.sizes import as_size
from graphc.ops.spatial_layouts import per_axis
from graphc.ops.tensor import Tensor

Numbers = int | Sequence[int]


def unfold(
    x: Any,
    kernel_size: Numbers,
    dilation: Numbers = 1,
    padding: Numbers = 0,
    stride: Numbers = 1,
    name: str | None = None,
) -> Tensor:
    """The blocks of images, one after the other: what is also called im2col.

    Args:
        x: [batch, channels, height, width], of any type.
        kernel_size: of a block, for both axes or (height, width).
        dilation: distance of neighbours in a block, likewise.
        padding: zeros on both sides of each axis, likewise.
        stride: from one block to the next, likewise.
        name: of the result.

    Returns:
        [batch, channels · block height · block width, blocks], of the type of x; blocks row by
        row.

    Raises:
        ShapeError: x has not 4 axes, or a block is larger than the padded image.
    """
    tensor = _ranked(x, 4, "unfold", "[batch, channels, height, width]")
    kernel, holes, edges, steps = _of_both(kernel_size, dilation, padding, stride)
    if any(edges):
        tensor = pad(tensor, [(0, 0), (0, 0), (edges[0], edges[0]), (edges[1], edges[1])])
    batch, channels = tensor.shape[:2]
    rows = blocks_along(tensor, 2, kernel[0], steps[0], holes[0])
    both = blocks_along(rows, 4, kernel[1], steps[1], holes[1])
    high, wide = both.shape[3], both.shape[5]
    ordered = transpose(both, (0, 1, 2, 4, 3, 5))
    depth = channels * kernel[0] * kernel[1]
    return reshape(ordered, (batch, depth, high * wide), name or "unfold")


def fold(
    x: Any,
    output_size: Any,
    kernel_size: Numbers,
    dilation: Numbers = 1,
    padding: Numbers = 0,
    stride: Numbers = 1,
    name: str | None = None,
) -> Tensor:
    """Images from their blocks, which are added where they overlap: what is also called col2im.

    It is the transpose of `unfold`, not its inverse. What no block reaches is 0.

    Args:
        x: [batch, channels · block height · block width, blocks], as `unfold` gives them.
        output_size: of the images, for both axes or (height, width).
        kernel_size: as of `unfold`.
        dilation: likewise.
        padding: likewise: what was added and is now cut off.
        stride: likewise.
        name: of the result.

    Returns:
        [batch, channels, height, width], of the type of x.

    Raises:
        ShapeError: x has not 3 axes, or its sizes are not those of such blocks.
    """
    tensor = _ranked(x, 3, "fold", "[batch, channels · block, blocks]")
    kernel, holes, edges, steps = _of_both(kernel_size, dilation, padding, stride)
    listed = list(output_size) if isinstance(output_size, (list, tuple)) else [output_size] * 2
    if len(listed) != 2:
        raise ShapeError(
            "fold() makes images",
            given=f"output_size={output_size!r}",
            expected="one size, or (height, width)",
            origin=capture_origin(),
        )
    padded = [as_size(size) + 2 * edge for size, edge in zip(listed, edges, strict=True)]
    high, wide = (
        block_count(size, window, step, hole, "fold")
        for size, window, step, hole in zip(padded, kernel, steps, holes, strict=True)
    )
    batch, depth, count = tensor.shape
    area = kernel[0] * kernel[1]
    if equal(count, high * wide) is False or (isinstance(depth, int) and depth % area):
        raise ShapeError(
            "these are not the blocks of images of that size",
            given=f"{tensor.value.type}, output_size={output_size!r}",
            expected=f"[batch, a multiple of {area}, {high * wide}]",
            fix="give the kernel_size, dilation, padding and stride that unfold() had",
            origin=capture_origin(),
        )
    split = reshape(tensor, (batch, depth // area, *kernel, high, wide))
    ordered = transpose(split, (0, 1, 2, 4, 3, 5))
    rows = _added_along(ordered, 4, padded[1], steps[1], holes[1])
    image = _added_along(rows, 2, padded[0], steps[0], holes[0])
    for axis, edge in zip((2, 3), edges, strict=True):
        image = slice_axis(image, axis, edge, image.shape[axis] - edge, name=name or "fold")
    return image


def block_count(size: Dimension, window: int, stride: int, dilation: int, what: str) -> Dimension:
    """How many blocks there are along an axis.

    Raises:
        ShapeError: not one fits.
    """
    reach = dilation * (window - 1) + 1
    if isinstance(size, int) and size < reach:
        raise ShapeError(
            f"{what}() has a block that is larger than the image",
            given=f"{size} elements, and a block that reaches over {reach}",
            fix="pad the image, or take smaller blocks",
            origin=capture_origin(),
        )
    return (size - reach) // stride + 1


def blocks_along(tensor: Tensor, axis: int, window: int, stride: int, dilation: int) -> Tensor:
    """The blocks along an axis, in place of it: first which element of a block, then which block.

    Raises:
        ShapeError: not one fits.
    """
    count = block_count(tensor.shape[axis], window, stride, dilation, "unfold")
    reach = (count - 1) * stride + 1
    parts = [
        slice_axis(tensor, axis, first, first + reach, stride)
        for first in range(0, window * dilation, dilation)
    ]
    return stack(parts, axis)


def _added_along(blocks: Tensor, axis: int, size: Dimension, stride: int, dilation: int) -> Tensor:
    """The transpose of `blocks_along`: axes `axis` and `axis + 1` become one of some size."""
    window, count = blocks.shape[axis], blocks.shape[axis + 1]
    assert isinstance(window, int)
    zero = constant_tensor(graph_of((blocks,)), 0, blocks.dtype)
    total: Tensor | None = None
    for place in range(window):
        part = squeeze(slice_axis(blocks, axis, place, place + 1), axis)
        low: list[Dimension] = [0] * part.ndim
        high, interior = list(low), [0] * part.ndim
        low[axis], interior[axis] = place * dilation, stride - 1
        high[axis] = size - place * dilation - ((count - 1) * stride + 1)
        spread = apply("pad", part, zero, low=low, high=high, interior=interior)
        total = spread if total is None else add(total, spread)
    assert total is not None
    return total


def _ranked(x: Any, rank: int, function: str, expected: str) -> Tensor:
    tensor = to_tensor(x, None, graph_of((x,)))
    if tensor.ndim != rank:
        raise ShapeError(
            f"{function}() takes {rank} axes",
            given=tensor.value.type,
            expected=expected,
            origin=capture_origin(),
        )
    return tensor


def _of_both(
    kernel_size: Numbers, dilation: Numbers, padding: Numbers, stride: Numbers
) -> tuple[tuple[int, ...], ...]:
    return (
        per_axis(kernel_size, 2, "kernel_size"),
        per_axis(dilation, 2, "dilation"),
        per_axis(padding, 2, "padding", 0),
        per_axis(stride, 2, "stride"),
    )

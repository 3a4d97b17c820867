"""Borders: what is added around images, and what is cut off."""

from __future__ import annotations

from typing import Any

from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.image.image_batches import as_batch
from graphc.ops.joining import slice_axis
from graphc.ops.repeating import pad
from graphc.ops.tensor import Tensor


def pad_images(
    images: Any,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """Images with zeros around them.

    Two of three numbers say all of each direction: before, after, and the size in the end.

    Args:
        images: [height, width, channels], or a batch of them; or with channels first.
        top_padding: rows above.
        left_padding: columns to the left.
        bottom_padding: rows below.
        right_padding: columns to the right.
        target_height: rows in the end.
        target_width: columns in the end.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        name: of the result.

    Raises:
        GraphcError: not exactly two of the three are given, or one would be below 0.
        ShapeError: a size that is needed is not known.
    """
    batch, restore = as_batch(images, data_format, "pad_images")
    rows = _edges(batch, 1, ("top", "bottom"), top_padding, bottom_padding, target_height, 1)
    columns = _edges(batch, 2, ("left", "right"), left_padding, right_padding, target_width, 1)
    return restore(pad(batch, ((0, 0), rows, columns, (0, 0))), name or "pad_images")


def crop_images(
    images: Any,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """A part of images.

    Two of three numbers say all of each direction: before, after, and the size in the end.

    Args:
        images: [height, width, channels], or a batch of them; or with channels first.
        top_cropping: rows that go above.
        left_cropping: columns that go to the left.
        bottom_cropping: rows that go below.
        right_cropping: columns that go to the right.
        target_height: rows in the end.
        target_width: columns in the end.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        name: of the result.

    Raises:
        GraphcError: not exactly two of the three are given, or one would be below 0.
        ShapeError: a size is not known, or nothing is left.
    """
    batch, restore = as_batch(images, data_format, "crop_images")
    rows = _edges(batch, 1, ("top", "bottom"), top_cropping, bottom_cropping, target_height, -1)
    columns = _edges(batch, 2, ("left", "right"), left_cropping, right_cropping, target_width, -1)
    for axis, (before, after) in ((1, rows), (2, columns)):
        size = _size(batch, axis)
        if before + after >= size:
            raise ShapeError(
                "cropping leaves nothing of the images",
                given=f"{before} and {after} of {size} along axis {axis}",
                origin=capture_origin(),
            )
        batch = slice_axis(batch, axis, before, size - after)
    return restore(batch, name or "crop_images")


def _size(batch: Tensor, axis: int) -> int:
    size = batch.shape[axis]
    if not isinstance(size, int):
        raise ShapeError(
            "the size of the images has to be known here",
            given=batch.value.type,
            expected="a number of rows and of columns",
            origin=capture_origin(),
        )
    return size


def _edges(
    batch: Tensor,
    axis: int,
    names: tuple[str, str],
    before: int | None,
    after: int | None,
    target: int | None,
    sign: int,
) -> tuple[int, int]:
    """What is added (sign 1) or cut off (sign -1) at either end."""
    given = {names[0]: before, names[1]: after, "target": target}
    if sum(number is not None for number in given.values()) != 2:
        raise GraphcError(
            f"exactly two of {names[0]}, {names[1]} and the target size say what is meant",
            given=", ".join(f"{key}={number}" for key, number in given.items()),
            origin=capture_origin(),
        )
    if target is not None:
        change = sign * (target - _size(batch, axis))
        if before is None:
            before = change - (after or 0)
        else:
            after = change - before
    assert before is not None
    assert after is not None
    if before < 0 or after < 0:
        raise GraphcError(
            "a border would be below 0",
            given=f"{names[0]}={before}, {names[1]}={after}",
            expected="numbers from 0 on, that fit the size in the end",
            origin=capture_origin(),
        )
    return before, after

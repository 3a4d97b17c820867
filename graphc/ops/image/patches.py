"""Patches: windows of images, laid out as channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.convolutions import conv
from graphc.ops.image.image_batches import as_batch
from graphc.ops.matrices import eye
from graphc.ops.shaping import reshape
from graphc.ops.spatial_layouts import per_axis
from graphc.ops.tensor import Tensor

Numbers = int | Sequence[int]


def extract_patches(
    images: Any,
    size: Numbers,
    strides: Numbers | None = None,
    dilation_rate: Numbers = 1,
    padding: str = "valid",
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The windows of images, or of volumes where `size` has three numbers.

    Args:
        images: [height, width, channels], or a batch of them; or with channels first.
        size: of a window.
        strides: how far it moves; by its size if None.
        dilation_rate: distance of neighbours in the window.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        name: of the result.

    Returns:
        As the images, with a channel for each element of a window: rows, columns, channels.

    Raises:
        ShapeError: the number of channels is not known.
    """
    rank = 3 if not isinstance(size, int) and len(size) == 3 else 2
    label = name or "extract_patches"
    return _patches(images, rank, size, strides, dilation_rate, padding, data_format, label)


def extract_patches_3d(
    volumes: Any,
    size: Numbers,
    strides: Numbers | None = None,
    dilation_rate: Numbers = 1,
    padding: str = "valid",
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The windows of volumes [depth, height, width, channels]; see `extract_patches`."""
    label = name or "extract_patches_3d"
    return _patches(volumes, 3, size, strides, dilation_rate, padding, data_format, label)


def _patches(
    images: Any,
    rank: int,
    size: Numbers,
    strides: Numbers | None,
    dilation_rate: Numbers,
    padding: str,
    data_format: str | None,
    name: str,
) -> Tensor:
    batch, restore = as_batch(images, data_format, "extract_patches", rank)
    window, channels = per_axis(size, rank, "size"), batch.shape[-1]
    if not isinstance(channels, int):
        raise ShapeError(
            "the number of channels has to be known",
            given=batch.value.type,
            origin=capture_origin(),
        )
    count = channels
    for length in window:
        count *= length
    # the convolution with a kernel per element of the window, which looks at that element alone
    kernel = reshape(eye(count, dtype=batch.dtype), (*window, channels, count))
    steps = window if strides is None else strides
    found = conv(batch, kernel, steps, padding, "channels_last", dilation_rate)
    return restore(found, name)

"""Colours: grey levels, and hue, saturation and value.

Source: A. R. Smith, "Color gamut transform pairs", 1978.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import DTypeError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import absolute, divide, mod, multiply, subtract
from graphc.ops.casting import cast
from graphc.ops.comparison import clip, equal, greater, less, maximum, minimum, where
from graphc.ops.conversion import inexact, to_tensor
from graphc.ops.image.image_batches import as_batch
from graphc.ops.joining import stack
from graphc.ops.linear_algebra import tensordot
from graphc.ops.shaping import expand_dims
from graphc.ops.tensor import Tensor

_GREY = np.array([0.2989, 0.5870, 0.1140])
"""How bright red, green and blue are: ITU-R BT.601."""


def rgb_to_grayscale(
    images: Any, data_format: str | None = None, name: str | None = None
) -> Tensor:
    """How bright each pixel is, as one channel; grey images as they are.

    Args:
        images: [height, width, 3 or 1], or a batch of them; or with channels first.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        name: of the result.

    Raises:
        ShapeError: there are neither 3 channels nor 1.
    """
    batch, restore = as_batch(images, data_format, "rgb_to_grayscale")
    label = name or "rgb_to_grayscale"
    if batch.shape[-1] == 1:
        return restore(batch, label)
    _require_channels(batch, "rgb_to_grayscale")
    wide = inexact(batch)
    weights = to_tensor(_GREY.astype(wide.dtype.numpy), None, wide.graph)
    grey = expand_dims(tensordot(wide, weights, 1), -1)
    return restore(cast(grey, batch.dtype), label)


def rgb_to_hsv(images: Any, data_format: str | None = None, name: str | None = None) -> Tensor:
    """Hue, saturation and value of red, green and blue, all from 0 to 1.

    Args:
        images: floats [height, width, 3], or a batch of them; or with channels first.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        name: of the result.

    Raises:
        ShapeError: there are not 3 channels.
        DTypeError: they are no floats.
    """
    batch, restore = as_batch(images, data_format, "rgb_to_hsv")
    red, green, blue = _channels(batch, "rgb_to_hsv")
    value = maximum(maximum(red, green), blue)
    spread = subtract(value, minimum(minimum(red, green), blue))
    is_coloured, is_bright = greater(spread, 0), greater(value, 0)
    saturation = where(is_bright, divide(spread, where(is_bright, value, 1)), 0)
    sixth = divide(1, multiply(6, where(is_coloured, spread, 1)))
    # where the greatest is red, green, blue, hue is around 0, 1/3, 2/3
    hue = where(
        equal(value, red),
        multiply(sixth, green - blue),
        where(
            equal(value, green),
            multiply(sixth, blue - red) + 2 / 6,
            multiply(sixth, red - green) + 4 / 6,
        ),
    )
    hue = where(is_coloured, hue, 0)
    hue = hue + cast(less(hue, 0), hue.dtype)
    return restore(stack([hue, saturation, value], -1), name or "rgb_to_hsv")


def hsv_to_rgb(images: Any, data_format: str | None = None, name: str | None = None) -> Tensor:
    """Red, green and blue of hue, saturation and value, all from 0 to 1.

    Args:
        images: floats [height, width, 3], or a batch of them; or with channels first.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        name: of the result.

    Raises:
        ShapeError: there are not 3 channels.
        DTypeError: they are no floats.
    """
    batch, restore = as_batch(images, data_format, "hsv_to_rgb")
    hue, saturation, value = _channels(batch, "hsv_to_rgb")
    around = multiply(mod(hue, 1), 6)
    amounts = [
        clip(absolute(around - 3) - 1, 0, 1),
        clip(2 - absolute(around - 2), 0, 1),
        clip(2 - absolute(around - 4), 0, 1),
    ]
    mixed = [value * (1 - saturation + saturation * amount) for amount in amounts]
    return restore(stack(mixed, -1), name or "hsv_to_rgb")


def _require_channels(batch: Tensor, function: str) -> None:
    if batch.shape[-1] != 3:
        raise ShapeError(
            f"{function}() takes images of 3 channels",
            given=f"{batch.value.type}, channels last",
            fix="mind data_format: channels come last unless it says otherwise",
            origin=capture_origin(),
        )


def _channels(batch: Tensor, function: str) -> list[Tensor]:
    _require_channels(batch, function)
    if not batch.dtype.is_floating:
        raise DTypeError(
            f"{function}() takes floats",
            given=batch.dtype,
            fix="cast the images, and divide 8-bit ones by 255",
            origin=capture_origin(),
        )
    return [batch[..., channel] for channel in range(3)]

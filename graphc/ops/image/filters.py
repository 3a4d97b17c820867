"""Filters: images blurred, and the edges in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from graphc.errors import DTypeError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import square
from graphc.ops.conversion import cast_to
from graphc.ops.convolutions import depthwise_conv
from graphc.ops.exponential import exp
from graphc.ops.image.image_batches import as_batch
from graphc.ops.joining import stack
from graphc.ops.reductions import mean
from graphc.ops.reductions import sum as sum_of
from graphc.ops.repeating import repeat
from graphc.ops.shaping import ndim, squeeze
from graphc.ops.tensor import Tensor

_SOBEL: Final = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], np.float64)


def gaussian_blur(
    images: Any,
    kernel_size: Sequence[int] = (3, 3),
    sigma: Sequence[float] | Tensor = (1.0, 1.0),
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """Images smoothed by a normal distribution; around them are zeros.

    Args:
        images: floats [height, width, channels], or a batch of them; or with channels first.
        kernel_size: columns and rows of the window, in the order that Keras computes with.
        sigma: standard deviation from column to column and from row to row, in pixels: numbers, or
            a tensor f[2].
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        name: of the result.
    """
    batch, restore = as_batch(images, data_format, "gaussian_blur")
    row, column = (_bell(int(size), sigma[i]) for i, size in enumerate(kernel_size))
    blurred = _filtered(batch, (column[:, None] * row)[..., None], "same")
    return restore(blurred, name or "gaussian_blur")


def _bell(size: int, sigma: Any) -> Any:
    """Weights that add up to 1: numbers, or a tensor where sigma is one."""
    distances = np.arange(size) - (size - 1) / 2
    if isinstance(sigma, Tensor):
        drawn = exp(square(distances.astype(sigma.dtype.numpy) / sigma) * -0.5)
        return drawn / sum_of(drawn)
    weights = np.exp(-0.5 * (distances / float(sigma)) ** 2)
    return weights / weights.sum()


def sobel_edges(images: Any, data_format: str | None = None, name: str | None = None) -> Tensor:
    """How steep images are along rows and columns (I. Sobel, G. Feldman 1968).

    Args:
        images: floats [height, width, channels], or a batch of them; or with channels first.
            Around them are zeros.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        name: of the result.

    Returns:
        As the images, with an axis of 2 at the end: downwards, and to the right.
    """
    batch, restore = as_batch(images, data_format, "sobel_edges")
    down, right = (
        restore(_filtered(batch, kernel[..., None], "same"), f"{name or 'sobel_edges'}_part")
        for kernel in (_SOBEL, _SOBEL.T)
    )
    return stack([down, right], -1, name or "sobel_edges")


def ssim(
    image1: Any,
    image2: Any,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """How alike images are in structure, 1 where they are equal (Z. Wang and others 2004).

    Args:
        image1: floats [height, width, channels], or a batch of them; or with channels first.
        image2: as many.
        max_val: the difference between black and white.
        filter_size: rows and columns of the window that is compared.
        filter_sigma: standard deviation of the weights in the window, in pixels.
        k1: keeps the comparison of means apart from 0.
        k2: keeps that of variances apart from 0.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        name: of the result.

    Returns:
        A number, or one per image.
    """
    first, _ = as_batch(image1, data_format, "ssim")
    second, _ = as_batch(image2, data_format, "ssim")
    weights = _bell(filter_size, filter_sigma)
    window = np.outer(weights, weights)[..., None]

    def mean_of(values: Tensor) -> Tensor:
        return _filtered(values, window, "valid")

    means = mean_of(first), mean_of(second)
    squares = [square(each) for each in means]
    product = means[0] * means[1]
    variances = [
        mean_of(square(image)) - own for image, own in zip((first, second), squares, strict=True)
    ]
    covariance = mean_of(first * second) - product
    low, high = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    alike = (2 * product + low) * (2 * covariance + high)
    alike = alike / ((squares[0] + squares[1] + low) * (variances[0] + variances[1] + high))
    found = mean(alike, (1, 2, 3))
    is_single = ndim(image1) == 3
    return squeeze(found, 0, name or "ssim") if is_single else found


def _filtered(batch: Tensor, kernels: Any, padding: str) -> Tensor:
    """Each channel by itself, with each of the kernels [rows, columns, count]."""
    channels = batch.shape[-1]
    if not isinstance(channels, int):
        raise ShapeError(
            "the number of channels has to be known",
            given=batch.value.type,
            origin=capture_origin(),
        )
    if not batch.dtype.is_floating:
        raise DTypeError(
            "filters take floats", given=batch.dtype, fix="cast the images", origin=capture_origin()
        )
    if isinstance(kernels, Tensor):
        weights: Any = cast_to(repeat(kernels[:, :, None, :], channels, axis=2), batch.dtype)
    else:
        weights = np.repeat(kernels[:, :, None, :], channels, axis=2).astype(batch.dtype.numpy)
    return depthwise_conv(batch, weights, 1, padding, "channels_last")

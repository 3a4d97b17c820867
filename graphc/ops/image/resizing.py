"""Images in other sizes: each axis by a matrix of weights.

Pixels are squares, and their values are those of their centres. What lies between is weighed by a
kernel; where an image shrinks, the kernel is stretched, so that every pixel counts (antialiasing).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import absolute, divide, multiply
from graphc.ops.casting import cast
from graphc.ops.comparison import greater, less_equal, logical_and, maximum, where
from graphc.ops.conversion import graph_of, inexact, promoted, to_tensor
from graphc.ops.creation import arange
from graphc.ops.gathering import take
from graphc.ops.image.borders import crop_images, pad_images
from graphc.ops.image.image_batches import as_batch
from graphc.ops.linear_algebra import tensordot
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.rounding import round as round_to_even
from graphc.ops.shaping import expand_dims, moveaxis
from graphc.ops.tensor import Tensor
from graphc.ops.trigonometric import sinc

_SMALLEST_SUM: Final = 1000 * float(np.finfo(np.float32).eps)


def _triangle(x: Tensor) -> Tensor:
    return maximum(1 - x, 0)


def _cubic(x: Tensor) -> Tensor:
    """R. G. Keys, "Cubic convolution interpolation for digital image processing", 1981."""
    near = ((1.5 * x - 2.5) * x) * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return where(greater(1, x), near, where(greater(2, x), far, 0))


def _lanczos(radius: int) -> Callable[[Tensor], Tensor]:
    """C. Lanczos; C. E. Duchon, "Lanczos filtering in one and two dimensions", 1979."""

    def kernel(x: Tensor) -> Tensor:
        return where(less_equal(x, radius), sinc(x) * sinc(x / radius), 0)

    return kernel


_KERNELS: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    **dict.fromkeys(("linear", "bilinear", "trilinear"), _triangle),
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), _cubic),
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}
_INTERPOLATIONS: Final = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic")


def _weights(
    size: int, result: int, scale: Tensor, translation: Tensor, method: str, antialias: bool
) -> Tensor:
    """What each pixel of the result takes of each pixel: [size, result]."""
    inverse = divide(1, scale)
    width = maximum(inverse, 1) if antialias else inverse * 0 + 1
    places = (arange(result, dtype=scale.dtype) + 0.5 - translation) * inverse - 0.5
    distances = absolute(expand_dims(places, 0) - expand_dims(arange(size, dtype=scale.dtype), 1))
    weights = _KERNELS[method](distances / width)
    total = reduce_sum(weights, 0, keepdims=True)
    is_enough = greater(absolute(total), _SMALLEST_SUM)
    weights = where(is_enough, weights / where(is_enough, total, 1), 0)
    inside = logical_and(less_equal(-0.5, places), less_equal(places, size - 0.5))
    return where(expand_dims(inside, 0), weights, 0)


def _applied(tensor: Tensor, axis: int, weights: Tensor) -> Tensor:
    return moveaxis(tensordot(tensor, cast(weights, tensor.dtype), ([axis], [0])), -1, axis)


def _known(tensor: Tensor, axis: int) -> int:
    size = tensor.shape[axis]
    if not isinstance(size, int):
        raise ShapeError(
            "the size of the images has to be known here",
            given=tensor.value.type,
            expected="numbers of rows and columns; the batch may be open",
            origin=capture_origin(),
        )
    return size


def _known_method(method: str, methods: Sequence[str]) -> str:
    if method not in methods:
        raise GraphcError(
            f"there is no interpolation {method!r}",
            expected=", ".join(methods),
            origin=capture_origin(),
        )
    return method


def scale_and_translate(
    images: Any,
    output_shape: Sequence[int],
    scale: Any,
    translation: Any,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
    name: str | None = None,
) -> Tensor:
    """Images moved and stretched: what is at x goes to x · scale + translation.

    Args:
        images: of any rank.
        output_shape: the shape in the end.
        scale: a number for each of `spatial_dims`.
        translation: likewise, in pixels of the result.
        spatial_dims: the axes that are moved along.
        method: "linear", "cubic", "lanczos3" or "lanczos5"; also "bilinear", "bicubic" and so on.
        antialias: whether shrinking weighs all pixels.
        name: of the result.

    Raises:
        ShapeError: a size along these axes is not known.
        GraphcError: there is no such method.
    """
    _known_method(method, tuple(_KERNELS))
    tensor = inexact(images)
    scales, shifts = promoted(
        (to_tensor(scale, None, tensor.graph), to_tensor(translation, None, tensor.graph))
    )
    for place, given in enumerate(spatial_dims):
        axis = given % tensor.ndim
        sizes = _known(tensor, axis), int(output_shape[axis])
        weights = _weights(
            *sizes, inexact(scales)[place], inexact(shifts)[place], method, antialias
        )
        tensor = _applied(tensor, axis, weights)
    return multiply(tensor, 1, name or "scale_and_translate")


def resize(
    images: Any,
    size: Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
    name: str | None = None,
) -> Tensor:
    """Images in another size.

    Args:
        images: [height, width, channels], or a batch of them; or with channels first.
        size: height and width in the end.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        antialias: whether shrinking weighs all pixels.
        crop_to_aspect_ratio: keep the ratio of height and width by cutting borders off.
        pad_to_aspect_ratio: keep it by adding borders.
        fill_mode: "constant", the only one.
        fill_value: what is added.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        name: of the result.

    Raises:
        ShapeError: a size is not known.
        GraphcError: there is no such interpolation, or both ways to keep the ratio are asked for.
    """
    _known_method(interpolation, _INTERPOLATIONS)
    if (crop_to_aspect_ratio and pad_to_aspect_ratio) or fill_mode != "constant":
        raise GraphcError(
            "these options of resize() do not go together",
            given=f"crop_to_aspect_ratio={crop_to_aspect_ratio}, "
            f"pad_to_aspect_ratio={pad_to_aspect_ratio}, fill_mode={fill_mode!r}",
            expected='one of the two at the most, and fill_mode="constant"',
            origin=capture_origin(),
        )
    given = to_tensor(images, None, graph_of((images,)))
    batch, restore = as_batch(given, data_format, "resize")
    if crop_to_aspect_ratio or pad_to_aspect_ratio:
        batch = _in_ratio(batch, size, crop_to_aspect_ratio, fill_value)
    wide = batch if interpolation == "nearest" else inexact(batch)
    for axis, result in zip((1, 2), size, strict=True):
        before = _known(wide, axis)
        if before == result:
            continue
        if interpolation == "nearest":
            wide = take(wide, ((np.arange(result) + 0.5) * before / result).astype(np.int32), axis)
            continue
        ratio = to_tensor(np.float32(result / before), None, wide.graph)
        weights = _weights(before, int(result), ratio, ratio * 0, interpolation, antialias)
        wide = _applied(wide, axis, weights)
    if given.dtype.is_integer and wide.dtype is not given.dtype:
        wide = cast(round_to_even(wide), given.dtype)
    return restore(wide, name or "resize")


def _in_ratio(batch: Tensor, size: Sequence[int], crops: bool, fill_value: float) -> Tensor:
    """Images cut, or padded, to the ratio of height and width that a size has."""
    height, width = _known(batch, 1), _known(batch, 2)
    fit_height, fit_width = int(width * size[0] / size[1]), int(height * size[1] / size[0])
    if crops:
        rows, columns = max(min(height, fit_height), 1), max(min(width, fit_width), 1)
        return crop_images(
            batch,
            (height - rows) // 2,
            (width - columns) // 2,
            target_height=rows,
            target_width=columns,
            data_format="channels_last",
        )
    # the same on both sides, as Keras: an odd pixel is left to the interpolation
    top = (max(height, fit_height) - height) // 2
    left = 0 if top else (max(width, fit_width) - width) // 2
    shifted = batch - fill_value
    padded = pad_images(shifted, top, left, top, left, data_format="channels_last")
    return padded + fill_value

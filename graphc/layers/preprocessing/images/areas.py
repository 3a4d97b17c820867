"""Random layers that look at areas of images: blurred, sharpened, erased, bent."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.preprocessing.images.colors import ColorLayer, Factor, Range
from graphc.layers.preprocessing.images.image_layer import ImageLayer, for_each_image
from graphc.layers.preprocessing.images.limits import limits_of, one_of, range_of
from graphc.layers.reshaping.data_formats import whole_numbers
from graphc.ops.arithmetic import square
from graphc.ops.comparison import clip, less_equal, logical_and, where
from graphc.ops.conversion import to_tensor
from graphc.ops.convolutions import depthwise_conv
from graphc.ops.creation import arange
from graphc.ops.exponential import exp, sqrt
from graphc.ops.image.coordinates import displaced
from graphc.ops.image.filters import gaussian_blur
from graphc.ops.reductions import sum as sum_of
from graphc.ops.rounding import floor
from graphc.ops.shaping import broadcast_to, moveaxis, reshape
from graphc.ops.tensor import Tensor
from graphc.random.distributions import normal
from graphc.random.streams import Seed, SeedGenerator


class RandomSharpness(ColorLayer):
    """In training each image becomes sharper or smoother.

    Args:
        factor: the least and the largest, 0 to 1: 0 gives smooth images, 0.5 leaves them as they
            are, 1 gives sharp ones; or one number for the largest.
        value_range: the least and the largest value of a pixel, which results keep to.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        seed: an integer: layers of one seed draw the same.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        factor: Factor,
        value_range: Range = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, value_range, seed, data_format, least=0, **kwargs)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        return {"factor": self._uniform((count,), self.factor, seed)}

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        weights = np.full((3, 3, 1, 1), 1 / 13)
        weights[1, 1] = 5 / 13
        kernel = np.tile(weights, (1, 1, int(images.shape[self.channel_axis]), 1))  # type: ignore[arg-type]
        batch = images if self.is_channels_last else moveaxis(images, 1, -1)
        kernel = kernel.astype(images.dtype.numpy)
        smooth = depthwise_conv(batch, kernel, 1, "same", "channels_last")
        smooth = smooth if self.is_channels_last else moveaxis(smooth, -1, 1)
        share = 1.0 - 2 * for_each_image(transformation["factor"])
        return clip(images + share * (smooth - images), *self.value_range)


class RandomGaussianBlur(ImageLayer):
    """In training some of the images are blurred; how much is drawn for the batch.

    Args:
        factor: how probably an image is: the least and the largest, 0 to 1; or one number.
        kernel_size: columns and rows of the window: odd numbers, or one for both.
        sigma: the least and the largest standard deviation in pixels, 0 to 1; or one number.
        value_range: the least and the largest value of a pixel, which results keep to.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        seed: an integer: layers of one seed draw the same.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        kernel_size: Any = 3,
        sigma: Any = 1.0,
        value_range: Range = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.factor = limits_of(factor, "factor", 0)
        self.kernel_size = whole_numbers(kernel_size, 2, "kernel_size", 1)
        if any(size % 2 == 0 for size in self.kernel_size):
            raise GraphcError(
                "kernel_size has a middle",
                given=repr(kernel_size),
                expected="odd numbers",
                origin=capture_origin(),
            )
        self.sigma = limits_of(sigma, "sigma", 0)
        self.value_range = range_of(value_range)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        """Which images are blurred, bool[batch], and how much along columns and rows, f[2]."""
        happens = self._happens(count, self.factor, seed)
        blur = self._uniform((2,), self.sigma, seed) + 1e-6
        return {"should_apply_blur": happens, "blur_factor": blur}

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        sigma = transformation["blur_factor"]
        blurred = gaussian_blur(images, self.kernel_size, sigma, self.data_format)
        happens = for_each_image(transformation["should_apply_blur"])
        return clip(where(happens, blurred, images), *self.value_range)


class RandomErasing(ImageLayer):
    """In training a rectangle of some of the images is erased.

    Args:
        factor: how probably an image loses one: the least and the largest, 0 to 1; or one number.
        scale: the least and the largest square of the sides, as parts of the image's, 0 to 1.
        fill_value: what stands there then: a number, or one for each of three channels; noise by
            default.
        value_range: the least and the largest value of a pixel, which what is filled in keeps to.
        seed: an integer: layers of one seed draw the same.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Range = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.factor = limits_of(factor, "factor", 0)
        self.scale = limits_of(scale, "scale", 0)
        if np.shape(fill_value) not in ((), (3,)):
            raise GraphcError(
                "fill_value does not fit",
                given=repr(fill_value)[:200],
                expected="a number, three of them, or None for noise",
                origin=capture_origin(),
            )
        self.fill_value = fill_value
        self.value_range = range_of(value_range)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        """Which images change, bool[batch]; where, bool[batch, …]; and what stands there then."""
        sides = sqrt(self._uniform((count, 2), self.scale, seed))
        areas = rectangles(self, images, count, sides[:, 0], sides[:, 1], seed)[0]
        happens = self._happens(count, self.factor, seed)
        return {
            "apply_erasing": happens,
            "batch_masks": areas,
            "fill_value": clip(self._filling(images, seed), *self.value_range),
        }

    def _filling(self, images: Tensor, seed: Seed) -> Tensor:
        dtype = self.compute_dtype
        if self.fill_value is None:
            noise = normal(images.shape, dtype=dtype, seed=seed)
            return noise * self.value_range[1]
        return to_tensor(np.asarray(self.fill_value, dtype.numpy), None, images.graph)

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        erased = where(transformation["batch_masks"], transformation["fill_value"], images)
        return where(for_each_image(transformation["apply_erasing"]), erased, images)


def rectangles(
    layer: ImageLayer, images: Tensor, count: Any, wide: Tensor, tall: Tensor, seed: Seed
) -> tuple[Tensor, Tensor]:
    """A rectangle in each image, at a place that is drawn.

    Args:
        layer: whose images they are.
        images: one or a batch.
        count: of images.
        wide: part of the columns: f[batch].
        tall: part of the rows.
        seed: where draws come from.

    Returns:
        bool[batch, …] with one channel, and the part of the pixels that lies inside: f[batch].
    """
    sizes = layer._known_size(images)
    edges: list[tuple[Tensor, Tensor]] = []
    for size, part in ((sizes[1], wide), (sizes[0], tall)):
        length = part * size
        start = layer._uniform((count,), (0.0, 1.0), seed) * (size - length)
        edges.append((start, start + length))
    inside: list[Tensor] = []
    axes = (layer.column_axis, layer.row_axis)
    for size, (start, stop), axis in zip(reversed(sizes), edges, axes, strict=True):
        aligned = [1] * 4
        aligned[axis] = size
        places = reshape(arange(size, dtype=layer.compute_dtype), aligned)
        inside.append(logical_and(places >= for_each_image(start), places < for_each_image(stop)))
    (left, right), (top, bottom) = edges
    share = (right - left) * (bottom - top) / (sizes[0] * sizes[1])
    return logical_and(inside[0], inside[1]), share


class RandomElasticTransform(ImageLayer):
    """In training some of the images are bent, as in Simard et al., ICDAR 2003.

    Args:
        factor: how probably an image is: the least and the largest, 0 to 1; or one number.
        scale: the least and the largest strength, 0 to 1, which is drawn for the batch; or one
            number.
        interpolation: "bilinear" or "nearest".
        fill_mode: what is outside: "reflect", "wrap", "constant", "nearest" or "mirror".
        fill_value: of "constant".
        value_range: the least and the largest value of a pixel, which results keep to.
        seed: an integer: layers of one seed draw the same.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = 1.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        value_range: Range = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.factor = limits_of(factor, "factor", 0)
        self.scale = limits_of(scale, "scale", 0)
        self.interpolation = one_of(interpolation, ("nearest", "bilinear"), "interpolation")
        modes = ("constant", "nearest", "wrap", "mirror", "reflect")
        self.fill_mode, self.fill_value = one_of(fill_mode, modes, "fill_mode"), fill_value
        self.value_range = range_of(value_range)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor] | None:
        """Which images are bent, how much all are, f[], and noise for their columns and rows."""
        if self.scale[1] == 0:
            return None
        happens = self._happens(count, self.factor, seed)
        strength = self._uniform((), self.scale, seed)
        rows, columns = self._known_size(images)
        noise = normal((count, rows, columns, 2), dtype=self.compute_dtype, seed=seed)
        return {"apply_transform": happens, "distortion_factor": strength, "noise": noise}

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        return clip(self._bent(images, transformation, self.interpolation), *self.value_range)

    def _changed_masks(self, masks: Tensor, transformation: Any) -> Tensor:
        return self._bent(masks, transformation, "nearest")

    def _bent(self, images: Tensor, transformation: Any, interpolation: str) -> Tensor:
        if transformation is None:
            return images
        rows, columns = self._known_size(images)
        strength = transformation["distortion_factor"]
        sigma = strength * (0.05 * min(rows, columns))
        moved = _smoothed(transformation["noise"] * sigma, sigma, self.scale[1], (rows, columns))
        moved = moved * (strength * (0.1 * max(rows, columns)))
        options = (interpolation, self.fill_mode, self.fill_value, self.data_format)
        bent = displaced(images, moved[..., 1], moved[..., 0], *options)
        return where(for_each_image(transformation["apply_transform"]), bent, images)


def _smoothed(noise: Tensor, sigma: Tensor, strongest: float, size: tuple[int, int]) -> Tensor:
    """Noise f[batch, rows, columns, 2] under a window of six standard deviations.

    The window has the size of the widest, with zeros outside of the one that is drawn.
    """
    widest = int(6 * 0.05 * min(size) * strongest) // 2
    distances = np.arange(-widest, widest + 1).astype(noise.dtype.numpy)
    reach = floor(floor(sigma * 6) / 2)
    weights = exp(square(distances / sigma) * -0.5)
    weights = where(less_equal(np.abs(distances), reach), weights, 0.0)
    weights = broadcast_to((weights / sum_of(weights))[:, None], (len(distances), 2))
    for shape in ((-1, 1, 2, 1), (1, -1, 2, 1)):
        kernel = reshape(weights, shape)
        noise = depthwise_conv(noise, kernel, 1, "same", "channels_last")
    return noise

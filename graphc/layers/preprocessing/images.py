"""Layers that give images another size, or draw others of the same kind while training.

Images are f[batch, rows, columns, channels] or one without the batch, or have channels first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.reshaping.data_formats import DataFormatLayer
from graphc.ops.arithmetic import add, multiply, subtract
from graphc.ops.comparison import clip, less_equal, where
from graphc.ops.conversion import cast_to
from graphc.ops.image.resizing import resize
from graphc.ops.reductions import mean
from graphc.ops.shaping import flip
from graphc.ops.tensor import Tensor
from graphc.random.distributions import uniform
from graphc.random.streams import SeedGenerator


class _ImageLayer(DataFormatLayer):
    """A layer of images alone: no boxes or labels beside them."""

    def __init__(
        self, data_format: str | None = None, bounding_box_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        if bounding_box_format is not None:
            raise GraphcError(
                f"{type(self).__name__} takes images alone",
                given=f"bounding_box_format={bounding_box_format!r}",
                fix="leave it out, and move boxes by ops of their own",
                origin=capture_origin(),
            )

    def _spatial_axes(self, images: Tensor) -> tuple[int, int]:
        """The axes of the rows and of the columns."""
        if images.ndim not in (3, 4):
            raise ShapeError(
                f"the layer {self.name!r} takes an image or a batch of images",
                given=images.value.type,
                expected="3 or 4 axes",
                origin=capture_origin(),
            )
        first = self.first_spatial_axis() + images.ndim - 4
        return first, first + 1

    def _one_each(self, images: Tensor) -> list[Any]:
        """The shape of a number for each image."""
        self._spatial_axes(images)
        return [images.shape[0], 1, 1, 1] if images.ndim == 4 else [1, 1, 1]


class Resizing(_ImageLayer):
    """Images in another size.

    Args:
        height: number of rows in the end.
        width: number of columns.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        crop_to_aspect_ratio: keep the ratio of rows and columns by cutting borders off.
        pad_to_aspect_ratio: keep it by adding borders.
        fill_mode: "constant", the only one.
        fill_value: what is added.
        antialias: whether shrinking weighs all pixels.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.height, self.width = height, width
        self.interpolation, self.antialias = interpolation, antialias
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode, self.fill_value = fill_mode, fill_value

    def call(self, data: Tensor) -> Tensor:
        return resize(
            data,
            (self.height, self.width),
            self.interpolation,
            self.antialias,
            self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )


class CenterCrop(_ImageLayer):
    """The middle of images; smaller images are cut to its ratio, and grow to its size.

    Args:
        height: number of rows in the end.
        width: number of columns.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.
    """

    def __init__(
        self, height: int, width: int, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.height, self.width = height, width

    def call(self, data: Tensor) -> Tensor:
        images = cast_to(data, self.compute_dtype)
        wanted, index = (self.height, self.width), [slice(None)] * images.ndim
        for axis, size in zip(self._spatial_axes(images), wanted, strict=True):
            own = images.shape[axis]
            if not isinstance(own, int):
                raise ShapeError(
                    f"the layer {self.name!r} needs to know the size of its images",
                    given=images.value.type,
                    fix="give the placeholder rows and columns instead of None",
                    origin=capture_origin(),
                )
            if own < size:
                options: dict[str, Any] = {"crop_to_aspect_ratio": True}
                return resize(images, wanted, data_format=self.data_format, **options)
            start = (own - size) // 2
            index[axis] = slice(start, start + size)
        return images[tuple(index)]


class RandomFlip(_ImageLayer):
    """In training half of the images are mirrored, each as it is drawn.

    Args:
        mode: "horizontal", "vertical", or "horizontal_and_vertical", which mirrors both ways.
        seed: an integer: layers of one seed draw the same.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: there is no such mode.
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        if mode not in ("horizontal", "vertical", "horizontal_and_vertical"):
            raise GraphcError(
                "there is no such way to flip",
                given=f"mode={mode!r}",
                expected='"horizontal", "vertical" or "horizontal_and_vertical"',
                origin=capture_origin(),
            )
        self.mode, self.seed = mode, seed
        self.generator = SeedGenerator(seed)

    def call(self, data: Tensor, training: bool = False) -> Tensor:
        images = cast_to(data, self.compute_dtype)
        if not training:
            return images
        draws = uniform(self._one_each(images), seed=self.generator)
        rows, columns = self._spatial_axes(images)
        axes = {"horizontal": [columns], "vertical": [rows]}.get(self.mode, [columns, rows])
        return where(less_equal(draws, 0.5), flip(images, axes), images)


class _RandomColor(_ImageLayer):
    def __init__(
        self, factor: Any, value_range: Sequence[float], seed: int | None, least: int, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.factor = _factor(factor, least)
        if not isinstance(value_range, (list, tuple)) or len(value_range) != 2:
            raise GraphcError(
                "value_range does not fit",
                given=repr(value_range)[:200],
                expected="the least and the largest value of a pixel",
                origin=capture_origin(),
            )
        self.value_range = sorted(value_range)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def _drawn(self, images: Tensor, low: float, high: float) -> Tensor:
        sizes = self._one_each(images)
        return uniform(sizes, low, high, self.compute_dtype, seed=self.generator)


class RandomBrightness(_RandomColor):
    """In training each image is made brighter or darker by a number drawn for it.

    Args:
        factor: the least and the largest, -1 to 1, as parts of the range of values; or one number
            for both, with either sign.
        value_range: the least and the largest value of a pixel, which results keep to.
        seed: an integer: layers of one seed draw the same.
        **kwargs: `data_format`, and see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        factor: float | Sequence[float],
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, value_range, seed, -1, **kwargs)

    def call(self, data: Tensor, training: bool = False) -> Tensor:
        images = cast_to(data, self.compute_dtype)
        if not training:
            return images
        least, most = self.value_range
        moved = multiply(self._drawn(images, *self.factor), most - least)
        return clip(add(images, moved), least, most)


class RandomContrast(_RandomColor):
    """In training the pixels of each image move from its mean by a factor drawn for it.

    Args:
        factor: how far below and above 1 the factor may be, 0 to 1; or one number: how far above.
        value_range: the least and the largest value of a pixel, which results keep to.
        seed: an integer: layers of one seed draw the same.
        **kwargs: `data_format`, and see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        factor: float | Sequence[float],
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, value_range, seed, 0, **kwargs)

    def call(self, data: Tensor, training: bool = False) -> Tensor:
        images = cast_to(data, self.compute_dtype)
        if not training:
            return images
        factor = self._drawn(images, 1 - self.factor[0], 1 + self.factor[1])
        middle = mean(images, self._spatial_axes(images), keepdims=True)
        stretched = add(multiply(subtract(images, middle), factor), middle)
        least, most = self.value_range
        return clip(stretched, least, most)


def _factor(given: Any, least: int) -> tuple[float, float]:
    """Lower and upper bound, as Keras reads them."""
    is_one = isinstance(given, (int, float))
    pair: list[Any] = [given, given] if is_one else list(given)
    if len(pair) != 2 or not all(isinstance(n, (int, float)) and least <= n <= 1 for n in pair):
        raise GraphcError(
            "factor does not fit",
            given=repr(given)[:200],
            expected=f"a number from {least} to 1, or two",
            origin=capture_origin(),
        )
    if is_one:
        return max(-abs(pair[0]), least), abs(pair[0])
    return min(pair), max(pair)

"""Layers that give images another size: resized, or a part of them."""

from __future__ import annotations

from typing import Any

from graphc.layers.preprocessing.images.image_layer import ImageLayer
from graphc.ops.casting import cast
from graphc.ops.conversion import cast_to, graph_of, to_tensor
from graphc.ops.image.resizing import resize
from graphc.ops.rounding import floor
from graphc.ops.tensor import Tensor
from graphc.ops.updating import slice as slice_at
from graphc.random.distributions import uniform
from graphc.random.streams import Seed, SeedGenerator


class Resizing(ImageLayer):
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

    always_acts = True

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

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """Images in the size of the layer, of the element type that they had."""
        given = to_tensor(images, None, graph_of((images,)))
        self._require_images(given)
        return self._resized(given, self.interpolation)

    def _changed_masks(self, masks: Tensor, transformation: Any) -> Tensor:
        return self._resized(masks, "nearest")

    def _resized(self, images: Tensor, interpolation: str) -> Tensor:
        return resize(
            images,
            (self.height, self.width),
            interpolation,
            self.antialias,
            self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )


class CenterCrop(ImageLayer):
    """The middle of images; smaller images are cut to its ratio, and grow to its size.

    Args:
        height: number of rows in the end.
        width: number of columns.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.
    """

    always_acts = True

    def __init__(
        self, height: int, width: int, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.height, self.width = height, width

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        wanted, index = (self.height, self.width), [slice(None)] * images.ndim
        axes = (self.row_axis, self.column_axis)
        for axis, own, size in zip(axes, self._known_size(images), wanted, strict=True):
            if own < size:
                options: dict[str, Any] = {"crop_to_aspect_ratio": True}
                return resize(images, wanted, data_format=self.data_format, **options)
            start = (own - size) // 2
            index[axis] = slice(start, start + size)
        return images[tuple(index)]

    def _changed_masks(self, masks: Tensor, transformation: Any) -> Tensor:
        return self._changed(masks, transformation)


class RandomCrop(ImageLayer):
    """In training a part of the images, from rows and columns on that are drawn for the batch.

    Images that are not larger are cut in the middle to the ratio, and resized. Outside of training
    they stay what they are, as in Keras 3.15.

    Args:
        height: number of rows in the end.
        width: number of columns.
        seed: an integer: layers of one seed draw the same.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        name: see `Layer`.
        **kwargs: see `Layer`.
    """

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, name=name, **kwargs)
        self.height, self.width, self.seed = height, width, seed
        self.generator = SeedGenerator(seed)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> tuple[Any, Any]:
        """The first row and the first column."""
        rows, columns = self._known_size(images)
        if rows > self.height and columns > self.width:
            starts = [
                cast(floor(uniform((), 0.0, float(own - size + 1), seed=seed)), "int32")
                for own, size in ((rows, self.height), (columns, self.width))
            ]
            return starts[0], starts[1]
        in_ratio = (columns * self.height // self.width, rows * self.width // self.height)
        cut = [max(min(own, n), 1) for own, n in zip((rows, columns), in_ratio, strict=True)]
        return (rows - cut[0]) // 2, (columns - cut[1]) // 2

    def _changed(self, images: Tensor, transformation: tuple[Any, Any]) -> Tensor:
        rows, columns = self._known_size(images)
        starts: list[Any] = [0] * 4
        starts[self.row_axis], starts[self.column_axis] = transformation
        sizes: list[Any] = list(images.shape)
        sizes[self.row_axis] = min(self.height, _left(rows, transformation[0]))
        sizes[self.column_axis] = min(self.width, _left(columns, transformation[1]))
        part = slice_at(images, starts, sizes)
        if (sizes[self.row_axis], sizes[self.column_axis]) == (self.height, self.width):
            return part
        wide = resize(part, (self.height, self.width), data_format=self.data_format)
        return cast_to(wide, images.dtype)

    def _changed_masks(self, masks: Tensor, transformation: tuple[Any, Any]) -> Tensor:
        return self._changed(masks, transformation)


def _left(size: int, start: Any) -> int:
    """How much is left behind a start; a start that is drawn leaves enough."""
    return size - start if isinstance(start, int) else size

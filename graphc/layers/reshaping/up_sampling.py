"""Layers that repeat elements along spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.layers.input_spec import InputSpec
from graphc.layers.layer import Layer
from graphc.layers.reshaping.data_formats import DataFormatLayer, whole_numbers
from graphc.ops.image.resizing import resize
from graphc.ops.repeating import repeat
from graphc.ops.tensor import Tensor


class UpSampling1D(Layer):
    """Each step several times: f[batch, steps, features] to f[batch, size · steps, features].

    Args:
        size: how many times.
        **kwargs: see `Layer`.
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = whole_numbers(size, 1, "size", least=1)[0]
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Tensor) -> Tensor:
        return repeat(inputs, self.size, 1)


class UpSampling2D(DataFormatLayer):
    """Images in a multiple of their size: f[batch, rows, columns, channels], or channels first.

    Args:
        size: the multiples of the rows and of the columns, or one for both.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        interpolation: "nearest" repeats; "bilinear", "bicubic", "lanczos3" or "lanczos5" draw
            between, for images of a known size.
        **kwargs: see `Layer`.
    """

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.size = whole_numbers(size, 2, "size", least=1)
        self.interpolation = interpolation.lower()
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs: Tensor) -> Tensor:
        first = self.first_spatial_axis()
        if self.interpolation == "nearest":
            return _repeated(inputs, self.size, first)
        sizes: list[Any] = [n * inputs.shape[first + i] for i, n in enumerate(self.size)]
        return resize(inputs, sizes, self.interpolation, data_format=self.data_format)


class UpSampling3D(DataFormatLayer):
    """Volumes with each element repeated along each spatial axis.

    f[batch, depth, rows, columns, channels], or channels first.

    Args:
        size: how many times along each axis, or one number for all.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.
    """

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2, 2),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.size = whole_numbers(size, 3, "size", least=1)
        self.input_spec = InputSpec(ndim=5)

    def call(self, inputs: Tensor) -> Tensor:
        return _repeated(inputs, self.size, self.first_spatial_axis())


def _repeated(inputs: Tensor, times: Sequence[int], first: int) -> Tensor:
    for axis, count in enumerate(times, first):
        inputs = repeat(inputs, count, axis)
    return inputs

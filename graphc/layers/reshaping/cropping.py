"""Layers that cut off the edges of spatial axes."""

from __future__ import annotations

from typing import Any, ClassVar

from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.input_spec import InputSpec
from graphc.layers.layer import Layer
from graphc.layers.reshaping.data_formats import DataFormatLayer, before_and_after
from graphc.ops.tensor import Tensor


class Cropping1D(Layer):
    """A sequence without its first and last steps: f[batch, steps, features].

    Args:
        cropping: how many steps, or a pair: at the beginning and at the end.
        **kwargs: see `Layer`.
    """

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = before_and_after([cropping], 1, "cropping")[0]
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Tensor) -> Tensor:
        return _cropped(inputs, [(0, 0), self.cropping, (0, 0)], self.name)


class _Cropping(DataFormatLayer):
    _rank: ClassVar[int]

    def __init__(self, cropping: Any, data_format: str | None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.cropping = before_and_after(cropping, self._rank, "cropping")
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def call(self, inputs: Tensor) -> Tensor:
        return _cropped(inputs, self.on_all_axes(self.cropping), self.name)


class Cropping2D(_Cropping):
    """Images without their edges: f[batch, rows, columns, channels], or channels first.

    Args:
        cropping: how much on all sides; or for rows and columns one number, or a pair.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.
    """

    _rank = 2

    def __init__(
        self,
        cropping: Any = ((0, 0), (0, 0)),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Volumes without their edges: f[batch, depth, rows, columns, channels], or channels first.

    Args:
        cropping: how much on all sides; or for each axis one number, or a pair.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.
    """

    _rank = 3

    def __init__(
        self,
        cropping: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(cropping, data_format, **kwargs)


def _cropped(inputs: Tensor, cuts: list[tuple[int, int]], layer: str) -> Tensor:
    for size, (first, last) in zip(inputs.shape, cuts, strict=True):
        if isinstance(size, int) and size <= first + last and (first or last):
            raise ShapeError(
                f"the layer {layer!r} would leave nothing of an axis",
                given=f"{inputs.value.type}, of which {first} and {last} are cut off",
                fix="crop less",
                origin=capture_origin(),
            )
    return inputs[tuple([slice(first, -last if last else None) for first, last in cuts])]

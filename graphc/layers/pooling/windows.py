"""MaxPooling and AveragePooling over steps, images and volumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from graphc.layers.spatial_layer import Numbers, _SpatialLayer
from graphc.ops.pooling import average_pool, max_pool
from graphc.ops.tensor import Tensor


class _Pooling(_SpatialLayer):
    _pool: ClassVar[Callable[..., Tensor]]

    def __init__(
        self,
        pool_size: Numbers,
        strides: Numbers | None,
        padding: str,
        data_format: str | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.pool_size = self._numbers(pool_size, "pool_size")
        self.strides = self._numbers(pool_size if strides is None else strides, "strides")
        self.padding = self._padding(padding)

    def call(self, inputs: Tensor) -> Tensor:
        self._require_room(inputs.shape, self.pool_size, self.padding, "window")
        pool = type(self)._pool
        return pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class _MaxPooling(_Pooling):
    """The maximum of each window; where several elements are, its gradient goes to the first.

    Args:
        pool_size: of the window, for all spatial axes or one number per axis.
        strides: from one window to the next; `pool_size` by default.
        padding: "valid", windows inside the inputs alone; "same", ceil(size / stride) windows.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        name: see `Layer`.
        **kwargs: see `Layer`.

    Raises:
        ShapeError: the inputs are smaller than the window.
        GraphcError: there is no such padding or layout, or a number does not fit.
    """

    _pool = max_pool

    def __init__(
        self,
        pool_size: Numbers = 2,
        strides: Numbers | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name=name, **kwargs)


class MaxPooling1D(_MaxPooling, rank=1, names=("MaxPool1D",)):
    """The largest of each window of steps: f[batch, steps, channels] to f[batch, windows, …]."""


class MaxPooling2D(_MaxPooling, rank=2, names=("MaxPool2D",)):
    """The largest of each window of images f[batch, height, width, channels]."""


class MaxPooling3D(_MaxPooling, rank=3, names=("MaxPool3D",)):
    """The largest of each window of volumes f[batch, depth, height, width, channels]."""


class _AveragePooling(_Pooling):
    """The average of each window; with "same", of its elements inside the inputs.

    Args:
        pool_size: of the window, for all spatial axes or one number per axis.
        strides: from one window to the next; `pool_size` by default.
        padding: "valid", windows inside the inputs alone; "same", ceil(size / stride) windows.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        name: see `Layer`.
        **kwargs: see `Layer`.

    Raises:
        ShapeError: the inputs are smaller than the window.
        GraphcError: there is no such padding or layout, or a number does not fit.
    """

    _pool = average_pool

    def __init__(
        self,
        pool_size: Numbers,
        strides: Numbers | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name=name, **kwargs)


class AveragePooling1D(_AveragePooling, rank=1, names=("AvgPool1D",)):
    """The average of each window of steps: f[batch, steps, channels] to f[batch, windows, …]."""


class AveragePooling2D(_AveragePooling, rank=2, names=("AvgPool2D",)):
    """The average of each window of images f[batch, height, width, channels]."""


class AveragePooling3D(_AveragePooling, rank=3, names=("AvgPool3D",)):
    """The average of each window of volumes f[batch, depth, height, width, channels]."""


# Keras's other names
AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
AvgPool3D = AveragePooling3D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MaxPool3D = MaxPooling3D

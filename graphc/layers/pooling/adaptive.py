"""AdaptiveMaxPooling and AdaptiveAveragePooling: as many windows as are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from graphc.layers.spatial_layer import Numbers, _SpatialLayer
from graphc.ops.pooling import adaptive_average_pool, adaptive_max_pool
from graphc.ops.tensor import Tensor


class _AdaptivePooling(_SpatialLayer):
    """Window i of n along an axis of size s goes from floor(i s / n) to before ceil((i + 1) s / n).

    Args:
        output_size: windows per spatial axis, for all or one number per axis.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        **kwargs: see `Layer`.

    Raises:
        ShapeError: the size of an axis is not known and not a multiple of the windows.
        GraphcError: there is no such layout, or a number does not fit.
    """

    _pool: ClassVar[Callable[..., Tensor]]

    def __init__(self, output_size: Numbers, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.output_size = self._numbers(output_size, "output_size")

    def call(self, inputs: Tensor) -> Tensor:
        return type(self)._pool(inputs, self.output_size, self.data_format)


class _AdaptiveAveragePooling(_AdaptivePooling):
    __doc__ = _AdaptivePooling.__doc__
    _pool = adaptive_average_pool


class AdaptiveAveragePooling1D(_AdaptiveAveragePooling, rank=1):
    """The averages of a number of windows: f[batch, steps, channels] to f[batch, windows, …]."""


class AdaptiveAveragePooling2D(_AdaptiveAveragePooling, rank=2):
    """The averages of a number of windows of images f[batch, height, width, channels]."""


class AdaptiveAveragePooling3D(_AdaptiveAveragePooling, rank=3):
    """The averages of a number of windows of volumes f[batch, depth, height, width, channels]."""


class _AdaptiveMaxPooling(_AdaptivePooling):
    __doc__ = _AdaptivePooling.__doc__
    _pool = adaptive_max_pool


class AdaptiveMaxPooling1D(_AdaptiveMaxPooling, rank=1):
    """The maxima of a number of windows: f[batch, steps, channels] to f[batch, windows, …]."""


class AdaptiveMaxPooling2D(_AdaptiveMaxPooling, rank=2):
    """The maxima of a number of windows of images f[batch, height, width, channels]."""


class AdaptiveMaxPooling3D(_AdaptiveMaxPooling, rank=3):
    """The maxima of a number of windows of volumes f[batch, depth, height, width, channels]."""

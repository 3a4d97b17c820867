"""GlobalMaxPooling and GlobalAveragePooling: all steps, images or volumes at once."""

from __future__ import annotations

from typing import Any

from graphc.layers.spatial_layer import _SpatialLayer
from graphc.ops.arithmetic import divide
from graphc.ops.casting import cast
from graphc.ops.comparison import where
from graphc.ops.reductions import max as maximum_along
from graphc.ops.reductions import mean
from graphc.ops.reductions import sum as sum_along
from graphc.ops.shaping import expand_dims
from graphc.ops.tensor import Tensor


class _GlobalPooling(_SpatialLayer):
    """One number per example and channel.

    Args:
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        keepdims: whether spatial axes stay, with size 1.
        **kwargs: see `Layer`.

    Raises:
        ShapeError: the inputs have more or fewer axes.
    """

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.keepdims = bool(keepdims)

    @property
    def _axes(self) -> tuple[int, ...]:
        start = 1 if self.data_format == "channels_last" else 2
        return tuple(range(start, start + self.rank))


class _GlobalMaxPooling(_GlobalPooling):
    __doc__ = _GlobalPooling.__doc__

    def call(self, inputs: Tensor) -> Tensor:
        return maximum_along(inputs, self._axes, self.keepdims)


class GlobalMaxPooling1D(_GlobalMaxPooling, rank=1, names=("GlobalMaxPool1D",)):
    """The largest of all steps: f[batch, steps, channels] to f[batch, channels]."""


class GlobalMaxPooling2D(_GlobalMaxPooling, rank=2, names=("GlobalMaxPool2D",)):
    """The largest of each image: f[batch, height, width, channels] to f[batch, channels]."""


class GlobalMaxPooling3D(_GlobalMaxPooling, rank=3, names=("GlobalMaxPool3D",)):
    """The largest of each volume: f[batch, …spatial, channels] to f[batch, channels]."""


class _GlobalAveragePooling(_GlobalPooling):
    __doc__ = _GlobalPooling.__doc__

    def call(self, inputs: Tensor) -> Tensor:
        return mean(inputs, self._axes, self.keepdims)


class GlobalAveragePooling1D(_GlobalAveragePooling, rank=1, names=("GlobalAvgPool1D",)):
    """The average of all steps that count: f[batch, steps, channels] to f[batch, channels].

    A mask bool[batch, steps] says which do; where none does, the result is not a number.
    """

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return super().call(inputs)
        channels = 2 if self.data_format == "channels_last" else 1
        counted = expand_dims(cast(mask, "bool"), channels)
        total = sum_along(where(counted, inputs, 0.0), self._axes, self.keepdims)
        return divide(total, sum_along(cast(counted, inputs.dtype), self._axes, self.keepdims))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """None: there are no steps any more."""


class GlobalAveragePooling2D(_GlobalAveragePooling, rank=2, names=("GlobalAvgPool2D",)):
    """The average of each image: f[batch, height, width, channels] to f[batch, channels]."""


class GlobalAveragePooling3D(_GlobalAveragePooling, rank=3, names=("GlobalAvgPool3D",)):
    """The average of each volume: f[batch, …spatial, channels] to f[batch, channels]."""


# Keras's other names
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D

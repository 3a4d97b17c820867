"""Layers that put zeros around spatial axes."""

from __future__ import annotations

from typing import Any, ClassVar

from graphc.layers.input_spec import InputSpec
from graphc.layers.reshaping.data_formats import DataFormatLayer, before_and_after
from graphc.ops.repeating import pad
from graphc.ops.tensor import Tensor


class _ZeroPadding(DataFormatLayer):
    _rank: ClassVar[int]

    def __init__(self, padding: Any, data_format: str | None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        given = [padding] if self._rank == 1 else padding
        self.padding = before_and_after(given, self._rank, "padding")
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def call(self, inputs: Tensor) -> Tensor:
        return pad(inputs, self.on_all_axes(self.padding))


class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after a sequence: f[batch, steps, features], or channels first.

    Args:
        padding: how many, or a pair: before and after.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.
    """

    _rank = 1

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding2D(_ZeroPadding):
    """Zeros around images: f[batch, rows, columns, channels], or channels first.

    Args:
        padding: how many on all sides; or for rows and columns one number, or a pair.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.
    """

    _rank = 2

    def __init__(
        self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes: f[batch, depth, rows, columns, channels], or channels first.

    Args:
        padding: how many on all sides; or for each axis one number, or a pair.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.
    """

    _rank = 3

    def __init__(
        self,
        padding: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(padding, data_format, **kwargs)

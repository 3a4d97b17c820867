"""A layer that equalizes images tile by tile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.layers.preprocessing.images.colors import Range
from graphc.layers.preprocessing.images.image_layer import ImageLayer
from graphc.layers.preprocessing.images.limits import moved_to, range_of
from graphc.layers.reshaping.data_formats import whole_numbers
from graphc.ops.casting import cast
from graphc.ops.comparison import clip, equal, where
from graphc.ops.creation import arange
from graphc.ops.cumulative import cumsum
from graphc.ops.encoding import one_hot
from graphc.ops.gathering import take
from graphc.ops.reductions import min as least_of
from graphc.ops.reductions import sum as sum_of
from graphc.ops.repeating import pad
from graphc.ops.shaping import moveaxis, reshape, transpose
from graphc.ops.tensor import Tensor

Array = np.ndarray[Any, Any]
_VALUES = 256


class ContrastLimitedAdaptiveHistogramEqualization(ImageLayer):
    """Each tile of an image uses its values equally often, as far as a limit allows; always.

    Between the middles of tiles pixels are interpolated. Zuiderveld, Contrast Limited Adaptive
    Histogram Equalization, Graphics Gems IV (1994).

    Args:
        value_range: the least and the largest value of a pixel.
        clip_limit: how often one value counts at most, as a multiple of the mean; 0 for no limit.
        tile_grid_size: number of rows and of columns of tiles.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    always_acts = True

    def __init__(
        self,
        value_range: Range = (0, 255),
        clip_limit: float = 4.0,
        tile_grid_size: Sequence[int] = (8, 8),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.value_range, self.clip_limit = range_of(value_range), clip_limit
        self.tile_grid_size = whole_numbers(tile_grid_size, 2, "tile_grid_size", 1)

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        rows, columns = self._known_size(images)
        batch = images if self.is_channels_last else moveaxis(images, 1, -1)
        pixels = moved_to(batch, self.value_range, (0, 255))
        tall, wide = (-(-n // m) for n, m in zip((rows, columns), self.tile_grid_size, strict=True))
        down, across = self.tile_grid_size
        margins = [(0, 0), (0, tall * down - rows), (0, wide * across - columns), (0, 0)]
        whole = cast(clip(pad(pixels, margins, "symmetric"), 0, 255), "int32")
        curves = self._curves(whole, tall, wide, images.dtype)
        found = self._interpolated(whole, curves, tall, wide)[:, :rows, :columns]
        made = moved_to(found, (0, 255), self.value_range)
        return made if self.is_channels_last else moveaxis(made, -1, 1)

    def _curves(self, pixels: Tensor, tall: int, wide: int, dtype: Any) -> Tensor:
        """The new value of each value in each tile: f[batch, tiles, tiles, channels, 256]."""
        batch, _, _, channels = pixels.shape
        down, across = self.tile_grid_size
        tiles = reshape(pixels, (batch, down, tall, across, wide, channels))
        tiles = transpose(tiles, (0, 1, 3, 5, 2, 4))
        tiles = reshape(tiles, (batch, down, across, channels, tall * wide))
        counts = sum_of(one_hot(tiles, _VALUES, dtype=dtype), -2)
        if self.clip_limit > 0:
            kept = clip(counts, 0, self.clip_limit * (tall * wide) / _VALUES)
            counts = kept + sum_of(counts - kept, -1, keepdims=True) / _VALUES
        below = cumsum(counts, -1)
        least = least_of(below, -1, keepdims=True)
        span = tall * wide - least
        return clip((below - least) * 255.0 / where(equal(span, 0), 1.0, span), 0, 255)

    def _interpolated(self, pixels: Tensor, curves: Tensor, tall: int, wide: int) -> Tensor:
        """Each pixel by the curves of the four tiles around it."""
        batch, rows, columns, channels = pixels.shape
        down, across = self.tile_grid_size
        above, below, share_y = _tiles_around(int(rows), tall, down)  # type: ignore[arg-type]
        left, right, share_x = _tiles_around(int(columns), wide, across)  # type: ignore[arg-type]
        flat = reshape(curves, (-1,))
        of_image = arange(batch, dtype="int32")[:, None, None, None]
        of_channel = arange(channels, dtype="int32")
        dtype = curves.dtype.numpy

        def found(y: Array, x: Array) -> Tensor:
            tile = (of_image * down + y[:, None, None]) * across + x[:, None]
            return take(flat, (tile * channels + of_channel) * _VALUES + pixels)

        across_top, across_bottom = (
            found(y, left) * (1 - share_x[:, None]).astype(dtype)
            + found(y, right) * share_x[:, None].astype(dtype)
            for y in (above, below)
        )
        share = share_y[:, None, None].astype(dtype)
        return across_top * (1 - share) + across_bottom * share


def _tiles_around(size: int, length: int, count: int) -> tuple[Array, Array, Array]:
    """For each row or column the tiles before and behind it, and the share of the second."""
    place = (np.arange(size) - length / 2) / length
    first = np.floor(place)
    tiles = [np.clip(first + i, 0, count - 1).astype(np.int32) for i in (0, 1)]
    return tiles[0], tiles[1], place - first

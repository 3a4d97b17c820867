"""Layers that change the values of pixels one by one: inverted, with fewer bits, equalized."""

from __future__ import annotations

from typing import Any

from graphc.layers.preprocessing.images.colors import Range
from graphc.layers.preprocessing.images.image_layer import ImageLayer, for_each_image
from graphc.layers.preprocessing.images.limits import limits_of, moved_to, range_of
from graphc.ops.casting import cast
from graphc.ops.comparison import clip, isnan, left_shift, maximum, right_shift, where
from graphc.ops.counting import bincount
from graphc.ops.creation import full
from graphc.ops.cumulative import cumsum
from graphc.ops.gathering import take
from graphc.ops.joining import stack
from graphc.ops.reductions import argmax, count_nonzero
from graphc.ops.reductions import max as most_of
from graphc.ops.reductions import min as least_of
from graphc.ops.rounding import round as rounded
from graphc.ops.shaping import reshape
from graphc.ops.tensor import Tensor
from graphc.random.distributions import randint
from graphc.random.streams import Seed, SeedGenerator

_BYTES = (0, 255)


class RandomInvert(ImageLayer):
    """In training some of the images become their negatives.

    Args:
        factor: how probably an image does: the least and the largest, 0 to 1; or one number.
        value_range: the least and the largest value of a pixel.
        seed: an integer: layers of one seed draw the same.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        value_range: Range = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.factor = limits_of(factor, "factor", 0)
        self.value_range = range_of(value_range)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        return {"apply_inversion": self._happens(count, self.factor, seed)}

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        negatives = self.value_range[1] - images
        return where(for_each_image(transformation["apply_inversion"]), negatives, images)


class RandomPosterization(ImageLayer):
    """In training each image keeps the first bits of its pixels; how many is drawn for it.

    Args:
        factor: how many of 8 at least, and below how many, 1 to 8; or one number: how many.
        value_range: the least and the largest value of a pixel.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        seed: an integer: layers of one seed draw the same.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        factor: Any,
        value_range: Range = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.factor = limits_of(factor, "factor", 1, 8)
        self.value_range = range_of(value_range)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        """How many bits each image loses: u8[batch]."""
        low, high = (int(limit) for limit in self.factor)
        if low == high:
            return {"shift_factor": full((count,), 8 - low, "uint8")}
        kept = randint((count,), low, high, "int32", seed)
        return {"shift_factor": cast(8 - kept, "uint8")}

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        lost = for_each_image(transformation["shift_factor"])
        pixels = cast(moved_to(images, self.value_range, _BYTES), "uint8")
        kept = cast(left_shift(right_shift(pixels, lost), lost), images.dtype)
        return moved_to(kept, _BYTES, self.value_range)


class Solarization(ImageLayer):
    """In training pixels above a threshold are inverted, after a number was added to all.

    Args:
        addition_factor: the least and the largest number, 0 to 1, as parts of 255; or one: how
            much at most.
        threshold_factor: likewise the threshold.
        value_range: the least and the largest value of a pixel.
        seed: an integer: layers of one seed draw the same.
        **kwargs: `data_format`, and see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        addition_factor: Any = 0.0,
        threshold_factor: Any = 0.0,
        value_range: Range = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.addition_factor = limits_of(addition_factor, "addition_factor", 0)
        self.threshold_factor = limits_of(threshold_factor, "threshold_factor", 0)
        self.value_range = range_of(value_range)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        """What is added and the threshold, for pixels from 0 to 255: f[batch, 1, 1, 1]."""
        # The lower limits are no parts of 255 in Keras 3.15; so they are none here.
        limits = {"additions": self.addition_factor, "thresholds": self.threshold_factor}
        return {
            name: self._uniform((count, 1, 1, 1), (low, 255 * high), seed)
            for name, (low, high) in limits.items()
        }

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        pixels = moved_to(images, self.value_range, _BYTES)
        brighter = clip(pixels + transformation["additions"], *_BYTES)
        solar = where(brighter < transformation["thresholds"], brighter, 255 - brighter)
        return moved_to(solar, _BYTES, self.value_range)


class AutoContrast(ImageLayer):
    """The darkest pixel of each channel becomes black, the lightest one white; always.

    Args:
        value_range: the least and the largest value of a pixel.
        **kwargs: `data_format`, and see `Layer`. As in Keras 3.15 the extremes are those along the
            second and the third axis, which channels first are channels and rows.

    Raises:
        GraphcError: the range does not fit.
    """

    always_acts = True

    def __init__(self, value_range: Range = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = range_of(value_range)

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        pixels = moved_to(images, self.value_range, _BYTES)
        low = least_of(pixels, (1, 2), keepdims=True)
        scale = 255.0 / (most_of(pixels, (1, 2), keepdims=True) - low)
        stretched = moved_to(clip(pixels * scale - low * scale, *_BYTES), _BYTES, self.value_range)
        return where(isnan(stretched), images, stretched)  # a channel of one color


class Equalization(ImageLayer):
    """In training each channel uses all its values equally often, over the whole batch.

    Args:
        value_range: the least and the largest value of a pixel.
        bins: how many values are told apart.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: the range does not fit.
    """

    def __init__(
        self,
        value_range: Range = (0, 255),
        bins: int = 256,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.value_range, self.bins = range_of(value_range), bins

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        pixels = moved_to(images, self.value_range, _BYTES)
        count = images.shape[self.channel_axis]
        channels = [self._equalized(self._channel(pixels, i)) for i in range(int(count))]  # type: ignore[arg-type]
        return moved_to(stack(channels, self.channel_axis), _BYTES, self.value_range)

    def _equalized(self, channel: Tensor) -> Tensor:
        last = self.bins - 1
        places = clip(cast(channel * last / 255.0, "int32"), 0, last)
        counts = bincount(reshape(places, (-1,)), minlength=self.bins, length=self.bins)
        below = cast(cumsum(counts), channel.dtype)
        least = take(below, argmax(below > 0))
        span = maximum(below[-1] - least, 1)
        table = clip(rounded((below - least) * 255 / span), *_BYTES)
        found = take(table, cast(clip(channel / 255.0 * last, 0, last), "int32"))
        return where(count_nonzero(counts) <= 1, channel, found)

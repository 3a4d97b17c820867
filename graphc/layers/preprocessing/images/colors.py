"""Random layers that change the colors of images: brightness, contrast, saturation, hue, grays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import graphc.settings as settings
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.preprocessing.images.image_layer import ImageLayer, for_each_image
from graphc.layers.preprocessing.images.limits import limits_of, moved_to, range_of
from graphc.ops.casting import cast
from graphc.ops.comparison import clip, where
from graphc.ops.image.colors import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from graphc.ops.joining import stack
from graphc.ops.reductions import mean
from graphc.ops.shaping import expand_dims
from graphc.ops.tensor import Tensor
from graphc.random.streams import Seed, SeedGenerator

Factor = float | Sequence[float]
Range = Sequence[float]


class ColorLayer(ImageLayer):
    """A random layer whose pixels keep to a range of values; a base class.

    Args:
        factor: the limits of what is drawn.
        value_range: the least and the largest value of a pixel.
        seed: an integer: layers of one seed draw the same.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        least: what `factor` may not be below.
        **kwargs: see `Layer`.
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any,
        seed: int | None,
        data_format: str | None = None,
        least: float = -1,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.factor = limits_of(factor, "factor", least)
        self.value_range = range_of(value_range)
        self.seed = seed
        self.generator = SeedGenerator(seed)


class RandomBrightness(ColorLayer):
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
        self, factor: Factor, value_range: Range = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(factor, value_range, seed, **kwargs)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        least, most = self.value_range
        shares = self._uniform((count, 1, 1, 1), self.factor, seed)
        return {"rgb_delta": shares * (most - least)}

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        return clip(images + transformation["rgb_delta"], *self.value_range)


class RandomContrast(ColorLayer):
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
        self, factor: Factor, value_range: Range = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(factor, value_range, seed, least=0, **kwargs)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        limits = (1 - self.factor[0], 1 + self.factor[1])
        return {"contrast_factor": self._uniform((count, 1, 1, 1), limits, seed)}

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        middle = mean(images, (self.row_axis, self.column_axis), keepdims=True)
        stretched = (images - middle) * transformation["contrast_factor"] + middle
        return clip(stretched, *self.value_range)


class RandomSaturation(ColorLayer):
    """In training the colors of each image become purer or paler.

    Args:
        factor: the least and the largest, 0 to 1: 0 gives grays, 0.5 leaves colors as they are, 1
            gives pure ones; or one number for the largest.
        value_range: the least and the largest value of a pixel.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        seed: an integer: layers of one seed draw the same.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        factor: Factor,
        value_range: Range = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, value_range, seed, data_format, **kwargs)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        factor = self._uniform((count,), self.factor, seed)
        return {"factor": factor / (1 - factor + settings.epsilon.get())}

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        hue, saturation, value = self._hue_saturation_value(images)
        purer = saturation * expand_dims(transformation["factor"], (1, 2))
        return self._with_colors(hue, clip(purer, *self.value_range), value)

    def _hue_saturation_value(self, images: Tensor) -> list[Tensor]:
        colors = rgb_to_hsv(images, self.data_format)
        return [self._channel(colors, number) for number in range(3)]

    def _with_colors(self, *channels: Tensor) -> Tensor:
        return hsv_to_rgb(stack(list(channels), self.channel_axis), self.data_format)


class RandomHue(RandomSaturation):
    """In training the colors of each image turn around the circle of hues.

    Args:
        factor: how far at least and at most, 0 to 1: 1 is half of the circle, either way; or one
            number for the largest.
        value_range: the least and the largest value of a pixel.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        seed: an integer: layers of one seed draw the same.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        sign = where(self._uniform((count,), (0.0, 1.0), seed) > 0.5, -0.5, 0.5)
        factor = self._uniform((count,), self.factor, seed)
        return {"factor": cast(sign, factor.dtype) * factor}

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        shares = moved_to(images, self.value_range, (0, 1))
        hue, saturation, value = self._hue_saturation_value(shares)
        hue = hue + expand_dims(transformation["factor"], (1, 2))
        hue = where(hue > 1.0, hue - 1.0, hue)
        hue = where(hue < 0.0, hue + 1.0, hue)
        turned = clip(self._with_colors(hue, saturation, value), 0, 1)
        return moved_to(turned, (0, 1), self.value_range)


class RandomColorDegeneration(ColorLayer):
    """In training each image comes nearer to its grays.

    Args:
        factor: how near at least and at most, 0 to 1: 1 gives grays; or one number for both, with
            either sign.
        value_range: the least and the largest value of a pixel, which results keep to.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        seed: an integer: layers of one seed draw the same.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        factor: Factor,
        value_range: Range = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(factor, value_range, seed, data_format, **kwargs)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        return {"factor": self._uniform((count, 1, 1, 1), self.factor, seed)}

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        grays = rgb_to_grayscale(images, self.data_format)
        paler = images + transformation["factor"] * (grays - images)
        return clip(paler, *self.value_range)


class RandomGrayscale(ImageLayer):
    """In training some of the images lose their colors, and keep their channels.

    Args:
        factor: the probability that an image does, 0 to 1.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        seed: an integer: layers of one seed draw the same.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: the probability does not fit.
    """

    def __init__(
        self,
        factor: float = 0.5,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        if not isinstance(factor, (int, float)) or not 0 <= factor <= 1:
            raise GraphcError(
                "factor is a probability",
                given=repr(factor)[:200],
                expected="a number from 0 to 1",
                origin=capture_origin(),
            )
        self.factor, self.seed = factor, seed
        self.generator = SeedGenerator(seed)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> Tensor:
        """Which images lose their colors: bool[batch, 1, 1, 1]."""
        return for_each_image(self._uniform((count,), (0.0, 1.0), seed) < self.factor)

    def _changed(self, images: Tensor, transformation: Tensor) -> Tensor:
        return where(transformation, rgb_to_grayscale(images, self.data_format), images)


class RandomColorJitter(ImageLayer):
    """In training brightness, contrast, saturation and hue of each image change, in this order.

    Args:
        value_range: the least and the largest value of a pixel.
        brightness_factor: as of `RandomBrightness`; None leaves it out.
        contrast_factor: as of `RandomContrast`.
        saturation_factor: as of `RandomSaturation`.
        hue_factor: as of `RandomHue`.
        seed: an integer: layers of one seed draw the same.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        value_range: Range = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.value_range = range_of(value_range)
        self.seed = seed
        self.generator = SeedGenerator(seed)
        factors: list[tuple[type[ColorLayer], Any]] = [
            (RandomBrightness, brightness_factor),
            (RandomContrast, contrast_factor),
            (RandomSaturation, saturation_factor),
            (RandomHue, hue_factor),
        ]
        options: dict[str, Any] = {"data_format": data_format, "dtype": kwargs.get("dtype")}
        self.steps = [
            made(factor=factor, value_range=value_range, seed=seed, **options)  # type: ignore[call-arg]
            for made, factor in factors
            if factor is not None
        ]

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> list[Any]:
        """What each of the four layers draws, as far as they are there."""
        return [step._drawn(images, count, seed) for step in self.steps]

    def _changed(self, images: Tensor, transformation: list[Any]) -> Tensor:
        for step, drawn in zip(self.steps, transformation, strict=True):
            images = step._changed(images, drawn)
        return images

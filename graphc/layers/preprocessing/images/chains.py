"""Layers made of others: one after the other, or as many as are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.layers.layer import Layer
from graphc.layers.preprocessing.images.areas import RandomSharpness
from graphc.layers.preprocessing.images.colors import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomContrast,
    Range,
)
from graphc.layers.preprocessing.images.image_layer import ImageLayer
from graphc.layers.preprocessing.images.limits import limits_of, range_of
from graphc.layers.preprocessing.images.places import (
    RandomRotation,
    RandomShear,
    RandomTranslation,
)
from graphc.layers.preprocessing.images.tones import (
    AutoContrast,
    Equalization,
    RandomPosterization,
    Solarization,
)
from graphc.layers.reshaping.data_formats import whole_numbers
from graphc.ops.branches import switch
from graphc.ops.comparison import clip
from graphc.ops.creation import zeros_like
from graphc.ops.reductions import sum as sum_of
from graphc.ops.tensor import Tensor
from graphc.random.distributions import randint
from graphc.random.gammas import beta, gamma
from graphc.random.streams import Seed, SeedGenerator

_GEOMETRY: dict[str, Callable[..., ImageLayer]] = {
    "random_shear": lambda factor, value_range, **options: RandomShear(factor, factor, **options),
    "random_translation": lambda factor, value_range, **options: RandomTranslation(
        factor, factor, **options
    ),
    "random_rotation": lambda factor, value_range, **options: RandomRotation(factor, **options),
}
_TONES: dict[str, Callable[..., ImageLayer]] = {
    "random_posterization": lambda factor, value_range, **options: RandomPosterization(
        max(1, int(8 * factor[1])), value_range, **options
    ),
    "solarization": lambda factor, value_range, **options: Solarization(
        factor, factor, value_range, **options
    ),
    "auto_contrast": lambda factor, value_range, seed, **options: AutoContrast(
        value_range, **options
    ),
    "equalization": lambda factor, value_range, seed, **options: Equalization(
        value_range, **options
    ),
}
_COLORS: dict[str, Callable[..., ImageLayer]] = {
    "random_brightness": RandomBrightness,
    "random_color_degeneration": RandomColorDegeneration,
    "random_contrast": RandomContrast,
    "random_sharpness": RandomSharpness,
}


class _DrawnLayers(ImageLayer):
    """Does what one of several layers does, whose number is drawn."""

    def __init__(
        self,
        kinds: dict[str, Callable[..., ImageLayer]],
        factor: Any,
        value_range: Any,
        interpolation: str,
        seed: int | None,
        data_format: str | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.factor = limits_of(factor, "factor", 0)
        self.value_range = range_of(value_range)
        self.interpolation, self.seed = interpolation, seed
        self.generator = SeedGenerator(seed)
        options = {"seed": seed, "data_format": data_format, "dtype": kwargs.get("dtype")}
        self.choices: dict[str, ImageLayer] = {}
        for name, make in kinds.items():
            more = {"interpolation": interpolation} if name in _GEOMETRY else {}
            self.choices[name] = make(self.factor, self.value_range, **options, **more)

    def _draws_of_all(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Any]:
        return {name: each._drawn(images, count, seed) for name, each in self.choices.items()}

    def _one_done(
        self, images: Tensor, number: Tensor, draws: dict[str, Any], method: str
    ) -> Tensor:
        """What the layer of this number makes of images; a number too large leaves them."""
        branches: list[Callable[[], Tensor]] = [
            lambda layer=layer, name=name: getattr(layer, method)(images, draws[name])
            for name, layer in self.choices.items()
        ]
        return switch(number, [*branches, lambda: images])


class RandAugment(_DrawnLayers):
    """In training some layers change the images one after the other, as they are drawn.

    Cubuk et al., RandAugment (2019). The layers are those for shear, translation, rotation,
    brightness, grays, contrast, sharpness, bits, solarization, automatic contrast, equalization.

    Args:
        value_range: the least and the largest value of a pixel.
        num_ops: how many layers, for the whole batch.
        factor: how strong they are, 0 to 1: the least and the largest, or one number.
        interpolation: "bilinear" or "nearest".
        seed: an integer: layers of one seed draw the same.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        value_range: Range = (0, 255),
        num_ops: int = 2,
        factor: Any = 0.5,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        kinds = {**_GEOMETRY, **_COLORS, **_TONES}
        super().__init__(kinds, factor, value_range, interpolation, seed, data_format, **kwargs)
        self.num_ops = whole_numbers(num_ops, 1, "num_ops", 1)[0]

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Any]:
        """The numbers of the layers, i32[num_ops], and what each layer draws."""
        numbers = randint((self.num_ops,), 0, len(self.choices), "int32", seed)
        return {"layer_idxes": numbers, "transforms": self._draws_of_all(images, count, seed)}

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        return self._all_done(images, transformation, "_changed")

    def _changed_masks(self, masks: Tensor, transformation: Any) -> Tensor:
        return self._all_done(masks, transformation, "_changed_masks")

    def _all_done(self, images: Tensor, transformation: Any, method: str) -> Tensor:
        for place in range(self.num_ops):
            number = transformation["layer_idxes"][place]
            images = self._one_done(images, number, transformation["transforms"], method)
        return images


class AugMix(_DrawnLayers):
    """In training images are mixed with what several chains of layers make of them.

    Hendrycks et al., AugMix (2020). Which layers are in a chain is drawn anew in each run.

    Args:
        value_range: the least and the largest value of a pixel, which results keep to.
        num_chains: number of chains.
        chain_depth: number of layers in each; one of them may leave images as they are.
        factor: how strong layers are, 0 to 1: the least and the largest, or one number.
        alpha: parameter of the distributions of the weights.
        all_ops: whether there are layers for brightness, grays, contrast and sharpness, too.
        interpolation: "bilinear" or "nearest".
        seed: an integer: layers of one seed draw the same.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        value_range: Range = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Any = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        kinds = {**_GEOMETRY, **_TONES, **(_COLORS if all_ops else {})}
        super().__init__(kinds, factor, value_range, interpolation, seed, data_format, **kwargs)
        self.num_chains = whole_numbers(num_chains, 1, "num_chains", 1)[0]
        self.chain_depth = whole_numbers(chain_depth, 1, "chain_depth", 1)[0]
        self.alpha, self.all_ops = alpha, all_ops

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Any]:
        """Weights of the chains and of the images, and numbers and draws of the layers."""
        shares = gamma((self.num_chains,), self.alpha, seed=seed)
        numbers = randint(
            (self.num_chains, self.chain_depth), 0, len(self.choices) + 1, "int32", seed
        )
        chains = [
            [
                {
                    "layer_idx": numbers[chain, depth],
                    "transforms": self._draws_of_all(images, count, seed),
                }
                for depth in range(self.chain_depth)
            ]
            for chain in range(self.num_chains)
        ]
        return {
            "chain_mixing_weights": shares / sum_of(shares),
            "weight_sample": beta((), self.alpha, self.alpha, seed=seed),
            "chain_transforms": chains,
        }

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        return clip(self._mixed(images, transformation, "_changed"), *self.value_range)

    def _changed_masks(self, masks: Tensor, transformation: Any) -> Tensor:
        return self._mixed(masks, transformation, "_changed_masks")

    def _mixed(self, images: Tensor, transformation: Any, method: str) -> Tensor:
        mixed = zeros_like(images)
        for place, chain in enumerate(transformation["chain_transforms"]):
            made = images
            for step in chain:
                made = self._one_done(made, step["layer_idx"], step["transforms"], method)
            mixed = mixed + made * transformation["chain_mixing_weights"][place]
        own = transformation["weight_sample"]
        return own * images + (1 - own) * mixed


class Pipeline(Layer):
    """Layers that are called one after the other.

    Args:
        layers: the layers.
        name: see `Layer`.
    """

    def __init__(self, layers: Sequence[Layer], name: str | None = None) -> None:
        super().__init__(name=name)
        self.layers = list(layers)

    def call(self, inputs: Any, training: bool = True, mask: Any = None) -> Any:
        for layer in self.layers:
            inputs = layer(inputs, training=training)
        return inputs

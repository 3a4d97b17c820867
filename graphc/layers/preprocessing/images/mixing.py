"""Random layers that mix the images of a batch with each other, and their labels."""

from __future__ import annotations

from typing import Any

from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.preprocessing.images.areas import rectangles
from graphc.layers.preprocessing.images.image_layer import ImageLayer
from graphc.layers.preprocessing.images.limits import limits_of
from graphc.ops.casting import cast
from graphc.ops.comparison import where
from graphc.ops.exponential import sqrt
from graphc.ops.gathering import take
from graphc.ops.shaping import reshape
from graphc.ops.tensor import Tensor
from graphc.random.gammas import beta
from graphc.random.masks import random_order
from graphc.random.streams import Seed, SeedGenerator


class MixUp(ImageLayer):
    """In training each image is mixed with another one, and so are labels and masks.

    Zhang et al., mixup: Beyond Empirical Risk Minimization (2018).

    Args:
        alpha: both parameters of the beta distribution of the weights.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        seed: an integer: layers of one seed draw the same.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: alpha is not above 0.
    """

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        if not isinstance(alpha, (int, float)) or alpha <= 0:
            raise GraphcError(
                "alpha is the parameter of a beta distribution",
                given=repr(alpha)[:200],
                expected="a number above 0",
                origin=capture_origin(),
            )
        self.alpha, self.seed = alpha, seed
        self.generator = SeedGenerator(seed)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor]:
        """With which image each is mixed, i32[batch], and its own weight, f[batch]."""
        order = random_order(count, seed)
        weights = beta((count,), self.alpha, self.alpha, seed=seed)
        return {"mix_weight": weights, "permutation_order": order}

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        return _mixed(images, transformation)

    def _changed_masks(self, masks: Tensor, transformation: Any) -> Tensor:
        return _mixed(masks, transformation)

    def _changed_labels(self, labels: Tensor, transformation: Any) -> Tensor:
        return _mixed(labels, transformation)


class CutMix(ImageLayer):
    """In training each image of a batch gets a rectangle of another one, and labels are mixed.

    Yun et al., CutMix: Regularization Strategy to Train Strong Classifiers (2019).

    Args:
        factor: the least and the largest parameter of the beta distribution of the weights, 0 to
            1, which is drawn for the batch; or one number for the largest.
        seed: an integer: layers of one seed draw the same.
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` by default.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them does not fit.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.factor, self.seed = limits_of(factor, "factor", 0), seed
        self.generator = SeedGenerator(seed)

    def _drawn(self, images: Tensor, count: Any, seed: Seed) -> dict[str, Tensor] | None:
        """From which image each gets a part, where that is, and how much stays its own."""
        if images.ndim == 3:  # there is no other image
            return None
        alpha = self._uniform((), self.factor, seed) + 1e-6
        weights = beta((count,), alpha, alpha, self.compute_dtype, seed)
        side = sqrt(1.0 - weights)
        areas, share = rectangles(self, images, count, side, side, seed)
        order = random_order(count, seed)
        return {"permutation_order": order, "batch_masks": areas, "mix_weight": 1.0 - share}

    def _changed(self, images: Tensor, transformation: Any) -> Tensor:
        if transformation is None:
            return images
        others = take(images, transformation["permutation_order"], axis=0)
        return where(transformation["batch_masks"], others, images)

    def _changed_masks(self, masks: Tensor, transformation: Any) -> Tensor:
        return self._changed(masks, transformation)

    def _changed_labels(self, labels: Tensor, transformation: Any) -> Tensor:
        return labels if transformation is None else _mixed(labels, transformation)


def _mixed(numbers: Tensor, transformation: Any) -> Tensor:
    """Images, masks or vectors of labels, each with its partner."""
    if numbers.ndim < 2:
        raise ShapeError(
            "mixed labels are vectors",
            given=numbers.value.type,
            expected="a vector for each image",
            fix="one_hot(labels, classes)",
            origin=capture_origin(),
        )
    weights = reshape(transformation["mix_weight"], (-1, *[1] * (numbers.ndim - 1)))
    wide = numbers if numbers.dtype.is_floating else cast(numbers, weights.dtype)
    weights = cast(weights, wide.dtype)
    others = take(wide, transformation["permutation_order"], axis=0)
    return weights * wide + (1.0 - weights) * others

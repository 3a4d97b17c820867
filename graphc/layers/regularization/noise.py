"""Layers that add or multiply noise while training, and one that makes results small."""

from __future__ import annotations

import math
from typing import Any

from graphc.layers.layer import Layer
from graphc.layers.regularization.dropout import fraction
from graphc.ops.arithmetic import add, multiply
from graphc.ops.tensor import Tensor
from graphc.random.distributions import normal
from graphc.random.streams import SeedGenerator
from graphc.regularizers.norms import L1L2


class GaussianNoise(Layer):
    """In training the inputs plus normal noise: f[…], to the same shape.

    Args:
        stddev: its standard deviation, 0 to 1.
        seed: an integer: layers of one seed add the same.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: it is no such number.
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stddev = fraction(stddev, "stddev")
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.stddev == 0:
            return inputs
        noise = normal(inputs.shape, 0, self.stddev, inputs.dtype, self.seed_generator)
        return add(inputs, noise)


class GaussianDropout(Layer):
    """In training the inputs times noise of mean 1 and variance rate / (1 - rate).

    f[…] to the same shape.

    Args:
        rate: as of a `Dropout` whose products have the same variance; from 0 to below 1.
        seed: an integer: layers of one seed multiply by the same.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: it is no such number.

    Source: Srivastava and others 2014, https://jmlr.org/papers/v15/srivastava14a.html.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = fraction(rate, "rate", may_be_one=False)
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self.supports_masking = True

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        spread = math.sqrt(self.rate / (1 - self.rate))
        return multiply(inputs, normal(inputs.shape, 1, spread, inputs.dtype, self.seed_generator))


class ActivityRegularization(Layer):
    """The inputs, with a penalty on them: l1 times the sum of |x|, plus l2 times that of x².

    Args:
        l1: factor of the first.
        l2: factor of the second.
        **kwargs: see `Layer`.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=L1L2(l1, l2), **kwargs)
        self.l1, self.l2 = l1, l2
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        return inputs

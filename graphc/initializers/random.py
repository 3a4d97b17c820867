"""Random initializers: Keras's distributions, drawn from the session's seed.

Sources: Glorot and Bengio 2010 (Xavier), He and others 2015.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from graphc.errors import GraphcError
from graphc.initializers.initializer import Initializer
from graphc.ir.origin import capture_origin
from graphc.ops.conversion import floatx
from graphc.ops.tensor import Tensor
from graphc.random.distributions import normal, truncated_normal, uniform


class RandomUniform(Initializer, names=("uniform",)):
    """Uniform between `minval` and `maxval`."""

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return uniform(shape, self.minval, self.maxval, dtype or floatx(), seed=self.seed)


class RandomNormal(Initializer, names=("normal",)):
    """Normal with the given mean and standard deviation."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return normal(shape, self.mean, self.stddev, dtype or floatx(), seed=self.seed)


def fans(shape: Sequence[int]) -> tuple[float, float]:
    """Number of inputs and outputs of a unit: Keras's rule for vectors, matrices and kernels."""
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return float(size), float(size)
    receptive = math.prod(shape[:-2])
    return float(shape[-2] * receptive), float(shape[-1] * receptive)


class VarianceScaling(Initializer):
    """A variance of `scale` over the number of inputs, outputs, or their mean."""

    def __init__(
        self,
        scale: float = 1.0,
        mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in",
        distribution: Literal["truncated_normal", "untruncated_normal", "uniform"] = (
            "truncated_normal"
        ),
        seed: int | None = None,
    ) -> None:
        modes = ("fan_in", "fan_out", "fan_avg")
        distributions = ("truncated_normal", "untruncated_normal", "uniform")
        if scale <= 0 or mode not in modes or distribution not in distributions:
            raise GraphcError(
                "this is no variance scaling",
                given=f"scale={scale}, mode={mode!r}, distribution={distribution!r}",
                expected=f"a scale above 0; a mode of {', '.join(modes)}; "
                f"a distribution of {', '.join(distributions)}",
                origin=capture_origin(),
            )
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        fan_in, fan_out = fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        target = dtype or floatx()
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return uniform(shape, -limit, limit, target, seed=self.seed)
        if self.distribution == "untruncated_normal":
            return normal(shape, 0.0, math.sqrt(variance), target, seed=self.seed)
        # a normal distribution cut off at two standard deviations has this standard deviation
        stddev = math.sqrt(variance) / 0.87962566103423978
        return truncated_normal(shape, 0.0, stddev, target, seed=self.seed)


class GlorotUniform(VarianceScaling):
    """Uniform within ±sqrt(6 / (inputs + outputs))."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


class GlorotNormal(VarianceScaling):
    """Truncated normal of variance 2 / (inputs + outputs)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class HeUniform(VarianceScaling):
    """Uniform within ±sqrt(6 / inputs)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


class HeNormal(VarianceScaling):
    """Truncated normal of variance 2 / inputs."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed)

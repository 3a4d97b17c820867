"""Random initializers whose spread follows from the number of inputs and outputs of a unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from graphc.errors import GraphcError
from graphc.initializers.initializer import Initializer
from graphc.ir.origin import capture_origin
from graphc.ops.tensor import Tensor
from graphc.random.distributions import normal, truncated_normal, uniform
from graphc.random.streams import Seed

Axes = Sequence[int] | None


def fans(
    shape: Sequence[int], input_axes: Axes = None, output_axes: Axes = None
) -> tuple[float, float]:
    """Number of inputs and outputs of a unit: Keras's rule for vectors, matrices and kernels.

    Args:
        shape: of the weight.
        input_axes: which of its axes are inputs; counts only together with `output_axes`.
        output_axes: which are outputs.
    """
    if input_axes is not None and output_axes is not None:
        sizes = (math.prod(shape[axis] for axis in axes) for axes in (input_axes, output_axes))
        inputs, outputs = sizes
        return float(inputs), float(outputs)
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return float(size), float(size)
    receptive = math.prod(shape[:-2])
    return float(shape[-2] * receptive), float(shape[-1] * receptive)


class VarianceScaling(Initializer):
    """A variance of `scale` over the number of inputs, outputs, or their mean.

    Args:
        scale: above 0.
        mode: "fan_in", "fan_out" or "fan_avg": what `scale` is divided by.
        distribution: "truncated_normal" (also "normal"), cut off at two standard deviations,
            "untruncated_normal" or "uniform".
        seed: see `graphc.random.streams`.
        input_axes: axes of the weight that are inputs, where Keras's rule for kernels is wrong.
        output_axes: likewise.

    Raises:
        GraphcError: an argument is none of these.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in",
        distribution: Literal["truncated_normal", "untruncated_normal", "uniform", "normal"] = (
            "truncated_normal"
        ),
        seed: Seed = None,
        input_axes: Axes = None,
        output_axes: Axes = None,
    ) -> None:
        modes = ("fan_in", "fan_out", "fan_avg")
        distributions = ("truncated_normal", "untruncated_normal", "uniform")
        drawn = "truncated_normal" if distribution.lower() == "normal" else distribution.lower()
        if scale <= 0 or mode not in modes or drawn not in distributions:
            raise GraphcError(
                "this is no variance scaling",
                given=f"scale={scale}, mode={mode!r}, distribution={distribution!r}",
                expected=f"a scale above 0; a mode of {', '.join(modes)}; "
                f"a distribution of {', '.join(distributions)}",
                origin=capture_origin(),
            )
        self.scale, self.mode, self.distribution, self.seed = scale, mode, drawn, seed
        self.input_axes, self.output_axes = input_axes, output_axes

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        fan_in, fan_out = fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return uniform(shape, -limit, limit, dtype, seed=self.seed)
        if self.distribution == "untruncated_normal":
            return normal(shape, 0.0, math.sqrt(variance), dtype, seed=self.seed)
        # a normal distribution cut off at two standard deviations has this standard deviation
        stddev = math.sqrt(variance) / 0.87962566103423978
        return truncated_normal(shape, 0.0, stddev, dtype, seed=self.seed)


class GlorotUniform(VarianceScaling):
    """Uniform within ±sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010)."""

    def __init__(
        self, seed: Seed = None, input_axes: Axes = None, output_axes: Axes = None
    ) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed, input_axes, output_axes)


class GlorotNormal(VarianceScaling):
    """Truncated normal of variance 2 / (inputs + outputs) (Glorot and Bengio 2010)."""

    def __init__(
        self, seed: Seed = None, input_axes: Axes = None, output_axes: Axes = None
    ) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed, input_axes, output_axes)


class LecunUniform(VarianceScaling):
    """Uniform within ±sqrt(3 / inputs) (LeCun and others 1998)."""

    def __init__(
        self, seed: Seed = None, input_axes: Axes = None, output_axes: Axes = None
    ) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed, input_axes, output_axes)


class LecunNormal(VarianceScaling):
    """Truncated normal of variance 1 / inputs (LeCun and others 1998)."""

    def __init__(
        self, seed: Seed = None, input_axes: Axes = None, output_axes: Axes = None
    ) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed, input_axes, output_axes)


class HeUniform(VarianceScaling):
    """Uniform within ±sqrt(6 / inputs) (He and others 2015)."""

    def __init__(
        self, seed: Seed = None, input_axes: Axes = None, output_axes: Axes = None
    ) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed, input_axes, output_axes)


class HeNormal(VarianceScaling):
    """Truncated normal of variance 2 / inputs (He and others 2015)."""

    def __init__(
        self, seed: Seed = None, input_axes: Axes = None, output_axes: Axes = None
    ) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed, input_axes, output_axes)

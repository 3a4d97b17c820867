"""Ramps with options: of f[…], to the same shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import graphc.activations as activations
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.input_spec import InputSpec
from graphc.layers.layer import Layer
from graphc.layers.weight_options import WeightOptions
from graphc.ops.activations import elu, leaky_relu, relu
from graphc.ops.arithmetic import add, multiply, negative
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class ReLU(Layer):
    """max(x, 0), with an upper limit, a slope below and a threshold.

    f(x) is max_value from there on, x from the threshold to there, and
    negative_slope · (x - threshold) below.

    Args:
        max_value: the largest result; None for no limit.
        negative_slope: of the part below the threshold.
        threshold: below which the ramp begins.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: one of them is negative.
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else _not_negative("max_value", max_value)
        self.negative_slope = _not_negative("negative_slope", negative_slope)
        self.threshold = _not_negative("threshold", threshold)
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Layer):
    """X where it is positive, and negative_slope · x elsewhere.

    Args:
        negative_slope: of the part below 0.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: the slope is negative.
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = _not_negative("negative_slope", negative_slope)
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        return leaky_relu(inputs, self.negative_slope)


class PReLU(Layer):
    """X where it is positive, and alpha · x elsewhere, with a learned alpha.

    Args:
        alpha_initializer: of alpha, which has the shape of one example.
        alpha_regularizer: a penalty on alpha.
        alpha_constraint: what alpha is held to after each step.
        shared_axes: axes of the inputs along which one alpha serves all; the axis 0 is the batch.
        **kwargs: see `Layer`.

    Source: He and others 2015, https://arxiv.org/abs/1502.01852.
    """

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._of_alpha = WeightOptions(alpha_initializer, alpha_regularizer, alpha_constraint)
        given = [shared_axes] if isinstance(shared_axes, int) else shared_axes
        self.shared_axes = None if given is None else list(given)
        self.supports_masking = True
        self.alpha: Variable

    def build(self, input_shape: Any) -> None:
        shared = self.shared_axes or []
        sizes = [1 if axis in shared else s for axis, s in enumerate(input_shape)]
        self.alpha = self._of_alpha.add_to(self, sizes[1:], "alpha")
        own = {axis: s for axis, s in enumerate(input_shape) if axis and axis not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=own)

    def call(self, inputs: Tensor) -> Tensor:
        below = multiply(negative(self.alpha), relu(negative(inputs)))
        return add(relu(inputs), below)


class ELU(Layer):
    """X where it is positive, and alpha · (exp(x) - 1) elsewhere.

    Args:
        alpha: the limit far below 0, with the sign changed.
        **kwargs: see `Layer`.

    Source: Clevert, Unterthiner and Hochreiter 2015, https://arxiv.org/abs/1511.07289.
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        return elu(inputs, self.alpha)


def _not_negative(what: str, given: Any) -> float:
    if not isinstance(given, (int, float)) or not given >= 0:
        raise GraphcError(
            f"{what} of a rectifier",
            given=repr(given),
            expected="a number of at least 0",
            origin=capture_origin(),
        )
    return given

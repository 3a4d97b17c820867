"""Normalization of each example by itself: layers, groups, root mean squares, unit vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.layers.input_spec import InputSpec
from graphc.layers.layer import Layer
from graphc.layers.weight_options import WeightOptions
from graphc.ops.arithmetic import add, multiply
from graphc.ops.context import floats_read_as
from graphc.ops.conversion import cast_to
from graphc.ops.exponential import rsqrt
from graphc.ops.normalization import (
    group_normalization,
    layer_normalization,
    normalize,
    rms_normalization,
)
from graphc.ops.reductions import var
from graphc.ops.shaping import reshape
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class LayerNormalization(Layer):
    """(x - mean) / sqrt(variance + epsilon) along axes of each example, times gamma, plus beta.

    f[…] to the same shape.

    Args:
        axis: the axis or axes of the features, along which mean and variance are taken.
        epsilon: added to the variance.
        center: whether to add beta.
        scale: whether to multiply by gamma.
        beta_initializer, gamma_initializer: of the weights, f[features].
        beta_regularizer, gamma_regularizer: penalties.
        beta_constraint, gamma_constraint: what they are held to after each step.
        rms_scaling: x / sqrt(variance + epsilon) · gamma instead, which is an old form of Keras's.
        **kwargs: see `Layer`.

    Source: Ba, Kiros and Hinton 2016, https://arxiv.org/abs/1607.06450.
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        rms_scaling: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = [axis] if isinstance(axis, int) else sorted(axis)
        self.epsilon = epsilon
        self.center, self.scale, self.rms_scaling = center, scale, rms_scaling
        self._of_beta = WeightOptions(beta_initializer, beta_regularizer, beta_constraint)
        self._of_gamma = WeightOptions(gamma_initializer, gamma_regularizer, gamma_constraint)
        self.supports_masking = True
        self.autocast = False
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def build(self, input_shape: Any) -> None:
        sizes = [input_shape[axis] for axis in self.axis]
        if self.scale or self.rms_scaling:
            self.gamma = self._of_gamma.add_to(self, sizes, "gamma")
        if self.center and not self.rms_scaling:
            self.beta = self._of_beta.add_to(self, sizes, "beta")

    def call(self, inputs: Tensor) -> Tensor:
        with floats_read_as(None):
            if self.rms_scaling:
                assert self.gamma is not None
                axes = [axis % inputs.ndim for axis in self.axis]
                sizes = [n if axis in axes else 1 for axis, n in enumerate(inputs.shape)]
                factor = rsqrt(add(var(inputs, axes, keepdims=True), self.epsilon))
                made = multiply(multiply(inputs, factor), reshape(self.gamma, sizes))
            else:
                made = layer_normalization(inputs, self.gamma, self.beta, self.axis, self.epsilon)
        return cast_to(made, self.compute_dtype)


class RMSNormalization(Layer):
    """X / sqrt(mean of x² + epsilon) along axes of each example, times scale.

    f[…] to the same shape.

    Args:
        axis: the axis or axes of the features.
        epsilon: added to the mean square.
        **kwargs: see `Layer`.

    Source: Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467.
    """

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis = [axis] if isinstance(axis, int) else sorted(axis)
        self.epsilon = epsilon
        self.scale: Variable

    def build(self, input_shape: Any) -> None:
        sizes = [input_shape[axis] for axis in self.axis]
        self.scale = self.add_weight(sizes, "ones", name="scale")

    def call(self, x: Tensor) -> Tensor:
        return rms_normalization(x, self.scale, self.axis, self.epsilon)


class GroupNormalization(Layer):
    """Each group of channels of each example to mean 0 and variance 1, times gamma, plus beta.

    f[batch, …] to the same shape.

    Args:
        groups: into how many groups the channels are divided; -1 for as many as there are channels.
        axis: of the channels.
        epsilon: added to the variance.
        center: whether to add beta.
        scale: whether to multiply by gamma.
        beta_initializer, gamma_initializer: of the weights, f[channels].
        beta_regularizer, gamma_regularizer: penalties.
        beta_constraint, gamma_constraint: what they are held to after each step.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: it is no number of groups.
        ShapeError: in a call: the groups do not divide the channels.

    Source: Wu and He 2018, https://arxiv.org/abs/1803.08494.
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(groups, int) or (groups < 1 and groups != -1):
            raise GraphcError(
                "GroupNormalization needs a number of groups",
                given=f"groups={groups!r}",
                expected="a whole number of at least 1, or -1 for a group per channel",
                origin=capture_origin(),
            )
        self.groups, self.axis, self.epsilon = groups, axis, epsilon
        self.center, self.scale = center, scale
        self._of_beta = WeightOptions(beta_initializer, beta_regularizer, beta_constraint)
        self._of_gamma = WeightOptions(gamma_initializer, gamma_regularizer, gamma_constraint)
        self.supports_masking = True
        self.autocast = False
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def build(self, input_shape: Any) -> None:
        size = input_shape[self.axis]
        if self.scale:
            self.gamma = self._of_gamma.add_to(self, (size,), "gamma")
        if self.center:
            self.beta = self._of_beta.add_to(self, (size,), "beta")
        if self.groups == -1 and size is not None:
            self.groups = size
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def call(self, inputs: Tensor) -> Tensor:
        with floats_read_as(None):
            made = group_normalization(
                inputs, self.groups, self.axis, self.beta, self.gamma, self.epsilon
            )
        return cast_to(made, self.compute_dtype)


class UnitNormalization(Layer):
    """Vectors of norm 1: f[…], to the same shape.

    Args:
        axis: the axis or axes of the vectors.
        **kwargs: see `Layer`.
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        return normalize(inputs, self.axis, epsilon=1e-12)  # type: ignore[arg-type]

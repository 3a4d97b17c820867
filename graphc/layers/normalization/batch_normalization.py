"""Normalization by the statistics of the batch while training, and by their averages after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import graphc.settings as settings
from graphc.dtypes import BOOL, F32
from graphc.errors import GraphcError, ShapeError
from graphc.initializers.initializer import get as get_initializer
from graphc.ir.origin import capture_origin
from graphc.layers.input_spec import InputSpec
from graphc.layers.layer import Layer
from graphc.layers.weight_options import WeightOptions
from graphc.ops.activations import relu
from graphc.ops.arithmetic import add, divide, multiply, square, subtract
from graphc.ops.comparison import clip, maximum, minimum, where
from graphc.ops.context import floats_read_as
from graphc.ops.conversion import cast_to
from graphc.ops.exponential import sqrt
from graphc.ops.identities import stop_gradient
from graphc.ops.normalization import batch_normalization, batch_normalization_training, moments
from graphc.ops.reductions import sum as sum_of
from graphc.ops.shaping import broadcast_to, expand_dims, reshape
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class BatchNormalization(Layer):
    """(x - mean) / sqrt(variance + epsilon), times gamma, plus beta: f[…], to the same shape.

    In training, mean and variance are those of the batch, over all axes but one, and move the
    averages that are used otherwise; `Optimizer.minimize` makes that a part of the step. A frozen
    layer (`trainable=False`) uses the averages in training too, and leaves them as they are.

    Args:
        axis: of the features.
        momentum: the share of its old value that an average keeps in a step.
        epsilon: added to the variance.
        center: whether to add beta.
        scale: whether to multiply by gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer:
            of the weights, each f[features].
        beta_regularizer, gamma_regularizer: penalties.
        beta_constraint, gamma_constraint: what they are held to after each step.
        renorm: whether to correct the batch's statistics by their averages, in training too.
        renorm_clipping: limits of that correction: "rmax", "rmin" and "dmax".
        renorm_momentum: as `momentum`, for the averages of the correction.
        synchronized: not available: one program sees the whole batch.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: it is to be synchronized, or the limits are none.

    Sources: Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167; renorm: Ioffe 2017,
    https://arxiv.org/abs/1702.03275.
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Mapping[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if synchronized:
            raise GraphcError(
                "statistics of batches are not synchronized here",
                fix="leave synchronized= out: one program sees the whole batch",
                origin=capture_origin(),
            )
        self.axis = int(axis)
        self.momentum, self.epsilon = float(momentum), float(epsilon)
        self.center, self.scale = center, scale
        self._of_beta = WeightOptions(beta_initializer, beta_regularizer, beta_constraint)
        self._of_gamma = WeightOptions(gamma_initializer, gamma_regularizer, gamma_constraint)
        self._of_mean = get_initializer(moving_mean_initializer)
        self._of_variance = get_initializer(moving_variance_initializer)
        self.renorm, self.renorm_momentum = renorm, float(renorm_momentum)
        self.renorm_clipping = _limits(renorm_clipping) if renorm else renorm_clipping
        self.supports_masking = True
        self.gamma: Variable | None = None
        self.beta: Variable | None = None
        self.moving_mean: Variable
        self.moving_variance: Variable
        self.moving_stddev: Variable
        self.renorm_mean: Variable
        self.renorm_stddev: Variable

    def build(self, input_shape: Any) -> None:
        size = input_shape[self.axis]
        if self.scale:
            self.gamma = self._of_gamma.add_to(self, (size,), "gamma")
        if self.center:
            self.beta = self._of_beta.add_to(self, (size,), "beta")
        self.moving_mean = self._add_statistic(size, self._of_mean, "moving_mean")
        self.moving_variance = self._add_statistic(size, self._of_variance, "moving_variance")
        if self.renorm:
            self.moving_stddev = self._add_statistic(size, self._stddev, "moving_stddev")
            self.renorm_mean = self._add_statistic(size, self._of_mean, "renorm_mean")
            self.renorm_stddev = self._add_statistic(size, self._stddev, "renorm_stddev")
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def _add_statistic(self, size: int, initializer: Callable[..., Any], name: str) -> Variable:
        return self.add_weight((size,), initializer, trainable=False, name=name)

    def _stddev(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        return sqrt(self._of_variance(shape, dtype))

    def call(self, inputs: Tensor, training: bool = False, mask: Tensor | None = None) -> Tensor:
        if mask is not None and mask.ndim != inputs.ndim - 1:
            raise ShapeError(
                f"the mask of the layer {self.name!r} does not fit",
                given=f"{mask.value.type} for {inputs.value.type}",
                expected="the shape of the inputs without its last axis",
                origin=capture_origin(),
            )
        wide = inputs if inputs.dtype.itemsize >= F32.itemsize else cast_to(inputs, F32)
        with floats_read_as(wide.dtype):  # statistics of few digits would be worth little
            made = self._normalized(wide, training and self.trainable, mask)
        return made if made.dtype is self.compute_dtype else cast_to(made, self.compute_dtype)

    def _normalized(self, inputs: Tensor, by_batch: bool, mask: Tensor | None) -> Tensor:
        weights: dict[str, Any] = {"offset": self.beta, "scale": self.gamma}
        if not by_batch:
            mean, variance = self.moving_mean, self.moving_variance
        elif mask is None and not self.renorm:
            made, mean, variance = batch_normalization_training(
                inputs, self.axis, epsilon=self.epsilon, **weights
            )
            self._move(mean, variance)
            return made
        else:
            mean, variance = self._moments(inputs, mask)
            if self.renorm:
                weights = self._corrected(mean, variance)
                self._move_corrections(mean, variance)
            else:
                self._move(mean, variance)
        return batch_normalization(
            inputs, mean, variance, self.axis, epsilon=self.epsilon, **weights
        )

    def _moments(self, inputs: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        along = self.axis % inputs.ndim
        axes = [axis for axis in range(inputs.ndim) if axis != along]
        if mask is None:
            return moments(inputs, axes)
        counts = broadcast_to(expand_dims(cast_to(mask, BOOL), -1), inputs.shape)
        count = sum_of(cast_to(counts, inputs.dtype), axes, keepdims=True)
        total = add(count, settings.epsilon.get())
        mean = divide(sum_of(where(counts, inputs, 0), axes, keepdims=True), total)
        away = where(counts, subtract(inputs, mean), 0)
        variance = divide(sum_of(square(away), axes, keepdims=True), total)
        size = (inputs.shape[along],)
        return reshape(mean, size), reshape(variance, size)

    def _move(self, mean: Tensor, variance: Tensor) -> None:
        for variable, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            variable.assign_average(cast_to(new, variable.dtype), self.momentum)

    # -- renorm ----------------------------------------------------------------------------------

    def _corrected(self, mean: Tensor, variance: Tensor) -> dict[str, Any]:
        """Gamma and beta that make the batch's statistics those of the averages, within limits."""
        spread = sqrt(add(variance, self.epsilon))
        usual = maximum(self.renorm_stddev, self.epsilon**0.5)
        factor = divide(spread, usual)
        shift = divide(subtract(mean, self.renorm_mean), usual)
        limits = self.renorm_clipping or {}
        if (least := limits.get("rmin")) is not None:
            factor = maximum(factor, least)
        if (most := limits.get("rmax")) is not None:
            factor = minimum(factor, most)
        if (widest := limits.get("dmax")) is not None:
            shift = clip(shift, -widest, widest)
        factor, shift = stop_gradient(factor), stop_gradient(shift)
        if self.gamma is not None:
            factor, shift = multiply(factor, self.gamma), multiply(shift, self.gamma)
        if self.beta is not None:
            shift = add(shift, self.beta)
        return {"offset": shift, "scale": factor}

    def _move_corrections(self, mean: Tensor, variance: Tensor) -> None:
        spread = sqrt(add(variance, self.epsilon))
        self.renorm_mean.assign_average(mean, self.renorm_momentum)
        self.renorm_stddev.assign_average(spread, self.renorm_momentum)
        self.moving_mean.assign_average(mean, self.momentum)
        moved = self.moving_stddev.assign_average(spread, self.momentum)
        self.moving_variance.assign(relu(subtract(square(moved), self.epsilon)))


def _limits(given: Mapping[str, float] | None) -> dict[str, float]:
    """The limits of renorm, checked."""
    limits = dict(given or {})
    least, most, widest = (limits.get(name) for name in ("rmin", "rmax", "dmax"))
    is_known = set(limits) <= {"rmax", "rmin", "dmax"}
    if not is_known or (least or 0) > (most or least or 0) or (widest or 0) < 0:
        raise GraphcError(
            "renorm_clipping does not fit",
            given=repr(given)[:200],
            expected='limits "rmin" ≤ "rmax" and "dmax" ≥ 0, each of which may be left out',
            origin=capture_origin(),
        )
    return limits

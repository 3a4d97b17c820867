"""Layers that bring numbers to a scale: a given one, or that of the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import graphc.settings as settings
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.layers.preprocessing.numbers.batches import batches_of
from graphc.ops.arithmetic import add, divide, multiply, subtract
from graphc.ops.comparison import maximum
from graphc.ops.context import session_of
from graphc.ops.conversion import cast_to, to_tensor
from graphc.ops.exponential import sqrt
from graphc.ops.shaping import reshape
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable

Array = np.ndarray[Any, Any]


class Rescaling(Layer):
    """Inputs · scale + offset: numbers of any type, to f[…] of the same shape.

    Args:
        scale: a number, or one per channel.
        offset: likewise.
        **kwargs: see `Layer`.
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        scale, offset = (np.asarray(each, np.float64) for each in (self.scale, self.offset))
        if scale.ndim and settings.image_data_format.get() == "channels_first":
            scale = scale.reshape(scale.shape + (1,) * (3 - scale.ndim))
        dtype = self.compute_dtype
        scaled = multiply(cast_to(inputs, dtype), to_tensor(scale, dtype, inputs.graph))
        return add(scaled, to_tensor(offset, dtype, inputs.graph))


class Normalization(Layer):
    """(inputs - mean) / sqrt(variance), with the mean and the variance of data.

    Numbers of any type, to f[…] of the same shape. `adapt` finds mean and variance; or they are
    given.

    Args:
        axis: the axis or axes that have a mean and a variance of their own at each place; None for
            one of all.
        mean: f[sizes of these axes], or a number.
        variance: likewise.
        invert: whether to go back: inputs · sqrt(variance) + mean.
        **kwargs: see `Layer`.

    Raises:
        GraphcError: only one of mean and variance is given.
        ShapeError: they do not fit each other or the axes.
    """

    def __init__(
        self,
        axis: int | Sequence[int] | None = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        if (mean is None) != (variance is None):
            raise GraphcError(
                "Normalization needs mean and variance, or neither",
                given="only one of them",
                fix="give both, or neither and call adapt(data)",
                origin=capture_origin(),
            )
        if np.shape(mean) != np.shape(variance) or np.ndim(mean) > len(self.axis):
            raise ShapeError(
                "mean and variance of a Normalization do not fit",
                given=f"shapes {np.shape(mean)} and {np.shape(variance)} for axis={axis}",
                expected="two of one shape, with no more axes than there are in axis=",
                origin=capture_origin(),
            )
        self.input_mean, self.input_variance = mean, variance
        self.invert = invert
        self.supports_masking = True
        self.adapt_mean: Variable
        self.adapt_variance: Variable
        self.count: Variable

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if any(not -rank <= axis < rank for axis in self.axis):
            raise ShapeError(
                f"an axis of the layer {self.name!r} does not exist",
                given=f"axis={self.axis} for inputs of shape {tuple(input_shape)}",
                origin=capture_origin(),
            )
        self._kept = sorted(axis % rank for axis in self.axis)
        self._sizes = tuple([input_shape[axis] for axis in self._kept])
        self._aligned = [n if i in self._kept else 1 for i, n in enumerate(input_shape)]
        if self.input_mean is None:
            options: dict[str, Any] = {"trainable": False}
            self.adapt_mean = self.add_weight(self._sizes, "zeros", name="mean", **options)
            self.adapt_variance = self.add_weight(self._sizes, "ones", name="variance", **options)
            self.count = self.add_weight((), "zeros", "int32", name="count", **options)

    def adapt(self, data: Any) -> None:
        """Take mean and variance of data, in the session of the graph.

        Args:
            data: an array whose first axis is the batch, or batches: arrays in any iterable.

        Raises:
            ShapeError: batches do not fit the layer, or there is none.
            GraphcError: mean and variance are given already.
        """
        if self.input_mean is not None:
            raise GraphcError(
                f"the layer {self.name!r} has the mean and the variance that it was given",
                fix="leave mean= and variance= out where adapt() is to find them",
                origin=capture_origin(),
            )
        count, mean, variance = 0, np.zeros(()), np.zeros(())
        for batch in batches_of(data, self.name):
            if not self.built:
                self.build((None, *batch.shape[1:]))
            here, size = self._statistics(batch)
            total = count + size
            share = size / total
            moved = mean + (here[0] - mean) * share
            variance = (variance + (mean - moved) ** 2) * (1 - share)
            variance = variance + (here[1] + (here[0] - moved) ** 2) * share
            count, mean = total, moved
        session_of(self.adapt_mean.graph).set_variables(
            {self.adapt_mean: mean, self.adapt_variance: variance}
        )

    def _statistics(self, batch: Array) -> tuple[tuple[Array, Array], int]:
        sizes = tuple([batch.shape[axis] for axis in self._kept if axis < batch.ndim])
        if batch.ndim != len(self._aligned) or sizes != self._sizes:
            raise ShapeError(
                f"a batch does not fit the layer {self.name!r}",
                given=f"an array of shape {batch.shape}",
                expected=f"{len(self._aligned)} axes, of sizes {self._sizes} on {self._kept}",
                origin=capture_origin(),
            )
        reduced = tuple([axis for axis in range(batch.ndim) if axis not in self._kept])
        wide = batch.astype(np.float64)
        count = int(np.prod([batch.shape[axis] for axis in reduced], dtype=np.int64))
        return (wide.mean(reduced), wide.var(reduced)), count

    def call(self, inputs: Tensor) -> Tensor:
        dtype = self.compute_dtype
        mean, variance = self._known(inputs)
        spread = maximum(sqrt(variance), settings.epsilon.get())
        given = cast_to(inputs, dtype)
        if self.invert:
            return add(mean, multiply(given, spread))
        return divide(subtract(given, mean), spread)

    def _known(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        dtype = self.compute_dtype
        if self.input_mean is None:
            values: Iterable[Any] = (self.adapt_mean, self.adapt_variance)
            sizes = self._aligned
        else:
            values = (np.asarray(v, np.float64) for v in (self.input_mean, self.input_variance))
            sizes = [1] * inputs.ndim
            shape = np.shape(self.input_mean)
            for axis, size in zip(reversed(self._kept), reversed(shape), strict=False):
                sizes[axis] = size
        made = [cast_to(reshape(to_tensor(v, None, inputs.graph), sizes), dtype) for v in values]
        return made[0], made[1]

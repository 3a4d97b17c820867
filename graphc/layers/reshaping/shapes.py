"""Layers that give the elements of each example another shape or order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.input_spec import InputSpec
from graphc.layers.layer import Layer
from graphc.layers.reshaping.data_formats import DataFormatLayer
from graphc.ops.repeating import repeat
from graphc.ops.shaping import expand_dims, reshape, transpose
from graphc.ops.tensor import Tensor


class Flatten(DataFormatLayer):
    """Each example as a vector: f[batch, …] to f[batch, elements].

    Args:
        data_format: "channels_first" inputs are flattened as if their channels came last;
            `backend.image_data_format()` by default.
        **kwargs: see `Layer`.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Tensor) -> Tensor:
        rank = inputs.ndim
        if not self.is_channels_last and rank > 1:
            inputs = transpose(inputs, (0, *range(2, rank), 1))
        elements = 1
        for size in inputs.shape[1:]:
            elements = elements * size
        return reshape(inputs, (inputs.shape[0], elements))


class Reshape(Layer):
    """Each example in another shape.

    Args:
        target_shape: its sizes, without the batch; one may be -1, which is found out.
        **kwargs: see `Layer`.
    """

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)

    def call(self, inputs: Tensor) -> Tensor:
        self._refuse_misfit(inputs.shape[1:])
        return reshape(inputs, (inputs.shape[0], *self.target_shape))

    def _refuse_misfit(self, sizes: Sequence[Any]) -> None:
        """An example has a number of elements of its own, whatever the batch is."""
        if not all(isinstance(size, int) for size in sizes):
            return
        given, wanted = math.prod(sizes), math.prod(size for size in self.target_shape if size >= 0)
        fits = given % wanted == 0 if -1 in self.target_shape and wanted else given == wanted
        if not fits:
            raise ShapeError(
                f"the layer {self.name!r} cannot give its inputs this shape",
                given=f"examples of shape {tuple(sizes)}, which are {given} elements",
                expected=f"target_shape={self.target_shape} of {wanted} elements"
                + (" or a multiple" if -1 in self.target_shape else ""),
                fix="change target_shape, or the layer before",
                origin=capture_origin(),
            )


class Permute(Layer):
    """The axes of each example in another order.

    Args:
        dims: the axes, which count from 1, as the batch is 0: (2, 1) exchanges two.
        **kwargs: see `Layer`.

    Raises:
        ShapeError: they are not all the axes from 1 on.
    """

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ShapeError(
                "Permute takes each axis once",
                given=f"dims={dims}",
                expected="the numbers from 1 to the number of axes, in any order",
                origin=capture_origin(),
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Tensor) -> Tensor:
        return transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """The same vector at each of n steps: f[batch, features] to f[batch, n, features].

    Args:
        n: number of steps.
        **kwargs: see `Layer`.

    Raises:
        ShapeError: it is no number of steps.
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise ShapeError(
                "RepeatVector needs a number of steps",
                given=f"n={n!r}",
                expected="a whole number of at least 1",
                origin=capture_origin(),
            )
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Tensor) -> Tensor:
        return repeat(expand_dims(inputs, 1), self.n, 1)

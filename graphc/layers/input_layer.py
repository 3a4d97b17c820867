"""The inputs of functional models: placeholders that a batch is fed to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dtypes import as_dtype
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.layers.layer_call import LayerCall
from graphc.ops.conversion import floatx
from graphc.ops.dataflow import get_default_graph
from graphc.ops.known_shapes import known_sizes
from graphc.ops.sources import placeholder
from graphc.ops.tensor import Tensor


class InputLayer(Layer):
    """Stands for the data in a list of layers.

    Args:
        shape: of one sample, None for sizes that are not known.
        batch_size: of all batches, if it is always the same.
        dtype: element type of the data; `floatx()` by default.
        sparse, ragged: not available.
        batch_shape: of a batch, in place of `shape` and `batch_size`.
        input_tensor: a tensor of the graph, in place of a new placeholder.
        optional: not available.
        name: of the layer and its placeholder.
    """

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        input_tensor: Tensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if sparse or ragged or optional:
            raise ShapeError("sparse, ragged and optional inputs are not available")
        if isinstance(shape, int):
            shape = (shape,)
        if (shape is None) == (batch_shape is None) and input_tensor is None:
            raise ShapeError(
                "an input needs a shape",
                given=f"shape={shape}, batch_shape={batch_shape}",
                expected="one of them, such as shape=(28, 28, 1) for samples of that shape",
                origin=capture_origin(),
            )
        if input_tensor is None:
            sizes = batch_shape if shape is None else (batch_size, *shape)
            target = as_dtype(dtype or floatx())
            input_tensor = placeholder(target, list(sizes or ()), name=self.name)
        self.tensor = input_tensor
        self.built = True
        call = LayerCall(self, {}, input_tensor)
        self._first_call = call
        get_default_graph().records.calls[input_tensor.value] = call

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        """Sizes of a batch, None where one is not known."""
        return known_sizes(self.tensor)

    @property
    def dtype(self) -> str:
        return str(self.tensor.dtype)

    @property
    def input(self) -> Tensor:
        return self.tensor

    @property
    def output(self) -> Tensor:
        return self.tensor

    def call(self, inputs: Any = None) -> Any:
        return inputs


def Input(  # noqa: N802  Keras's name
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: Tensor | None = None,
    optional: bool = False,
) -> Tensor:
    """A placeholder for a batch of samples: the start of a functional model.

    Args:
        shape: of one sample, None for sizes that are not known.
        batch_size: of all batches, if it is always the same.
        dtype: element type of the data; `floatx()` by default.
        sparse: not available.
        ragged: not available.
        batch_shape: of a batch, in place of `shape` and `batch_size`.
        name: of the placeholder; the key of this input in dictionaries of data.
        tensor: a tensor of the graph, in place of a new placeholder.
        optional: not available.

    Returns:
        The placeholder, dtype[batch, *shape].
    """
    return InputLayer(
        shape, batch_size, dtype, sparse, ragged, batch_shape, tensor, optional, name
    ).tensor

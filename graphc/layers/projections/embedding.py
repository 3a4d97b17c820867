"""Vectors for whole numbers, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dtypes import I32, I64
from graphc.errors import ShapeError
from graphc.initializers.constants import Constant
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.layers.weight_options import WeightOptions, refuse_adapters
from graphc.ops.activations import tanh
from graphc.ops.arithmetic import divide, multiply
from graphc.ops.casting import cast
from graphc.ops.comparison import not_equal
from graphc.ops.conversion import cast_to
from graphc.ops.gathering import take
from graphc.ops.linear_algebra import matmul
from graphc.ops.masks import set_mask
from graphc.ops.shaping import transpose
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class Embedding(Layer):
    """The row of a matrix for each whole number: i[…] to f[…, output_dim].

    Args:
        input_dim: number of rows; the numbers are below it.
        output_dim: their size.
        embeddings_initializer: of the matrix, f[input_dim, output_dim].
        embeddings_regularizer: a penalty on it.
        embeddings_constraint: what it is held to after each step.
        mask_zero: whether 0 stands for nothing: the result has a mask that leaves it out.
        weights: the matrix, or a list with it, in place of the initializer's.
        lora_rank, lora_alpha, quantization_config: not available.
        **kwargs: see `Layer`.

    Raises:
        ShapeError: a size is none, or the matrix has another shape.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_adapters(self, lora_rank, lora_alpha, quantization_config)
        for size in (input_dim, output_dim):
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise ShapeError(
                    "Embedding needs a number of rows and their size",
                    given=f"input_dim={input_dim!r}, output_dim={output_dim!r}",
                    expected="whole numbers of at least 1",
                    origin=capture_origin(),
                )
        self.input_dim, self.output_dim = input_dim, output_dim
        if weights is not None:
            embeddings_initializer = self._given_matrix(weights)
        self._of_embeddings = WeightOptions(
            embeddings_initializer, embeddings_regularizer, embeddings_constraint
        )
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.autocast = False  # a number that is a float keeps its digits
        self.embeddings: Variable

    def _given_matrix(self, weights: Any) -> Constant:
        matrix = np.asarray(weights[0] if isinstance(weights, list) else weights)
        if matrix.shape != (self.input_dim, self.output_dim):
            raise ShapeError(
                "the weights of an Embedding do not fit",
                given=f"an array of shape {matrix.shape}",
                expected=f"({self.input_dim}, {self.output_dim})",
                origin=capture_origin(),
            )
        return Constant(matrix)

    def build(self, input_shape: Any = None) -> None:
        shape = (self.input_dim, self.output_dim)
        self.embeddings = self._of_embeddings.add_to(self, shape, "embeddings")

    def call(self, inputs: Tensor) -> Tensor:
        return self._rows(inputs)

    def _rows(self, inputs: Tensor) -> Tensor:
        inputs.graph.records.row_limits[inputs.value] = self.name, self.input_dim
        numbers = inputs if inputs.dtype in (I32, I64) else cast_to(inputs, I32)
        return cast_to(take(self.embeddings, numbers, 0), self.compute_dtype)

    def compute_mask(self, inputs: Tensor, previous_mask: Any = None) -> Tensor | None:
        return not_equal(inputs, 0) if self.mask_zero else None

    def get_config(self) -> dict[str, Any]:
        """Without the matrix, which is a weight."""
        return {name: value for name, value in super().get_config().items() if name != "weights"}


class ReversibleEmbedding(Embedding):
    """An embedding that also gives logits for vectors: f[…, output_dim] to f[…, input_dim].

    A call with `reverse=True` goes back.

    Args:
        input_dim: number of rows.
        output_dim: their size.
        tie_weights: whether the way back uses the same matrix; else it has its own.
        embeddings_initializer: of the matrices.
        embeddings_regularizer: a penalty on the matrix of the way forth.
        embeddings_constraint: what that one is held to after each step.
        mask_zero: whether 0 stands for nothing.
        reverse_dtype: element type of the way back; that of the layer by default.
        logit_soft_cap: logits become cap · tanh(logits / cap); as they are by default.
        **kwargs: see `Embedding` and `Layer`.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            input_dim,
            output_dim,
            embeddings_initializer,
            embeddings_regularizer,
            embeddings_constraint,
            mask_zero,
            **kwargs,
        )
        self.tie_weights = tie_weights
        self.reverse_dtype, self.logit_soft_cap = reverse_dtype, logit_soft_cap
        self.reverse_embeddings: Variable

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            options = WeightOptions(self._of_embeddings.initializer)
            shape = (self.output_dim, self.input_dim)
            self.reverse_embeddings = options.add_to(self, shape, "reverse_embeddings")

    def call(self, inputs: Tensor, reverse: bool = False) -> Tensor:
        if not reverse:
            rows = self._rows(inputs)
            if self.mask_zero:
                set_mask(rows, not_equal(inputs, 0))
            return rows
        matrix: Any = transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        if self.reverse_dtype is not None:
            inputs, matrix = cast(inputs, self.reverse_dtype), cast(matrix, self.reverse_dtype)
        logits = matmul(inputs, matrix)
        if self.logit_soft_cap is None:
            return logits
        return multiply(tanh(divide(logits, self.logit_soft_cap)), self.logit_soft_cap)

    def compute_mask(self, inputs: Tensor, previous_mask: Any = None) -> None:
        return None

    def compute_output_shape(self, input_shape: Any, reverse: bool = False) -> Any:  # type: ignore[override]
        if reverse:
            return (*input_shape[:-1], self.input_dim)
        return (*input_shape, self.output_dim)

"""The densely connected layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.ops import activations
from graphc.ops.arithmetic import add
from graphc.ops.linear_algebra import matmul
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class Dense(Layer):
    """activation(inputs @ kernel + bias): f32[…, inputs] to f32[…, units].

    Args:
        units: size of the last axis of the result.
        activation: a function, a name ("relu"), or None.
        use_bias: whether to add a bias.
        kernel_initializer: of kernel f32[inputs, units].
        bias_initializer: of bias f32[units].
        name: scope of its nodes and variables.
        dtype: of the weights.
        trainable: whether optimizers change them.
    """

    def __init__(
        self,
        units: int,
        activation: str | Callable[..., Any] | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Callable[..., Any] = "glorot_uniform",
        bias_initializer: str | Callable[..., Any] = "zeros",
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(name=name, dtype=dtype, trainable=trainable)
        if isinstance(units, bool) or not isinstance(units, int) or units < 1:
            raise ShapeError(
                "Dense needs a number of units",
                given=repr(units),
                expected="a whole number of at least 1",
                origin=capture_origin(),
            )
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._initializers = kernel_initializer, bias_initializer
        self.kernel: Variable
        self.bias: Variable | None = None

    def build(self, input_shape: Sequence[Any]) -> None:
        if not input_shape:
            raise ShapeError(
                f"the layer {self.name!r} needs inputs with at least one axis",
                given="a scalar",
                origin=capture_origin(),
            )
        self.kernel = self.add_weight(
            (input_shape[-1], self.units), self._initializers[0], "kernel"
        )
        if self.use_bias:
            self.bias = self.add_weight((self.units,), self._initializers[1], "bias")

    def call(self, inputs: Tensor) -> Tensor:
        if inputs.shape[-1:] != self.kernel.shape[:1]:
            raise ShapeError(
                f"the layer {self.name!r} was built for other inputs",
                given=inputs.value.type,
                expected=f"a last axis of {self.kernel.shape[0]}",
                origin=capture_origin(),
            )
        outputs = matmul(inputs, self.kernel)
        if self.bias is not None:
            outputs = add(outputs, self.bias)
        return self.activation(outputs)

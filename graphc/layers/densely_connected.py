"""The densely connected layer."""

from __future__ import annotations

from typing import Any

import graphc.activations as activations
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.input_spec import InputSpec
from graphc.layers.layer import Layer
from graphc.layers.weight_options import WeightOptions, refuse_adapters
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
        kernel_regularizer: a penalty on the kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the results.
        kernel_constraint: what the kernel is held to after each step.
        bias_constraint: what the bias is held to after each step.
        lora_rank, lora_alpha, quantization_config: not available.
        **kwargs: see `Layer`.
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if isinstance(units, bool) or not isinstance(units, int) or units < 1:
            raise ShapeError(
                "Dense needs a number of units",
                given=repr(units),
                expected="a whole number of at least 1",
                fix="make the layer, then call it: Dense(units)(x)"
                if isinstance(units, Tensor)
                else None,
                origin=capture_origin(),
            )
        refuse_adapters(self, lora_rank, lora_alpha, quantization_config)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._of_kernel = WeightOptions(kernel_initializer, kernel_regularizer, kernel_constraint)
        self._of_bias = WeightOptions(bias_initializer, bias_regularizer, bias_constraint)
        self.input_spec = InputSpec(min_ndim=1)
        self.supports_masking = True
        self.kernel: Variable
        self.bias: Variable | None = None

    def build(self, input_shape: Any) -> None:
        size = input_shape[-1]
        self.kernel = self._of_kernel.add_to(self, (size, self.units), "kernel")
        if self.use_bias:
            self.bias = self._of_bias.add_to(self, (self.units,), "bias")
        self.input_spec = InputSpec(min_ndim=1, axes={-1: size})

    def call(self, inputs: Tensor) -> Tensor:
        outputs = matmul(inputs, self.kernel)
        if self.bias is not None:
            outputs = add(outputs, self.bias)
        return self.activation(outputs)

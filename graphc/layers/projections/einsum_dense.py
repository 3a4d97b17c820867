"""A dense layer whose product is an einsum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import graphc.activations as activations
from graphc.initializers.initializer import get as get_initializer
from graphc.initializers.variance_scaling import VarianceScaling
from graphc.layers.input_spec import InputSpec
from graphc.layers.layer import Layer
from graphc.layers.projections.einsum_shapes import einsum_shapes
from graphc.layers.weight_options import WeightOptions, refuse_adapters
from graphc.ops.arithmetic import add
from graphc.ops.contraction import einsum
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class EinsumDense(Layer):
    """activation(einsum(equation, inputs, kernel) + bias).

    Args:
        equation: of two operands, "abc,cd->abd" or "...x,xy->...y", in which the kernel is second.
        output_shape: of the result, without the batch and what "..." stands for; None for a size
            that is the input's.
        activation: a function, a name ("relu"), or None.
        bias_axes: the letters of the result that the bias has; None for no bias.
        kernel_initializer: of the kernel; one by fans counts the letters that are summed as inputs.
        bias_initializer: of the bias.
        kernel_regularizer, bias_regularizer: penalties.
        kernel_constraint, bias_constraint: what they are held to after each step.
        lora_rank, lora_alpha, gptq_unpacked_column_size, quantization_config: not available.
        **kwargs: see `Layer`, and `activity_regularizer` there.

    Raises:
        ShapeError: when built: the equation does not fit the shapes.
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_adapters(self, lora_rank, lora_alpha, gptq_unpacked_column_size, quantization_config)
        self.equation, self.bias_axes = equation, bias_axes
        sizes = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.partial_output_shape = sizes
        self.activation = activations.get(activation)
        self._kernel_initializer = get_initializer(kernel_initializer)
        self._of_kernel = WeightOptions(None, kernel_regularizer, kernel_constraint)
        self._of_bias = WeightOptions(bias_initializer, bias_regularizer, bias_constraint)
        self.kernel: Variable
        self.bias: Variable | None = None

    def build(self, input_shape: Any) -> None:
        found = einsum_shapes(self.equation, self.bias_axes, input_shape, self.partial_output_shape)
        initializer = self._kernel_initializer
        if isinstance(initializer, VarianceScaling) and None in (
            initializer.input_axes,
            initializer.output_axes,
        ):
            axes = {"input_axes": found.input_axes, "output_axes": found.output_axes}
            initializer = type(initializer).from_config(initializer.get_config() | axes)
        of = self._of_kernel
        options = WeightOptions(initializer, of.regularizer, of.constraint)
        self.kernel = options.add_to(self, found.kernel, "kernel")
        if found.bias is not None:
            self.bias = self._of_bias.add_to(self, found.bias, "bias")
        self.input_spec = InputSpec(ndim=len(input_shape))

    def call(self, inputs: Tensor) -> Tensor:
        outputs = einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            outputs = add(outputs, self.bias)
        return self.activation(outputs)

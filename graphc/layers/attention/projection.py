"""A projection of the last axes of a tensor onto others, as attention needs several."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import graphc.activations as activations
from graphc.initializers.variance_scaling import VarianceScaling
from graphc.layers.layer import Layer
from graphc.layers.weight_options import WeightOptions
from graphc.ops.arithmetic import add
from graphc.ops.contraction import einsum
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class _Projection(Layer):
    """activation(inputs · kernel + bias): f[…, *contracted] to f[…, *sizes].

    Keras's EinsumDense of "…m,mnh->…nh" or "…nh,nhm->…m".

    Args:
        sizes: of the axes that the result ends with.
        contracted: how many axes of the inputs are summed over: the last ones.
        activation: a function, a name, or None.
        use_bias: whether to add a bias f[*sizes].
        of_kernel: how the kernel f[*contracted, *sizes] begins, costs and is held.
        of_bias: the same of the bias.
        **kwargs: see `Layer`.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        contracted: int,
        activation: Any,
        use_bias: bool,
        of_kernel: WeightOptions,
        of_bias: WeightOptions,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sizes = tuple(sizes)
        self.contracted = contracted
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._of_kernel, self._of_bias = of_kernel, of_bias
        self.kernel: Variable
        self.bias: Variable | None = None

    def build(self, input_shape: Any) -> None:
        taken = tuple(input_shape[len(input_shape) - self.contracted :])
        given = self._of_kernel
        initializer = given.initializer
        if isinstance(initializer, VarianceScaling) and initializer.input_axes is None:
            # Keras's rule for kernels would take the first of three axes for a window.
            axes = list(range(len(taken) + len(self.sizes)))
            counted = {"input_axes": axes[: len(taken)], "output_axes": axes[len(taken) :]}
            initializer = initializer.from_config(initializer.get_config() | counted)
        options = WeightOptions(initializer, given.regularizer, given.constraint)
        self.kernel = options.add_to(self, (*taken, *self.sizes), "kernel")
        if self.use_bias:
            self.bias = self._of_bias.add_to(self, self.sizes, "bias")

    def call(self, inputs: Tensor) -> Tensor:
        letters = iter(string.ascii_lowercase)
        kept = "".join(next(letters) for _ in range(inputs.ndim - self.contracted))
        summed = "".join(next(letters) for _ in range(self.contracted))
        made = "".join(next(letters) for _ in self.sizes)
        outputs = einsum(f"{kept}{summed},{summed}{made}->{kept}{made}", inputs, self.kernel)
        if self.bias is not None:
            outputs = add(outputs, self.bias)
        return self.activation(outputs)

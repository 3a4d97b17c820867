"""One step of an LSTM whose products are convolutions.

Source: Shi and others 2015, https://arxiv.org/abs/1506.04214, without the terms from the carry to
the gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.activations import get as get_activation
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.recurrent.recurrent_cell import (
    DropoutCell,
    add_gate_biases,
    add_kernels,
    keep_arguments,
)
from graphc.ops.arithmetic import add, multiply
from graphc.ops.convolutions import conv
from graphc.ops.creation import zeros
from graphc.ops.joining import concatenate, split
from graphc.ops.shaping import expand_dims
from graphc.ops.spatial_layouts import channels_come_last, per_axis
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class ConvLSTMCell(DropoutCell):
    """Its states are the output and the carry: f32[batch, …, filters] each.

    Args:
        rank: number of spatial axes, 1 to 3.
        filters: channels of the output and of each state.
        kernel_size: of the window, for all axes or one per axis.
        strides: how far the window moves over the inputs.
        padding: "valid" or "same", of the inputs; states are always padded.
        data_format: "channels_last" or "channels_first".
        dilation_rate: distance of neighbours in the window over the inputs.
        activation: of the candidate and the output.
        recurrent_activation: of the gates.
        use_bias: whether to add a bias.
        kernel: initializer, regularizer and constraint of kernel
            f32[*window, channels, 4 · filters].
        recurrent: those of recurrent_kernel f32[*window, filters, 4 · filters].
        bias: those of bias f32[4 · filters].
        unit_forget_bias: whether the bias of the forget gate begins at 1.
        dropout: fraction of the inputs to drop in training, with a mask for each gate.
        recurrent_dropout: fraction of the output to drop in training.
        seed: of what is dropped.
        **kwargs: see `Layer`.
    """

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        recurrent_activation: Any,
        use_bias: bool,
        kernel: tuple[Any, Any, Any],
        recurrent: tuple[Any, Any, Any],
        bias: tuple[Any, Any, Any],
        unit_forget_bias: bool,
        dropout: float,
        recurrent_dropout: float,
        seed: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(dropout, recurrent_dropout, 4, seed, **kwargs)
        self.rank = rank
        self.filters = filters
        self.kernel_size = per_axis(kernel_size, rank, "kernel_size")
        self.strides = per_axis(strides, rank, "strides")
        self.padding = padding.lower()
        self.is_last = channels_come_last(data_format)
        self.data_format = "channels_last" if self.is_last else "channels_first"
        self.dilation_rate = per_axis(dilation_rate, rank, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise GraphcError(
                "a window that moves by more than 1 cannot have holes as well",
                given=f"strides={self.strides}, dilation_rate={self.dilation_rate}",
                fix="strides=1, or dilation_rate=1",
                origin=capture_origin(),
            )
        self.activation = get_activation(activation)
        self.recurrent_activation = get_activation(recurrent_activation)
        self.use_bias = use_bias
        keep_arguments(self, kernel, recurrent, bias)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [filters, filters]
        self.kernel: Variable
        self.recurrent_kernel: Variable
        self.bias: Variable | None = None
        self._spatial: tuple[int, ...] = ()

    def build(self, inputs_shape: Any, states_shape: Any = None) -> None:
        spatial = inputs_shape[1:-1] if self.is_last else inputs_shape[2:]
        channels = inputs_shape[-1 if self.is_last else 1]
        if not all(isinstance(size, int) for size in (*spatial, channels)):
            raise ShapeError(
                f"the layer {self.name!r} needs the sizes of its images",
                given=f"inputs of shape {tuple(inputs_shape)}",
                fix="give the placeholder sizes instead of None on these axes",
                origin=capture_origin(),
            )
        width = 4 * self.filters
        add_kernels(
            self,
            (*self.kernel_size, channels, width),
            (*self.kernel_size, self.filters, width),
        )
        if self.use_bias:
            self.bias = add_gate_biases(self, self.filters)
        self._spatial = self._sizes_of_outputs(spatial)

    def _sizes_of_outputs(self, spatial: Sequence[int]) -> tuple[int, ...]:
        reach = [1 + (k - 1) * d for k, d in zip(self.kernel_size, self.dilation_rate, strict=True)]
        lost = [0 if self.padding == "same" else window - 1 for window in reach]
        moved = zip(spatial, lost, self.strides, strict=True)
        return tuple([-(-(size - less) // stride) for size, less, stride in moved])

    def get_initial_state(self, batch_size: Any = None) -> list[Tensor]:
        """Zeros of the shape of the outputs."""
        sizes = (*self._spatial, self.filters) if self.is_last else (self.filters, *self._spatial)
        return [zeros((batch_size, *sizes), self.compute_dtype) for _ in range(2)]

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> Any:
        before, carry = states
        channels = -1 if self.is_last else 1
        given = self._dropped(self._of_inputs, inputs, training)
        moved = self.strides, self.padding, self.dilation_rate
        of_inputs = self._convolved(given, self.kernel, *moved)
        if self.bias is not None:
            bias = self.bias.value
            axes = [0, *range(2, self.rank + 2)]
            of_inputs = add(of_inputs, bias if self.is_last else expand_dims(bias, axes))
        given = self._dropped(self._of_state, before, training)
        of_state = self._convolved(given, self.recurrent_kernel, 1, "same", 1)
        into, forget, candidate, out = split(add(of_inputs, of_state), 4, axis=channels)
        carry = add(
            multiply(self.recurrent_activation(forget), carry),
            multiply(self.recurrent_activation(into), self.activation(candidate)),
        )
        outputs = multiply(self.recurrent_activation(out), self.activation(carry))
        return outputs, [outputs, carry]

    def _convolved(
        self, parts: list[Tensor], kernel: Any, strides: Any, padding: str, dilation: Any
    ) -> Tensor:
        """The convolution for all gates; of each gate's own inputs where there are several."""
        kernels = split(kernel, len(parts), axis=-1) if len(parts) > 1 else [kernel]
        made = [
            conv(x, k, strides, padding, self.data_format, dilation)
            for x, k in zip(parts, kernels, strict=True)
        ]
        return concatenate(made, -1 if self.is_last else 1) if len(made) > 1 else made[0]

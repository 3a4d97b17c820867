"""LSTMs over sequences of images, whose products are convolutions."""

from __future__ import annotations

from typing import Any, ClassVar

from graphc.layers.input_spec import InputSpec
from graphc.layers.recurrent.conv_lstm_cell import ConvLSTMCell
from graphc.layers.recurrent.rnn import CellLayer, cell_options, of_cell


class _ConvLSTM(CellLayer):
    """A `ConvLSTMCell` over the steps of a sequence of images.

    Args:
        filters: channels of the results.
        kernel_size: of the window, for all axes or one per axis.
        strides: how far the window moves over the inputs.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; `backend.image_data_format()` if None.
        dilation_rate: distance of neighbours in the window.
        activation: of the candidate and the output.
        recurrent_activation: of the gates.
        use_bias: whether to add a bias.
        kernel_initializer: of kernel f32[*window, channels, 4 · filters].
        recurrent_initializer: of recurrent_kernel f32[*window, filters, 4 · filters].
        bias_initializer: of bias f32[4 · filters].
        unit_forget_bias: whether the bias of the forget gate begins at 1.
        kernel_regularizer: a penalty on the kernel.
        recurrent_regularizer: a penalty on the recurrent kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the results. (Keras takes it and leaves it unused.)
        kernel_constraint: what the kernel is held to.
        recurrent_constraint: what the recurrent kernel is held to.
        bias_constraint: what the bias is held to.
        dropout: fraction of the inputs to drop in training.
        recurrent_dropout: fraction of the output to drop in training.
        seed: of what is dropped.
        return_sequences: whether the outputs of all steps are the result.
        return_state: whether the last output and carry are further results.
        go_backwards: whether to begin with the last step.
        stateful: whether a call goes on from the states that the last one left.
        **kwargs: see `RNN`.
    """

    rank: ClassVar[int]

    filters = of_cell("filters")
    kernel_size = of_cell("kernel_size")
    strides = of_cell("strides")
    padding = of_cell("padding")
    data_format = of_cell("data_format")
    dilation_rate = of_cell("dilation_rate")
    recurrent_activation = of_cell("recurrent_activation")
    unit_forget_bias = of_cell("unit_forget_bias")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Any = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        **kwargs: Any,
    ) -> None:
        cell = ConvLSTMCell(
            self.rank,
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            recurrent_activation,
            use_bias,
            (kernel_initializer, kernel_regularizer, kernel_constraint),
            (recurrent_initializer, recurrent_regularizer, recurrent_constraint),
            (bias_initializer, bias_regularizer, bias_constraint),
            unit_forget_bias,
            dropout,
            recurrent_dropout,
            seed,
            name="conv_lstm_cell",
            **cell_options(kwargs),
        )
        super().__init__(
            cell,
            return_sequences,
            return_state,
            go_backwards,
            stateful,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.input_spec = InputSpec(ndim=self.rank + 3)


class ConvLSTM1D(_ConvLSTM):
    """f32[batch, steps, length, channels] to f32[batch, new length, filters]."""

    rank = 1


class ConvLSTM2D(_ConvLSTM):
    """f32[batch, steps, rows, columns, channels] to f32[batch, new rows, new columns, filters]."""

    rank = 2


class ConvLSTM3D(_ConvLSTM):
    """f32[batch, steps, depth, rows, columns, channels] to f32[batch, …, filters]."""

    rank = 3

"""The fully connected recurrent layer: its output is its state."""

from __future__ import annotations

from typing import Any

from graphc.layers.input_spec import InputSpec
from graphc.layers.recurrent.recurrent_cell import RecurrentCell
from graphc.layers.recurrent.rnn import CellLayer, cell_options, of_cell
from graphc.ops.arithmetic import add
from graphc.ops.linear_algebra import matmul
from graphc.ops.tensor import Tensor


class SimpleRNNCell(RecurrentCell):
    """activation(inputs @ kernel + bias + state @ recurrent_kernel), output and state.

    Args:
        units: size of the output and the state.
        activation: of the output; a function, a name, or None.
        use_bias: whether to add a bias.
        kernel_initializer: of kernel f32[inputs, units].
        recurrent_initializer: of recurrent_kernel f32[units, units].
        bias_initializer: of bias f32[units].
        kernel_regularizer: a penalty on the kernel.
        recurrent_regularizer: a penalty on the recurrent kernel.
        bias_regularizer: a penalty on the bias.
        kernel_constraint: what the kernel is held to after each step.
        recurrent_constraint: what the recurrent kernel is held to after each step.
        bias_constraint: what the bias is held to after each step.
        dropout: fraction of the inputs to drop in training, 0 to 1.
        recurrent_dropout: fraction of the state to drop in training, 0 to 1.
        seed: of what is dropped.
        **kwargs: see `Layer`.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            use_bias,
            (kernel_initializer, kernel_regularizer, kernel_constraint),
            (recurrent_initializer, recurrent_regularizer, recurrent_constraint),
            (bias_initializer, bias_regularizer, bias_constraint),
            dropout,
            recurrent_dropout,
            masks=1,
            seed=seed,
            **kwargs,
        )

    def call(self, sequence: Tensor, states: Any, training: bool = False) -> Any:
        is_listed = isinstance(states, (list, tuple))
        before = states[0] if is_listed else states
        if training and self.dropout > 0:
            sequence = self._of_inputs.copies(sequence)[0]
        outputs = matmul(sequence, self.kernel)
        if self.bias is not None:
            outputs = add(outputs, self.bias)
        if training and self.recurrent_dropout > 0:
            before = self._of_state.copies(before)[0]
        outputs = self.activation(add(outputs, matmul(before, self.recurrent_kernel)))
        return outputs, [outputs] if is_listed else outputs


class SimpleRNN(CellLayer):
    """A `SimpleRNNCell` over the steps of a sequence: f32[batch, steps, …] to f32[batch, units].

    Args:
        units: see `SimpleRNNCell`, as for all that is not said here.
        activation: of the output.
        use_bias: whether to add a bias.
        kernel_initializer: of the kernel.
        recurrent_initializer: of the recurrent kernel.
        bias_initializer: of the bias.
        kernel_regularizer: a penalty on the kernel.
        recurrent_regularizer: a penalty on the recurrent kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the results. (Keras takes it and leaves it unused.)
        kernel_constraint: what the kernel is held to.
        recurrent_constraint: what the recurrent kernel is held to.
        bias_constraint: what the bias is held to.
        dropout: fraction of the inputs to drop in training.
        recurrent_dropout: fraction of the state to drop in training.
        return_sequences: whether the outputs of all steps are the result.
        return_state: whether the last state is a further result.
        go_backwards: whether to begin with the last step.
        stateful: whether a call goes on from the state that the last one left.
        unroll: whether to write the steps out instead of a loop.
        seed: of what is dropped.
        **kwargs: see `RNN`.
    """

    units = of_cell("units")

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        cell = SimpleRNNCell(
            units,
            activation,
            use_bias,
            *(kernel_initializer, recurrent_initializer, bias_initializer),
            *(kernel_regularizer, recurrent_regularizer, bias_regularizer),
            *(kernel_constraint, recurrent_constraint, bias_constraint),
            dropout,
            recurrent_dropout,
            seed,
            name="simple_rnn_cell",
            **cell_options(kwargs),
        )
        super().__init__(
            cell,
            return_sequences,
            return_state,
            go_backwards,
            stateful,
            unroll,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.input_spec = InputSpec(ndim=3)

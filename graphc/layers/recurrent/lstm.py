"""Long short-term memory.

Source: Hochreiter and Schmidhuber 1997; Gers and others 2000, which brought the forget gate.
"""

from __future__ import annotations

from typing import Any, ClassVar

from graphc.activations import get as get_activation
from graphc.layers.input_spec import InputSpec
from graphc.layers.recurrent.recurrent_cell import (
    RecurrentCell,
    add_gate_biases,
    projected,
    without_cudnn,
)
from graphc.layers.recurrent.rnn import CellLayer, cell_options, of_cell
from graphc.ops.arithmetic import add, multiply
from graphc.ops.joining import split
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class LSTMCell(RecurrentCell):
    """One step of an LSTM; its states are the output and the carry, f32[batch, units] each.

    Args:
        units: size of the output and of each state.
        activation: of the candidate and the output; a function, a name, or None.
        recurrent_activation: of the input, forget and output gates.
        use_bias: whether to add a bias.
        kernel_initializer: of kernel f32[inputs, 4 · units]: input gate, forget gate, candidate,
            output gate.
        recurrent_initializer: of recurrent_kernel f32[units, 4 · units].
        bias_initializer: of bias f32[4 · units].
        unit_forget_bias: whether the bias of the forget gate begins at 1.
        kernel_regularizer: a penalty on the kernel.
        recurrent_regularizer: a penalty on the recurrent kernel.
        bias_regularizer: a penalty on the bias.
        kernel_constraint: what the kernel is held to after each step.
        recurrent_constraint: what the recurrent kernel is held to after each step.
        bias_constraint: what the bias is held to after each step.
        dropout: fraction of the inputs to drop in training, 0 to 1.
        recurrent_dropout: fraction of the output to drop in training, 0 to 1; each gate has then
            masks of its own.
        seed: of what is dropped.
        **kwargs: see `Layer`; with `implementation=1` each gate has masks of its own.
    """

    gates: ClassVar[int] = 4

    def __init__(
        self,
        units: int,
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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        implementation = kwargs.pop("implementation", 2)
        self.implementation = 1 if recurrent_dropout > 0 else implementation
        super().__init__(
            units,
            activation,
            use_bias,
            (kernel_initializer, kernel_regularizer, kernel_constraint),
            (recurrent_initializer, recurrent_regularizer, recurrent_constraint),
            (bias_initializer, bias_regularizer, bias_constraint),
            dropout,
            recurrent_dropout,
            masks=4 if self.implementation == 1 else 1,
            seed=seed,
            **kwargs,
        )
        self.recurrent_activation = get_activation(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [units, units]

    def _add_bias(self) -> Variable:
        return add_gate_biases(self, self.units)

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> Any:
        before, carry = states
        inputs_by_gate = self._dropped(self._of_inputs, inputs, training)
        before_by_gate = self._dropped(self._of_state, before, training)
        gates = add(
            projected(inputs_by_gate, self.kernel), projected(before_by_gate, self.recurrent_kernel)
        )
        if self.bias is not None:
            gates = add(gates, self.bias)
        into, forget, candidate, out = split(gates, 4, axis=1)
        carry = add(
            multiply(self.recurrent_activation(forget), carry),
            multiply(self.recurrent_activation(into), self.activation(candidate)),
        )
        outputs = multiply(self.recurrent_activation(out), self.activation(carry))
        return outputs, [outputs, carry]


class LSTM(CellLayer):
    """An `LSTMCell` over the steps of a sequence: f32[batch, steps, inputs] to f32[batch, units].

    Args:
        units: see `LSTMCell`, as for all that is not said here.
        activation: of the candidate and the output.
        recurrent_activation: of the gates.
        use_bias: whether to add a bias.
        kernel_initializer: of the kernel.
        recurrent_initializer: of the recurrent kernel.
        bias_initializer: of the bias.
        unit_forget_bias: whether the bias of the forget gate begins at 1.
        kernel_regularizer: a penalty on the kernel.
        recurrent_regularizer: a penalty on the recurrent kernel.
        bias_regularizer: a penalty on the bias.
        activity_regularizer: a penalty on the results.
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
        unroll: whether to write the steps out instead of a loop.
        use_cudnn: "auto" or False: XLA compiles the loop either way.
        **kwargs: see `RNN`.
    """

    units = of_cell("units")
    recurrent_activation = of_cell("recurrent_activation")
    unit_forget_bias = of_cell("unit_forget_bias")

    def __init__(
        self,
        units: int,
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
        unroll: bool = False,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        self.use_cudnn = without_cudnn(use_cudnn, "LSTM")
        cell = LSTMCell(
            units,
            activation,
            recurrent_activation,
            use_bias,
            *(kernel_initializer, recurrent_initializer, bias_initializer, unit_forget_bias),
            *(kernel_regularizer, recurrent_regularizer, bias_regularizer),
            *(kernel_constraint, recurrent_constraint, bias_constraint),
            dropout,
            recurrent_dropout,
            seed,
            name="lstm_cell",
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

"""Gated recurrent units.

Source: Cho and others 2014, https://arxiv.org/abs/1406.1078: its first version for
`reset_after=True`, its third for False.
"""

from __future__ import annotations

from typing import Any, ClassVar

from graphc.activations import get as get_activation
from graphc.layers.input_spec import InputSpec
from graphc.layers.recurrent.recurrent_cell import RecurrentCell, projected, without_cudnn
from graphc.layers.recurrent.rnn import CellLayer, cell_options, of_cell
from graphc.ops.arithmetic import add, multiply, subtract
from graphc.ops.joining import split
from graphc.ops.linear_algebra import matmul
from graphc.ops.tensor import Tensor


class GRUCell(RecurrentCell):
    """One step of a GRU, whose output is its state, f32[batch, units].

    Args:
        units: size of the output and the state.
        activation: of the candidate; a function, a name, or None.
        recurrent_activation: of the update and reset gates.
        use_bias: whether to add biases.
        kernel_initializer: of kernel f32[inputs, 3 · units]: update gate, reset gate, candidate.
        recurrent_initializer: of recurrent_kernel f32[units, 3 · units].
        bias_initializer: of bias: f32[2, 3 · units] for inputs and state; f32[3 · units] where
            the reset gate comes before.
        kernel_regularizer: a penalty on the kernel.
        recurrent_regularizer: a penalty on the recurrent kernel.
        bias_regularizer: a penalty on the bias.
        kernel_constraint: what the kernel is held to after each step.
        recurrent_constraint: what the recurrent kernel is held to after each step.
        bias_constraint: what the bias is held to after each step.
        dropout: fraction of the inputs to drop in training, 0 to 1.
        recurrent_dropout: fraction of the state to drop in training, 0 to 1; each gate has then
            masks of its own.
        reset_after: whether the reset gate acts after the product with the recurrent kernel.
        seed: of what is dropped.
        **kwargs: see `Layer`; with `implementation=1` each gate has masks of its own.
    """

    gates: ClassVar[int] = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        reset_after: bool = True,
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
            masks=3 if self.implementation == 1 else 1,
            seed=seed,
            **kwargs,
        )
        self.recurrent_activation = get_activation(recurrent_activation)
        self.reset_after = reset_after

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> Any:
        is_listed = isinstance(states, (list, tuple))
        before = states[0] if is_listed else states
        given = projected(self._dropped(self._of_inputs, inputs, training), self.kernel)
        parts = self._dropped(self._of_state, before, training)
        if self.bias is not None:
            given = add(given, self.bias[0] if self.reset_after else self.bias)
        if self.reset_after:
            update, candidate = self._reset_after(given, parts)
        else:
            update, candidate = self._reset_before(given, parts)
        kept = multiply(update, before)
        outputs = add(kept, multiply(subtract(1, update), candidate))
        return outputs, [outputs] if is_listed else outputs

    def _reset_after(self, given: Tensor, parts: list[Tensor]) -> tuple[Tensor, Tensor]:
        own = projected(parts, self.recurrent_kernel)
        if self.bias is not None:
            own = add(own, self.bias[1])
        of_inputs, of_state = split(given, 3, axis=-1), split(own, 3, axis=-1)
        update = self.recurrent_activation(add(of_inputs[0], of_state[0]))
        reset = self.recurrent_activation(add(of_inputs[1], of_state[1]))
        return update, self.activation(add(of_inputs[2], multiply(reset, of_state[2])))

    def _reset_before(self, given: Tensor, parts: list[Tensor]) -> tuple[Tensor, Tensor]:
        gates, kernel = split(self.recurrent_kernel, [2 * self.units], axis=-1)
        of_inputs, of_state = split(given, 3, axis=-1), split(projected(parts[:2], gates), 2, -1)
        update = self.recurrent_activation(add(of_inputs[0], of_state[0]))
        reset = self.recurrent_activation(add(of_inputs[1], of_state[1]))
        own = matmul(multiply(reset, parts[-1]), kernel)
        return update, self.activation(add(of_inputs[2], own))


class GRU(CellLayer):
    """A `GRUCell` over the steps of a sequence: f32[batch, steps, inputs] to f32[batch, units].

    Args:
        units: see `GRUCell`, as for all that is not said here.
        activation: of the candidate.
        recurrent_activation: of the gates.
        use_bias: whether to add biases.
        kernel_initializer: of the kernel.
        recurrent_initializer: of the recurrent kernel.
        bias_initializer: of the biases.
        kernel_regularizer: a penalty on the kernel.
        recurrent_regularizer: a penalty on the recurrent kernel.
        bias_regularizer: a penalty on the biases.
        activity_regularizer: a penalty on the results.
        kernel_constraint: what the kernel is held to.
        recurrent_constraint: what the recurrent kernel is held to.
        bias_constraint: what the biases are held to.
        dropout: fraction of the inputs to drop in training.
        recurrent_dropout: fraction of the state to drop in training.
        seed: of what is dropped.
        return_sequences: whether the outputs of all steps are the result.
        return_state: whether the last state is a further result.
        go_backwards: whether to begin with the last step.
        stateful: whether a call goes on from the state that the last one left.
        unroll: whether to write the steps out instead of a loop.
        reset_after: whether the reset gate acts after the product with the recurrent kernel.
        use_cudnn: "auto" or False: XLA compiles the loop either way.
        **kwargs: see `RNN`.
    """

    units = of_cell("units")
    recurrent_activation = of_cell("recurrent_activation")
    reset_after = of_cell("reset_after")

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        seed: Any = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        self.use_cudnn = without_cudnn(use_cudnn, "GRU")
        cell = GRUCell(
            units,
            activation,
            recurrent_activation,
            use_bias,
            *(kernel_initializer, recurrent_initializer, bias_initializer),
            *(kernel_regularizer, recurrent_regularizer, bias_regularizer),
            *(kernel_constraint, recurrent_constraint, bias_constraint),
            dropout,
            recurrent_dropout,
            reset_after,
            seed,
            name="gru_cell",
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

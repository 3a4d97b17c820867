"""What the cells of recurrent layers share: kernels, a bias, dropout, states of zeros."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from graphc.activations import get as get_activation
from graphc.constraints.constraint import get as get_constraint
from graphc.errors import GraphcError, ShapeError
from graphc.initializers.constants import Ones
from graphc.initializers.initializer import get as get_initializer
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.layers.recurrent.sequence_dropout import SequenceDropout
from graphc.ops.creation import zeros
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.joining import concatenate, split
from graphc.ops.linear_algebra import matmul
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable
from graphc.random.streams import SeedGenerator
from graphc.regularizers.regularizer import get as get_regularizer


class DropoutCell(Layer):
    """A cell that drops some of its inputs and of its state in training.

    Args:
        dropout: fraction of the inputs.
        recurrent_dropout: fraction of the state.
        masks: how many masks there are for each: one per gate, or one for all gates.
        seed: of the masks.
        **kwargs: see `Layer`.
    """

    def __init__(
        self, dropout: float, recurrent_dropout: float, masks: int, seed: Any, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self._of_inputs = SequenceDropout(self.dropout, masks, self.seed_generator)
        self._of_state = SequenceDropout(self.recurrent_dropout, masks, self.seed_generator)

    def begin_sequence(self, graph: DataflowGraph | None) -> None:
        """Draw masks anew: those of the next steps stand in `graph`."""
        self._of_inputs.begin(graph)
        self._of_state.begin(graph)

    def reset_dropout_mask(self) -> None:
        """Draw the mask of the inputs anew at the next step."""
        self._of_inputs.begin(None)

    def reset_recurrent_dropout_mask(self) -> None:
        """Draw the mask of the state anew at the next step."""
        self._of_state.begin(None)

    def _dropped(self, kept: SequenceDropout, tensor: Tensor, training: bool) -> list[Tensor]:
        """The tensor for each gate; one for all of them where one mask is enough."""
        # Keras has no effect at a rate of 1 here.
        return kept.copies(tensor) if training and 0.0 < kept.rate < 1.0 else [tensor]


class RecurrentCell(DropoutCell):
    """One step of a recurrent layer with a kernel, a recurrent kernel and a bias.

    Args:
        units: size of the output and of each state.
        activation: of the output.
        use_bias: whether to add a bias.
        kernel: initializer, regularizer and constraint of kernel f32[inputs, gates · units].
        recurrent: those of recurrent_kernel f32[units, gates · units].
        bias: those of the bias.
        dropout: fraction of the inputs to drop in training, 0 to 1.
        recurrent_dropout: fraction of the state to drop in training, 0 to 1.
        masks: how many masks there are for each.
        seed: of the masks.
        **kwargs: see `Layer`.
    """

    gates: ClassVar[int] = 1

    def __init__(
        self,
        units: int,
        activation: Any,
        use_bias: bool,
        kernel: tuple[Any, Any, Any],
        recurrent: tuple[Any, Any, Any],
        bias: tuple[Any, Any, Any],
        dropout: float,
        recurrent_dropout: float,
        masks: int,
        seed: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(dropout, recurrent_dropout, masks, seed, **kwargs)
        if isinstance(units, bool) or not isinstance(units, int) or units < 1:
            raise ShapeError(
                f"{type(self).__name__} needs a number of units",
                given=repr(units),
                expected="a whole number of at least 1",
                origin=capture_origin(),
            )
        self.units = units
        self.activation = get_activation(activation)
        self.use_bias = use_bias
        keep_arguments(self, kernel, recurrent, bias)
        self.state_size: Any = units
        self.output_size = units
        self.kernel: Variable
        self.recurrent_kernel: Variable
        self.bias: Variable | None = None

    def build(self, input_shape: Any) -> None:
        width = self.gates * self.units
        add_kernels(self, (input_shape[-1], width), (self.units, width))
        if self.use_bias:
            self.bias = self._add_bias()

    def _add_bias(self) -> Variable:
        return add_bias(self, self._bias_shape())

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def get_initial_state(self, batch_size: Any = None) -> list[Tensor]:
        """Zeros, f32[batch, units] for each state."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [zeros((batch_size, size), self.compute_dtype) for size in sizes]


# -- weights ---------------------------------------------------------------------------------------


def keep_arguments(
    cell: Any,
    kernel: tuple[Any, Any, Any],
    recurrent: tuple[Any, Any, Any],
    bias: tuple[Any, Any, Any],
) -> None:
    """Set `kernel_initializer`, `kernel_regularizer` and so on from what the user gave."""
    for name, given in (("kernel", kernel), ("recurrent", recurrent), ("bias", bias)):
        initializer, regularizer, constraint = given
        setattr(cell, f"{name}_initializer", get_initializer(initializer))
        setattr(cell, f"{name}_regularizer", get_regularizer(regularizer))
        setattr(cell, f"{name}_constraint", get_constraint(constraint))


def add_kernels(cell: Any, kernel: Sequence[int], recurrent: Sequence[int]) -> None:
    """Make the two kernels of a cell."""
    cell.kernel = cell.add_weight(
        kernel,
        cell.kernel_initializer,
        regularizer=cell.kernel_regularizer,
        constraint=cell.kernel_constraint,
        name="kernel",
    )
    cell.recurrent_kernel = cell.add_weight(
        recurrent,
        cell.recurrent_initializer,
        regularizer=cell.recurrent_regularizer,
        constraint=cell.recurrent_constraint,
        name="recurrent_kernel",
    )


def add_bias(
    cell: Any, shape: Sequence[int], initializer: Callable[..., Any] | None = None
) -> Variable:
    """The bias of a cell; with another initializer than the user's, if one is given."""
    return cell.add_weight(
        shape,
        initializer or cell.bias_initializer,
        regularizer=cell.bias_regularizer,
        constraint=cell.bias_constraint,
        name="bias",
    )


def add_gate_biases(cell: Any, units: int) -> Variable:
    """The bias of an LSTM, whose forget gate begins at 1 where `unit_forget_bias` says so.

    Source: Jozefowicz and others 2015, https://proceedings.mlr.press/v37/jozefowicz15.html.
    """

    def forgetting(shape: Sequence[int], dtype: Any = None) -> Tensor:
        begin = cell.bias_initializer
        parts = [begin((units,), dtype), Ones()((units,), dtype), begin((2 * units,), dtype)]
        return concatenate(parts, 0)

    return add_bias(cell, (4 * units,), forgetting if cell.unit_forget_bias else None)


def without_cudnn(use_cudnn: Any, layer: str) -> Any:
    """`use_cudnn` of a layer, which may not insist.

    Raises:
        GraphcError: it does, or is no choice.
    """
    if use_cudnn is True or use_cudnn not in ("auto", False):
        raise GraphcError(
            f"{layer} is compiled by XLA, and has no kernel of cuDNN",
            given=f"use_cudnn={use_cudnn!r}",
            expected='"auto" or False',
            origin=capture_origin(),
        )
    return use_cudnn


def projected(parts: Sequence[Tensor], kernel: Any) -> Tensor:
    """Inputs times a kernel of several gates; each gate's own inputs where there are several."""
    if len(parts) == 1:
        return matmul(parts[0], kernel)
    kernels = split(kernel, len(parts), axis=-1)
    return concatenate([matmul(x, k) for x, k in zip(parts, kernels, strict=True)], -1)

"""Recurrent layers: a cell that goes over the steps of a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.layers.recurrent.cell_protocol import check_cell, first_states, stepped
from graphc.layers.recurrent.recurrent_cell import DropoutCell
from graphc.layers.recurrent.stacked_rnn_cells import StackedRNNCells
from graphc.layers.recurrent.step_losses import StepLosses
from graphc.layers.recurrent.time_loop import TimeLoop
from graphc.ops.bodies import flatten, unflatten
from graphc.ops.context import session_of
from graphc.ops.conversion import cast_to, to_tensor
from graphc.ops.dataflow import get_default_graph
from graphc.ops.identities import copy
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


class RNN(Layer):
    """A cell over the steps of a sequence: f32[batch, steps, …] to the output of the last step.

    The steps are a loop of the graph, so their number may be unknown while it is built.

    Args:
        cell: what makes one step, see `graphc.layers.recurrent.cell_protocol`; or a list of cells,
            each of which goes on with the outputs of the one before.
        return_sequences: whether the outputs of all steps are the result.
        return_state: whether the last states are further results.
        go_backwards: whether to begin with the last step; the outputs stand in the order in which
            they were made.
        stateful: whether a call goes on from the states that the last one left. They are
            variables, set whenever a result of the layer is computed.
        unroll: whether to write the steps out instead of a loop.
        zero_output_for_mask: whether the output of a masked step is zero; it is that of the step
            before by default.
        **kwargs: see `Layer`.

    Attributes:
        states: the variables of a stateful layer; None where there are none.
    """

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        check_cell(cell)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self._kept = _KeptStates()

    @property
    def state_size(self) -> list[Any]:
        """One size per state."""
        size = self.cell.state_size
        return list(size) if isinstance(size, (list, tuple)) else [size]

    @property
    def states(self) -> list[Any] | None:
        return self._kept.states

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        batch = sequences_shape[0]
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((batch, *sequences_shape[2:]))
        if self.stateful:
            if not isinstance(batch, int):
                raise ShapeError(
                    f"the layer {self.name!r} keeps the states of a batch, whose size is not known",
                    given=f"sequences of shape {sequences_shape}",
                    fix="give the placeholder the size of the batch, or stateful=False",
                    origin=capture_origin(),
                )
            leaves, tree = flatten(self.get_initial_state(batch))
            kept = [
                Variable(leaf, trainable=False, name="rnn_state", dtype=self.variable_dtype)
                for leaf in leaves
            ]
            self._kept = _KeptStates(unflatten(tree, kept), batch)

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """What the cell begins with, in its structure of states."""
        made = first_states(self.cell, batch_size, self.compute_dtype)
        return list(made) if isinstance(made, (list, tuple)) else [made]

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        states = self._first_states(sequences, initial_state)
        masks = flatten(mask)[0]
        loop = TimeLoop(
            lambda inputs, before: stepped(self.cell, inputs, before),
            StepLosses(self._layers_of_cell()),
            self.go_backwards,
            self.unroll,
            self.zero_output_for_mask,
            self.return_sequences,
        )
        self._begin_sequence(get_default_graph())
        try:
            outputs, states = loop.run(sequences, states, masks[0] if masks else None)
        finally:
            self._begin_sequence(None)
        leaves, tree = flatten((outputs, list(states)))
        leaves = [cast_to(leaf, self.compute_dtype) for leaf in leaves]
        if self.stateful:
            leaves = self._kept.set_before(leaves, leaves[1:])
        outputs, states = unflatten(tree, leaves)
        return (outputs, *states) if self.return_state else outputs

    def _first_states(self, sequences: Tensor, given: Any) -> list[Any]:
        batch = sequences.shape[0]
        if self.stateful:
            self._kept.require_batch(batch, self.name)
        if given is None:
            given = self._kept.states if self.stateful else self.get_initial_state(batch)
        listed = list(given) if isinstance(given, (list, tuple)) else [given]
        leaves, tree = flatten(listed)
        expected = flatten([None if s is None else 0 for s in self.state_size])[0]
        if len(listed) != len(expected):
            raise GraphcError(
                f"the layer {self.name!r} has {len(expected)} states",
                given=f"initial_state with {len(listed)}",
                expected=f"one for each of the sizes {self.state_size}",
                origin=capture_origin(),
            )
        dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
        graph = get_default_graph()
        return unflatten(tree, [cast_to(to_tensor(leaf, None, graph), dtype) for leaf in leaves])

    def _layers_of_cell(self) -> list[Layer]:
        return self.cell._flatten_layers() if isinstance(self.cell, Layer) else []

    def _begin_sequence(self, graph: Any) -> None:
        for cell in self._layers_of_cell():
            if isinstance(cell, DropoutCell):
                cell.begin_sequence(graph)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        masks = flatten(previous_mask)[0]
        of_outputs = masks[0] if masks and self.return_sequences else None
        return [of_outputs] + [None] * len(self.state_size) if self.return_state else of_outputs

    def reset_states(self) -> None:
        """Let the next call begin with zeros."""
        self.reset_state()

    def reset_state(self) -> None:
        """Let the next call begin with zeros, where the layer is stateful and built."""
        self._kept.reset()

    def get_config(self) -> dict[str, Any]:
        current = {"unroll": self.unroll, "zero_output_for_mask": self.zero_output_for_mask}
        return {**super().get_config(), **current}


class _KeptStates:
    """The variables of a stateful layer, which are none of its weights.

    Args:
        states: in the structure of the cell's states.
        batch: how many samples they are for.
    """

    def __init__(self, states: list[Any] | None = None, batch: int | None = None) -> None:
        self.states = states
        self._batch = batch

    def require_batch(self, given: Any, layer: str) -> None:
        """Refuse sequences of another number of samples.

        Raises:
            ShapeError: with both numbers.
        """
        if isinstance(given, int) and given != self._batch:
            raise ShapeError(
                f"the layer {layer!r} is stateful, and keeps the states of a batch",
                given=f"{given} sequences",
                expected=f"{self._batch}, as when it was built",
                origin=capture_origin(),
            )

    def set_before(self, tensors: list[Tensor], states: list[Tensor]) -> list[Tensor]:
        """The tensors, whose computation sets the variables first."""
        variables = flatten(self.states)[0]
        updates = [
            variable.assign(cast_to(state, variable.dtype))
            for variable, state in zip(variables, states, strict=True)
        ]
        with get_default_graph().control_dependencies(updates):
            return [copy(tensor, "after_states") for tensor in tensors]

    def reset(self) -> None:
        """Set them to zero."""
        variables = flatten(self.states)[0]
        if variables:
            zeros = {v: np.zeros(v.shape, v.dtype.numpy) for v in variables}
            session_of(variables[0].graph).set_variables(zeros)


# -- layers of one cell ----------------------------------------------------------------------------


def of_cell(name: str) -> Any:
    """An attribute of a layer that is its cell's."""
    return property(lambda layer: getattr(layer.cell, name), doc=f"The cell's {name}.")


def cell_options(kwargs: dict[str, Any]) -> dict[str, Any]:
    """What the keywords of a layer say about its cell; `implementation` is the cell's alone."""
    made = {"dtype": kwargs.get("dtype"), "trainable": kwargs.get("trainable", True)}
    if "implementation" in kwargs:
        made["implementation"] = kwargs.pop("implementation")
    return made


class CellLayer(RNN):
    """A recurrent layer that makes its own cell, and shows what the cell was made with."""

    activation = of_cell("activation")
    use_bias = of_cell("use_bias")
    kernel_initializer = of_cell("kernel_initializer")
    recurrent_initializer = of_cell("recurrent_initializer")
    bias_initializer = of_cell("bias_initializer")
    kernel_regularizer = of_cell("kernel_regularizer")
    recurrent_regularizer = of_cell("recurrent_regularizer")
    bias_regularizer = of_cell("bias_regularizer")
    kernel_constraint = of_cell("kernel_constraint")
    recurrent_constraint = of_cell("recurrent_constraint")
    bias_constraint = of_cell("bias_constraint")
    dropout = of_cell("dropout")
    recurrent_dropout = of_cell("recurrent_dropout")

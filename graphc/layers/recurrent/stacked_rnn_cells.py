"""Several cells as one: what one gives is the input of the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.layers.layer import Layer
from graphc.layers.recurrent.cell_protocol import (
    check_cell,
    first_states,
    output_size_of,
    stepped,
)
from graphc.ops.bodies import flatten
from graphc.ops.tensor import Tensor


class StackedRNNCells(Layer):
    """A cell made of cells.

    Args:
        cells: in their order.
        **kwargs: see `Layer`.

    Attributes:
        state_size: those of the cells.
        output_size: that of the last cell.
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            check_cell(cell)
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        return output_size_of(self.cells[-1])

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """The first states of all cells."""
        return [first_states(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (flatten(input_shape)[0] or [None])[0], output_size_of(cell)

    def call(self, inputs: Tensor, states: Any) -> Any:
        new: list[Any] = []
        for cell, own in zip(self.cells, states, strict=True):
            is_listed = isinstance(own, (list, tuple))
            inputs, after = stepped(cell, inputs, list(own) if is_listed else [own])
            new.append(after if is_listed else after[0])
        return inputs, new

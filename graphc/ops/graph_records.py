"""What a graph remembers beside its nodes: for layers, models and the steps that train them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphc.ir.node import Value
    from graphc.ops.context import Evaluator
    from graphc.ops.tensor import Tensor


class GraphRecords:
    """Notes about the values of one graph and the bodies in it.

    Attributes:
        masks: by value, which of its steps count: bool[batch, steps].
        calls: by value, the call of a layer that made it.
        updates: by result of a layer, what the layer sets in training, such as moving averages;
            an optimizer's `minimize` makes those that its loss depends on part of the step.
        row_limits: by value that numbers rows of a table, the layer that has it, and how many.
        session: where the models of the graph were used last.
    """

    def __init__(self) -> None:
        self.masks: dict[Value, Tensor] = {}
        self.calls: dict[Value, Any] = {}
        self.updates: dict[Value, tuple[Tensor, ...]] = {}
        self.row_limits: dict[Value, tuple[str, int]] = {}
        self.session: Evaluator | None = None
        self._names: dict[str, int] = {}

    def counted(self, name: str) -> int:
        """How often the name was counted, this time included."""
        self._names[name] = self._names.get(name, 0) + 1
        return self._names[name]

    def automatic_name(self, name: str) -> str:
        """A name for the next object of this kind: "dense", "dense_1" and so on."""
        count = self.counted(name) - 1
        return f"{name}_{count}" if count else name

"""What an optimizer remembers from step to step: of itself, and of every variable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.dtypes import DType
from graphc.errors import GraphcError
from graphc.initializers.initializer import get as get_initializer
from graphc.ir.origin import capture_origin
from graphc.ir.types import TensorType
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.variable import Variable
from graphc.optimizers.learning_rates import LearningRate
from graphc.update_rules.update_rule import Slot


class KeptVariables:
    """The variables of one optimizer, under a name scope of its own.

    Args:
        owner: the optimizer's name.

    Attributes:
        graph: where they are, once there are any.
        scope: the name scope.
        iterations: steps done so far, i64[].
    """

    def __init__(self, owner: str) -> None:
        self.graph: DataflowGraph | None = None
        self.scope = ""
        self.iterations: Variable | None = None
        self._owner = owner
        self._kept: dict[tuple[Variable | None, str], Variable] = {}

    def begin(self, graph: DataflowGraph, rate: LearningRate | None = None) -> None:
        """Make iterations and learning rate, unless they are there; neither without a rate.

        Raises:
            GraphcError: they are in another graph.
        """
        if self.graph is graph:
            return
        if self.graph is not None:
            raise GraphcError(
                f"the optimizer {self._owner!r} has its variables in another graph",
                fix="make one optimizer per graph",
                origin=capture_origin(),
            )
        with graph.as_default(), graph.name_scope(self._owner) as self.scope:
            if rate is not None:
                self.iterations = Variable(np.int64(0), trainable=False, name="iterations")
                rate.build(graph, self.iterations)
        self.graph = graph

    def slot(self, variable: Variable, slot: Slot) -> Variable:
        """What an update rule remembers of a variable."""
        if slot.begins_as_variable:
            with variable.graph.control_dependencies(None):
                return self._keep(variable, slot.name, lambda: variable.plain_read(variable.graph))
        return self._filled(variable, slot.name, slot.type, slot.initial_value)

    def like(self, variable: Variable, what: str) -> Variable:
        """Something of a variable's type, zeros at first."""
        return self._filled(variable, what, variable.type, 0)

    def _filled(self, variable: Variable, what: str, type_: TensorType, number: Any) -> Variable:
        """One number everywhere at first; it takes no memory until a session holds it."""
        one, shape = type_.dtype.numpy.type(number), [int(size) for size in type_.shape]
        return self._keep(variable, what, lambda: np.broadcast_to(one, shape))

    def own(self, name: str, shape: tuple[int, ...], initializer: Any, dtype: DType) -> Variable:
        """What a subclass keeps, made anew each time it is asked for."""
        graph = self.graph
        if graph is None:
            raise GraphcError(
                f"the optimizer {self._owner!r} has no graph yet",
                fix="begin build(variables) with super().build(variables)",
                origin=capture_origin(),
            )
        with graph.as_default(), graph.reopened_scope(self.scope), graph.control_dependencies(None):
            made = get_initializer(initializer)(shape, dtype)
            variable = Variable(made, trainable=False, name=name, dtype=dtype)
        self._kept[None, variable.name] = variable
        return variable

    def number(self, what: str, initial: Any) -> Variable:
        """A number of the optimizer itself."""
        return self._keep(None, what, lambda: initial)

    def find(self, variable: Variable | None, what: str) -> Variable | None:
        """What is kept of a variable under this name, if anything."""
        return self._kept.get((variable, what))

    def _keep(self, variable: Variable | None, what: str, initial: Callable[[], Any]) -> Variable:
        found = self._kept.get((variable, what))
        if found is None:
            name = what if variable is None else f"{variable.name}/{what}"
            found = self._kept[variable, what] = Variable(initial(), trainable=False, name=name)
        return found

    def all(self) -> list[Variable]:
        """What is kept, in the order in which it was made; not the learning rate."""
        return [*([] if self.iterations is None else [self.iterations]), *self._kept.values()]

    def remember(self) -> Callable[[], None]:
        """Gives a function that forgets what is kept from now on."""
        before = self.graph, self.scope, self.iterations, dict(self._kept)

        def forget() -> None:
            self.graph, self.scope, self.iterations, self._kept = before

        return forget

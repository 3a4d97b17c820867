"""What all optimizers share: gradients, slots, and the operation that makes one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from graphc.errors import GradientError, GraphcError, did_you_mean
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ops.conversion import cast_to, to_tensor
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.gradients import gradients
from graphc.ops.grouping import group
from graphc.ops.naming import snake_case
from graphc.ops.tensor import Operation, Tensor
from graphc.ops.variable import Variable
from graphc.update_rules.registry import find_update_rule


class Optimizer:
    """Changes variables along their gradients, by an update rule.

    Args:
        learning_rate: size of a step; a number, or a scalar tensor of the graph.
        name: scope of its variables; the class's name by default.
        **hyperparameters: of the update rule.

    Attributes:
        rule: the update rule's name.
        iterations: steps done so far, i64[]; None before the first `minimize`.
    """

    rule: ClassVar[str]

    def __init__(
        self, learning_rate: Any, *, name: str | None = None, **hyperparameters: float
    ) -> None:
        self.name = name or snake_case(type(self).__name__)
        if not isinstance(learning_rate, (Tensor, Variable)):
            _require_number(learning_rate)
        self._rule = find_update_rule(self.rule)
        self.hyperparameters: Mapping[str, float] = self._rule.complete(hyperparameters)
        self._learning_rate_given = learning_rate
        self._graph: DataflowGraph | None = None
        self._scope = ""
        self.learning_rate: Any = learning_rate
        self.iterations: Variable | None = None
        self._slots: dict[Variable, list[Variable]] = {}

    def minimize(
        self,
        loss: Tensor,
        var_list: Sequence[Variable] | None = None,
        name: str | None = None,
    ) -> Operation:
        """The operation that makes one step.

        Args:
            loss: what to make small; a scalar, or any tensor, whose elements are added up.
            var_list: the variables to change; by default every trainable variable that the loss
                depends on.
            name: of the operation.

        Raises:
            GradientError: the loss depends on none of them, or not on one that is in `var_list`.
        """
        return self.apply_gradients(self.compute_gradients(loss, var_list), name)

    def compute_gradients(
        self, loss: Tensor, var_list: Sequence[Variable] | None = None
    ) -> list[tuple[Tensor, Variable]]:
        """Gradients of the loss, each with its variable."""
        graph = loss.graph
        if var_list is not None:
            found: list[Tensor] = gradients(loss, list(var_list))
            return list(zip(found, var_list, strict=True))
        candidates = [v for v in graph.variables.values() if v.trainable]
        answers = gradients(loss, candidates, unconnected_gradients="none") if candidates else []
        pairs = [(g, v) for g, v in zip(answers, candidates, strict=True) if g is not None]
        if not pairs:
            raise GradientError(
                "the loss depends on no trainable variable",
                given=f"{loss.name!r}, and {len(candidates)} trainable variables in its graph",
                fix="compute the loss from the variables, or name them in var_list",
                origin=capture_origin(),
            )
        return pairs

    def apply_gradients(
        self, grads_and_vars: Sequence[tuple[Any, Variable]], name: str | None = None
    ) -> Operation:
        """The operation that changes variables along given gradients, all in one step."""
        pairs = [(gradient, variable) for gradient, variable in grads_and_vars]
        if not pairs:
            raise GraphcError("there is nothing to apply", origin=capture_origin())
        graph = pairs[0][1].graph
        self._build(graph)
        assert self.iterations is not None
        with graph.as_default(), graph.reopened_scope(self._scope):
            rate = to_tensor(self.learning_rate, None, graph)
            steps = self.iterations.as_tensor(graph)
            assigned: list[Any] = []
            for gradient, variable in pairs:
                assigned += self._update(graph, gradient, variable, rate, steps)
            assigned.append(self.iterations.assign_add(1))
            return group(*assigned, name=name or "step")

    def _build(self, graph: DataflowGraph) -> None:
        if self._graph is graph:
            return
        if self._graph is not None:
            raise GraphcError(
                f"the optimizer {self.name!r} has its variables in another graph",
                fix="make one optimizer per graph",
                origin=capture_origin(),
            )
        with graph.as_default(), graph.name_scope(self.name) as self._scope:
            self.iterations = Variable(np.int64(0), trainable=False, name="iterations")
            if not isinstance(self._learning_rate_given, (Tensor, Variable)):
                rate = np.float32(self._learning_rate_given)
                self.learning_rate = Variable(rate, trainable=False, name="learning_rate")
        self._graph = graph

    def _update(
        self,
        graph: DataflowGraph,
        gradient: Any,
        variable: Variable,
        rate: Tensor,
        steps: Tensor,
    ) -> list[Tensor]:
        slots = self._slots_of(variable)
        op = REGISTRY["apply_update"]
        attributes = op.attributes.make(
            {"rule": self.rule, "hyperparameters": self.hyperparameters}, op.name
        )
        operands = [
            variable.as_tensor(graph),
            cast_to(to_tensor(gradient, variable.dtype, graph), variable.dtype),
            rate,
            steps,
            *[slot.as_tensor(graph) for slot in slots],
        ]
        results = graph.add(op, operands, attributes, name=f"update/{variable.name}")
        return [
            target.assign(value) for target, value in zip((variable, *slots), results, strict=True)
        ]

    def _slots_of(self, variable: Variable) -> list[Variable]:
        found = self._slots.get(variable)
        if found is None:
            found = [
                Variable(
                    np.full(variable.shape, slot.initial_value, variable.dtype.numpy),
                    trainable=False,
                    name=f"{variable.name}/{slot.name}",
                )
                for slot in self._rule.slots(variable.type, self.hyperparameters)
            ]
            self._slots[variable] = found
        return found

    @property
    def variables(self) -> list[Variable]:
        """Iterations, learning rate, and the slots of every variable."""
        own = [self.iterations, self.learning_rate]
        slots = [slot for group_ in self._slots.values() for slot in group_]
        return [thing for thing in own if isinstance(thing, Variable)] + slots


def _require_number(learning_rate: Any) -> None:
    try:
        number = float(learning_rate)
    except (TypeError, ValueError):
        number = float("nan")
    if not number >= 0:
        raise GraphcError(
            "this is no learning rate",
            given=repr(learning_rate),
            expected="a number of at least 0, or a scalar tensor of the graph",
            origin=capture_origin(),
        )


def refuse_old_names(given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Say what Keras 3 calls an argument that older versions named otherwise.

    Raises:
        GraphcError: there is an unknown argument.
    """
    for name in given:
        fix = "write learning_rate=" if name == "lr" else did_you_mean(name, known)
        raise GraphcError(f"optimizers have no argument {name!r}", fix=fix, origin=capture_origin())

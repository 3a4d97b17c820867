"""Several optimizers as one, each with variables of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from graphc.configurable import Configurable, Registry, serialize
from graphc.errors import GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.conversion import cast_to
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.grouping import group
from graphc.ops.tensor import Operation, Tensor
from graphc.ops.variable import Variable
from graphc.optimizers.arguments import StepOptions
from graphc.optimizers.learning_rates import LearningRate
from graphc.optimizers.loss_scaling import LossScaleOptimizer
from graphc.optimizers.optimizer import Optimizer
from graphc.optimizers.step_building import Pair, VariableStep


class OptimizerMap(Configurable, MutableMapping[str, Optimizer]):
    """Optimizers by the names of variables.

    A name means the variable of that name; else it is a regular expression for whole names:
    "encoder/.*".

    Args:
        default_optimizer: for variables that nothing matches.
        optimizer_map: the others.

    Raises:
        GraphcError: something is no optimizer, or wraps others.
    """

    registry: ClassVar[Registry] = Optimizer.registry

    def __init__(
        self,
        default_optimizer: Optimizer,
        optimizer_map: Mapping[str, Optimizer] | None = None,
    ) -> None:
        self.default_optimizer = _plain(default_optimizer)
        self._by_name: dict[str, Optimizer] = {}
        self.update(optimizer_map or {})

    def __getitem__(self, key: str) -> Optimizer:
        found = self._by_name.get(key)
        if found is not None:
            return found
        matching = [name for name in self._by_name if re.fullmatch(name, key)]
        if len(matching) > 1:
            raise GraphcError(
                f"several optimizers are meant for the variable {key!r}",
                given=", ".join(matching),
                fix="let one expression match it, or name it in full",
                origin=capture_origin(),
            )
        return self._by_name[matching[0]] if matching else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if key in self._by_name:
            raise GraphcError(
                f"{key!r} has an optimizer already",
                fix="delete it first",
                origin=capture_origin(),
            )
        self._by_name[key] = _plain(optimizer)

    def __delitem__(self, key: str) -> None:
        del self._by_name[key]

    def __len__(self) -> int:
        return len(self._by_name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __call__(self, variable: Variable) -> Optimizer:
        """The optimizer of a variable."""
        return self[variable.name]

    def get_config(self) -> dict[str, Any]:
        return {
            "default_optimizer": serialize(self.default_optimizer),
            "optimizer_map": serialize(self._by_name),
        }


class MultiOptimizer(Optimizer):
    """Optimizers that make one step together, each of its own variables.

    Args:
        optimizer_map: gives the optimizer of a variable: an `OptimizerMap`, or another function.
        loss_scale_factor: of all of them, in place of their own.
        name: scope of its variables; the class's name by default.

    Attributes:
        optimizers: those that are known to have variables, or are in the map.
    """

    def __init__(
        self,
        optimizer_map: Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        if not callable(optimizer_map):
            raise GraphcError(
                "this gives no optimizers",
                given=repr(optimizer_map)[:200],
                expected="an OptimizerMap, or a function from a variable to its optimizer",
                origin=capture_origin(),
            )
        self._set_up(name)
        self.options = StepOptions(loss_scale_factor=loss_scale_factor)
        self._optimizer_map = optimizer_map
        self._of: dict[Variable, Optimizer] = {}
        self.optimizers: list[Optimizer] = []
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._add(optimizer)

    def _add(self, optimizer: Optimizer) -> None:
        if not any(optimizer is each for each in self.optimizers):
            optimizer.set_loss_scale(self.options.loss_scale_factor)
            self.optimizers.append(optimizer)
            if optimizer.options.use_ema:  # there are averages to end with
                self.options = replace(self.options, use_ema=True)

    def optimizer_of(self, variable: Variable) -> Optimizer:
        """The optimizer of a variable; it stays the same."""
        found = self._of.get(variable)
        if found is None:
            found = self._of[variable] = _plain(self._optimizer_map(variable))
            self._add(found)
        return found

    def _parts(self, variables: Iterable[Variable]) -> list[tuple[Optimizer, list[Variable]]]:
        """Optimizers with those of the variables that are theirs."""
        variables = list(variables)
        owners = [self.optimizer_of(variable) for variable in variables]
        parts = [
            (each, [v for v, owner in zip(variables, owners, strict=True) if owner is each])
            for each in self.optimizers
        ]
        return [(optimizer, own) for optimizer, own in parts if own]

    def _learning_rate(self) -> LearningRate:
        raise GraphcError(
            "a MultiOptimizer has no learning rate of its own",
            fix="ask or set that of one of its .optimizers",
            origin=capture_origin(),
        )

    def set_loss_scale(self, factor: float | None) -> None:
        super().set_loss_scale(factor)
        for optimizer in self.optimizers:
            optimizer.set_loss_scale(factor)

    def step_of(self, variable: Variable) -> VariableStep:
        return self.optimizer_of(variable).step_of(variable)

    def begin(self, graph: DataflowGraph, variables: Sequence[Variable]) -> None:
        self._iterations_in(graph)
        for optimizer, own in self._parts(variables):
            optimizer.begin(graph, own)

    def _iterations_in(self, graph: DataflowGraph) -> Variable:
        self._kept.begin(graph)
        with graph.as_default(), graph.reopened_scope(self._kept.scope):
            return self._kept.number("iterations", np.int64(0))

    def assignments(
        self, graph: DataflowGraph, pairs: Sequence[Pair], holds: Tensor | None = None
    ) -> list[Tensor]:
        """Those of all optimizers, for gradients of their variables."""
        given = {variable: gradient for gradient, variable in pairs}
        assigned: list[Tensor] = []
        for optimizer, own in self._parts(given):
            assigned += optimizer.assignments(graph, [(given[v], v) for v in own], holds)
        with graph.as_default(), graph.reopened_scope(self._kept.scope):
            iterations = self._iterations_in(graph)
            one = 1 if holds is None else cast_to(holds, iterations.dtype)
            return [*assigned, iterations.assign_add(one)]

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        raise GraphcError(
            "a MultiOptimizer has no weight decay of its own",
            fix="call exclude_from_weight_decay() of the optimizers in it",
            origin=capture_origin(),
        )

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> Operation:
        return group(*[each.finalize_variable_values(own) for each, own in self._parts(var_list)])

    def average_of(self, variable: Variable) -> Variable | None:
        found = [each.average_of(variable) for each in self.optimizers]
        return next((average for average in found if average is not None), None)

    def remember(self) -> Callable[[], None]:
        forget = [self._kept.remember(), *[each.remember() for each in self.optimizers]]
        owners, known = dict(self._of), list(self.optimizers)

        def forget_all() -> None:
            for each in forget:
                each()
            self._of, self.optimizers = owners, known

        return forget_all

    @property
    def iterations(self) -> Variable | None:
        """Steps done so far, i64[]; None before the first step is built."""
        return self._kept.find(None, "iterations")

    @property
    def variables(self) -> list[Variable]:
        """Its own, then those of all optimizers."""
        return self._kept.all() + [v for each in self.optimizers for v in each.variables]

    def get_config(self) -> dict[str, Any]:
        return Configurable.get_config(self) | {"name": self.name}


def _plain(optimizer: Any) -> Optimizer:
    """An optimizer that wraps no others.

    Raises:
        GraphcError: it is none.
    """
    if isinstance(optimizer, Optimizer) and not isinstance(
        optimizer, (LossScaleOptimizer, MultiOptimizer)
    ):
        return optimizer
    raise GraphcError(
        "this cannot be one of several optimizers",
        given=repr(optimizer)[:200],
        expected="an optimizer that wraps no others",
        fix="put LossScaleOptimizer around the MultiOptimizer",
        origin=capture_origin(),
    )

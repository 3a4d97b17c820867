"""What all optimizers share: gradients, slots, and the operation that makes one step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from graphc.errors import GradientError, GraphcError
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.naming import snake_case
from graphc.ops.arithmetic import add, floor_divide, mod, multiply, subtract, true_divide
from graphc.ops.comparison import clip, equal, not_equal, where
from graphc.ops.context import current_session
from graphc.ops.conversion import cast_to, floatx, to_tensor
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.gradients import gradients
from graphc.ops.grouping import group
from graphc.ops.tensor import Operation, Tensor
from graphc.ops.undoing import undone_on_failure
from graphc.ops.variable import Variable
from graphc.optimizers.arguments import StepOptions, refuse_unknown_arguments
from graphc.optimizers.gradient_clipping import clip_by_global_norm, clip_by_norm
from graphc.optimizers.learning_rates import rate_at, require_learning_rate
from graphc.update_rules.registry import find_update_rule

Pair = tuple[Any, Variable]
"""A gradient and its variable."""


class Optimizer:
    """Changes variables along their gradients, by an update rule.

    A step: gradients are divided by the loss scale, added up over `gradient_accumulation_steps`
    and clipped; variables decay; the rule makes its update; averages follow. A new optimizer is a
    subclass that names its `rule` and hands its hyperparameters over.

    Args:
        learning_rate: size of a step: a number, a schedule or another function of the iteration,
            or a scalar tensor of the graph.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps: see
            `StepOptions`.
        name: scope of its variables; the class's name by default.
        **hyperparameters: of the update rule.

    Attributes:
        rule: the update rule's name.
        options: what happens around the rule.
        hyperparameters: all of the rule's.
        iterations: steps done so far, i64[]; None before the first `minimize`.
    """

    rule: ClassVar[str]

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **hyperparameters: float,
    ) -> None:
        self.name = name or snake_case(type(self).__name__)
        self._rule = find_update_rule(self.rule)
        unknown = [key for key in hyperparameters if key not in self._rule.defaults]
        refuse_unknown_arguments(type(self), unknown)
        require_learning_rate(learning_rate)
        self.options = StepOptions(
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
        )
        self.hyperparameters: Mapping[str, float] = self._rule.complete(hyperparameters)
        self.iterations: Variable | None = None
        self._learning_rate: Any = learning_rate
        self._graph: DataflowGraph | None = None
        self._scope = ""
        self._kept: dict[tuple[Variable, str], Variable] = {}
        self._undecayed: tuple[set[Variable], re.Pattern[str] | None] = (set(), None)

    # -- the learning rate -----------------------------------------------------------------------

    @property
    def learning_rate(self) -> Any:
        """The variable that holds it, once the first step is built.

        A schedule or a tensor stays what it is.

        Setting a number changes it at once in the open session (nothing is compiled again), or,
        before the first step is built, in every session.
        """
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, given: Any) -> None:
        require_learning_rate(given)
        if self._graph is None:
            self._learning_rate = given
            return
        if callable(given) or isinstance(given, (Tensor, Variable)):
            raise GraphcError(
                "the step is built already, and its learning rate can only be another number",
                given=repr(given),
                fix="set a schedule before minimize(), or make another optimizer",
                origin=capture_origin(),
            )
        held = self._learning_rate
        if not isinstance(held, Variable):
            raise GraphcError(
                f"the learning rate of {self.name!r} is computed by the graph, so it cannot be set",
                given=repr(held),
                fix="give the optimizer a number, and set that",
                origin=capture_origin(),
            )
        held.load(given, current_session())

    # -- steps -----------------------------------------------------------------------------------

    @undone_on_failure
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

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss times the loss scale, if there is one; `apply_gradients` divides by it."""
        scale = self.options.loss_scale_factor
        return loss if scale is None else multiply(loss, scale)

    def compute_gradients(
        self, loss: Tensor, var_list: Sequence[Variable] | None = None
    ) -> list[tuple[Tensor, Variable]]:
        """Gradients of the loss (times the loss scale), each with its variable."""
        graph = loss.graph
        loss = self.scale_loss(loss)
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

    @undone_on_failure
    def apply_gradients(self, grads_and_vars: Iterable[Pair], name: str | None = None) -> Operation:
        """The operation that changes variables along given gradients, all in one step.

        Args:
            grads_and_vars: gradients (tensors, or what can be made tensors) and their variables;
                a variable whose gradient is None stays as it is.
            name: of the operation.

        Raises:
            GraphcError: there is no gradient, or the optimizer's variables are in another graph.
        """
        pairs = [(gradient, variable) for gradient, variable in grads_and_vars]
        pairs = [(gradient, variable) for gradient, variable in pairs if gradient is not None]
        if not pairs:
            raise GraphcError(
                "there is nothing to apply",
                expected="at least one gradient that is not None",
                origin=capture_origin(),
            )
        graph = pairs[0][1].graph
        self._build(graph)
        assert self.iterations is not None
        with graph.as_default(), graph.reopened_scope(self._scope):
            assigned = self._assignments(graph, pairs, self.iterations.as_tensor(graph))
            assigned.append(self.iterations.assign_add(1))
            return group(*assigned, name=name or "step")

    def _assignments(
        self, graph: DataflowGraph, pairs: list[Pair], iterations: Tensor
    ) -> list[Tensor]:
        """Everything a step sets, but the iterations."""
        options, variables = self.options, [variable for _, variable in pairs]
        arrived = [to_tensor(gradient, variable.dtype, graph) for gradient, variable in pairs]
        if options.loss_scale_factor is not None:
            arrived = [true_divide(gradient, options.loss_scale_factor) for gradient in arrived]
        updates, period = iterations, options.gradient_accumulation_steps
        assigned: list[Tensor] = []
        is_update: Tensor | None = None
        if period is not None:
            updates = floor_divide(iterations, period)
            is_update = equal(mod(add(iterations, 1), period), 0)
            for position, variable in enumerate(variables):
                held = self._keep(variable, "gradient_accumulator")
                total = add(arrived[position], held.as_tensor(graph))
                arrived[position] = true_divide(total, period)
                left = cast_to(where(is_update, 0, total), variable.dtype)
                assigned.append(held.assign(left))
        rate = self._rate(graph, iterations)
        should_overwrite: Tensor | None = None
        if options.use_ema and options.ema_overwrite_frequency:
            done = mod(add(updates, 1), options.ema_overwrite_frequency)
            should_overwrite = equal(done, 0)
        for gradient, variable in zip(self._clipped(arrived), variables, strict=True):
            old = variable.as_tensor(graph)
            slots = self._slots_of(variable)
            before = [old, *[slot.as_tensor(graph) for slot in slots]]
            after = self._update(graph, gradient, variable, before, rate, updates)
            if is_update is not None:
                after = [where(is_update, n, o) for n, o in zip(after, before, strict=True)]
            if options.use_ema:
                average = self._keep(variable, "average")
                mean = self._average(average.as_tensor(graph), after[0], updates)
                assigned.append(average.assign(mean))
                if should_overwrite is not None:
                    after[0] = where(should_overwrite, mean, after[0])
            targets = (variable, *slots)
            assigned += [v.assign(value) for v, value in zip(targets, after, strict=True)]
        return assigned

    def _update(
        self,
        graph: DataflowGraph,
        gradient: Tensor,
        variable: Variable,
        before: list[Tensor],
        rate: Tensor,
        updates: Tensor,
    ) -> list[Tensor]:
        """The variable and its slots after weight decay and the rule."""
        old, *slots = before
        decay = self.options.weight_decay
        if decay is not None and self._decays(variable):
            old = subtract(old, multiply(multiply(old, decay), cast_to(rate, variable.dtype)))
        op = REGISTRY["apply_update"]
        attributes = op.attributes.make(
            {"rule": self.rule, "hyperparameters": self.hyperparameters}, op.name
        )
        operands = [old, cast_to(gradient, variable.dtype), rate, updates, *slots]
        return list(graph.add(op, operands, attributes, name=f"update/{variable.name}"))

    def _average(self, mean: Tensor, new: Tensor, updates: Tensor) -> Tensor:
        """The running average; the first update begins it."""
        is_later = cast_to(not_equal(updates, 0), new.dtype)
        keep = multiply(is_later, self.options.ema_momentum)
        return add(multiply(keep, mean), multiply(subtract(1, keep), new))

    def _clipped(self, arrived: list[Tensor]) -> list[Tensor]:
        options = self.options
        if options.clipnorm is not None:
            return [clip_by_norm(gradient, options.clipnorm) for gradient in arrived]
        if options.global_clipnorm is not None:
            return clip_by_global_norm(arrived, options.global_clipnorm)
        if options.clipvalue is not None:
            return [clip(g, -options.clipvalue, options.clipvalue) for g in arrived]
        return arrived

    def _rate(self, graph: DataflowGraph, iterations: Tensor) -> Tensor:
        if callable(self._learning_rate):
            return rate_at(self._learning_rate, iterations)
        return to_tensor(self._learning_rate, None, graph)

    # -- weight decay and averages ---------------------------------------------------------------

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Leave variables out of weight decay.

        Args:
            var_list: these variables.
            var_names: those in whose names one of these regular expressions is found ("bias").

        Raises:
            GraphcError: a step is built already.
        """
        if self._graph is not None:
            raise GraphcError(
                "the step is built already, with its weight decay",
                fix="call exclude_from_weight_decay() before minimize()",
                origin=capture_origin(),
            )
        names = sorted(set(var_names or ()))
        self._undecayed = (set(var_list or ()), re.compile("|".join(names)) if names else None)

    def _decays(self, variable: Variable) -> bool:
        listed, names = self._undecayed
        return variable not in listed and (names is None or names.search(variable.name) is None)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> Operation:
        """The operation that sets variables to their averages, if `use_ema` keeps any."""
        averaged = [(v, self._kept[v, "average"]) for v in var_list if (v, "average") in self._kept]
        return group(*[variable.assign(average) for variable, average in averaged])

    # -- variables -------------------------------------------------------------------------------

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
            given = self._learning_rate
            if not (callable(given) or isinstance(given, (Tensor, Variable))):
                self._learning_rate = Variable(
                    float(given), trainable=False, name="learning_rate", dtype=floatx()
                )
        self._graph = graph

    def _slots_of(self, variable: Variable) -> list[Variable]:
        declared = self._rule.slots(variable.type, self.hyperparameters)
        return [self._keep(variable, slot.name, slot.initial_value) for slot in declared]

    def _keep(self, variable: Variable, what: str, initial_value: float = 0.0) -> Variable:
        """What the optimizer remembers of a variable under this name."""
        found = self._kept.get((variable, what))
        if found is None:
            initial = np.full(variable.shape, initial_value, variable.dtype.numpy)
            found = Variable(initial, trainable=False, name=f"{variable.name}/{what}")
            self._kept[variable, what] = found
        return found

    @property
    def variables(self) -> list[Variable]:
        """Iterations, learning rate, and what is kept of every variable."""
        own = [self.iterations, self._learning_rate]
        return [thing for thing in own if isinstance(thing, Variable)] + list(self._kept.values())

"""What all optimizers share: gradients, slots, and the operation that makes one step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from graphc.configurable import Configurable, serialize
from graphc.errors import GradientError, GraphcError
from graphc.ir.origin import capture_origin
from graphc.naming import snake_case
from graphc.ops.arithmetic import multiply
from graphc.ops.context import Evaluator
from graphc.ops.conversion import cast_to
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.gradients import gradients
from graphc.ops.grouping import group
from graphc.ops.layer_updates import updates_below
from graphc.ops.tensor import Operation, Tensor
from graphc.ops.undoing import undone_on_failure
from graphc.ops.variable import Variable
from graphc.optimizers.arguments import (
    StepOptions,
    as_pairs,
    refuse_unknown_arguments,
    require_loss,
    require_no_body,
)
from graphc.optimizers.kept_variables import KeptVariables
from graphc.optimizers.learning_rates import LearningRate
from graphc.optimizers.own_steps import OwnSteps, own_assignments
from graphc.optimizers.step_building import Pair, StepBuilding, VariableStep, make_slots
from graphc.optimizers.weight_decay import Exclusions
from graphc.update_rules.registry import find_update_rule


class Optimizer(OwnSteps, Configurable, kind="optimizers"):
    """Changes variables along their gradients, by an update rule.

    A step: gradients are divided by the loss scale, added up over `gradient_accumulation_steps`
    and clipped; variables decay; the rule makes its update; averages follow, then constraints. A
    new optimizer is a subclass that names its `rule` and hands its hyperparameters over; or one
    that writes `build(variables)` and `update_step(gradient, variable, learning_rate)`, as in
    Keras.

    Args:
        learning_rate: size of a step: a number, a schedule or another function of the iteration,
            or a scalar tensor of the graph.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps: see
            `StepOptions`.
        name: scope of its variables; the class's name by default.
        **hyperparameters: of the update rule.

    Attributes:
        rule: the update rule's name; None where `update_step` is written out.
        options: what happens around the rule.
        hyperparameters: all of the rule's.
    """

    rule: ClassVar[str | None] = None

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
        rule = None if self.rule is None else find_update_rule(self.rule)
        if rule is None and not self._has_own_step:
            raise GraphcError(
                f"the optimizer {type(self).__name__} does not say what a step is",
                expected="a method update_step(self, gradient, variable, learning_rate), which "
                "assigns variables, or the name of a rule",
                origin=capture_origin(),
            )
        unknown = [key for key in hyperparameters if rule is None or key not in rule.defaults]
        refuse_unknown_arguments(type(self), unknown)
        self.hyperparameters: Mapping[str, float] = rule.complete(hyperparameters) if rule else {}
        self._set_up(name)
        self._rate = LearningRate(learning_rate, self.name)
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

    def _set_up(self, name: str | None) -> None:
        """What every optimizer has, those too that leave the rule to others."""
        self.name = name or snake_case(type(self).__name__)
        self._kept = KeptVariables(self.name)
        self._undecayed = Exclusions()
        self._built_for: list[Variable] = []

    if not TYPE_CHECKING:  # or else no misspelt attribute would be found

        def __getattr__(self, name: str) -> Any:
            """An argument of its constructor, such as `beta_1`: as given, or its default."""
            if name.startswith("_"):
                raise AttributeError(name)
            args, kwargs = self._given
            bound = inspect.signature(type(self)).bind(*args, **kwargs)
            bound.apply_defaults()
            if name not in bound.arguments:
                raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
            return bound.arguments[name]

    # -- the learning rate -----------------------------------------------------------------------

    @property
    def learning_rate(self) -> Any:
        """The variable that holds it, once the first step is built.

        A schedule or a tensor stays what it is; `current_learning_rate` gives a number.

        Setting a number changes it at once in the open session (nothing is compiled again), or,
        before the first step is built, in every session.
        """
        return self._learning_rate().held

    @learning_rate.setter
    def learning_rate(self, given: Any) -> None:
        self._learning_rate().set(given)

    def set_learning_rate(self, learning_rate: Any, session: Evaluator | None = None) -> None:
        """Set the learning rate, in a session that need not be open."""
        self._learning_rate().set(learning_rate, session)

    def current_learning_rate(self, session: Evaluator | None = None) -> float:
        """The learning rate of the next step as a number, that of a schedule too.

        Args:
            session: where; the open one, or that of the graph's models, by default.

        Raises:
            GraphcError: a schedule is not part of a step yet, or no session is open.
        """
        return self._learning_rate().number(session)

    def _learning_rate(self) -> LearningRate:
        return self._rate

    # -- steps -----------------------------------------------------------------------------------

    @undone_on_failure
    def minimize(
        self,
        loss: Tensor,
        var_list: Sequence[Variable] | None = None,
        name: str | None = None,
    ) -> Operation:
        """The operation that makes one step, with what layers set in training that the loss needs.

        Args:
            loss: what to make small; a scalar, or any tensor, whose elements are added up.
            var_list: the variables to change; by default every trainable variable that the loss
                depends on and that has gradients: not one of integers.
            name: of the operation.

        Raises:
            GradientError: the loss depends on none of them, or not on one that is in `var_list`.
            StateError: it would stand in a branch or a loop body.
        """
        require_no_body()
        pairs, updates = self.compute_gradients(loss, var_list), updates_below(loss)
        if not updates:
            return self.apply_gradients(pairs, name)
        with loss.graph.as_default():
            return group(self.apply_gradients(pairs), *updates, name=name or "train")

    def scale_loss(self, loss: Tensor) -> Tensor:
        """The loss times the loss scale, if there is one; `apply_gradients` divides by it."""
        scale = self.options.loss_scale_factor
        return loss if scale is None else multiply(loss, scale)

    def set_loss_scale(self, factor: float | None) -> None:
        """Multiply losses by another number in steps that are built from now on."""
        self.options = replace(self.options, loss_scale_factor=factor)

    def compute_gradients(
        self, loss: Tensor, var_list: Sequence[Variable] | None = None
    ) -> list[tuple[Tensor, Variable]]:
        """Gradients of the loss (times the loss scale), each with its variable."""
        require_loss(loss)
        graph = loss.graph
        loss = self.scale_loss(loss)
        if var_list is not None:
            found: list[Tensor] = gradients(loss, list(var_list))
            return list(zip(found, var_list, strict=True))
        trainable = [v for v in graph.variables.values() if v.trainable]
        candidates = [v for v in trainable if v.dtype.is_inexact]
        answers = gradients(loss, candidates, unconnected_gradients="none") if candidates else []
        pairs = [(g, v) for g, v in zip(answers, candidates, strict=True) if g is not None]
        if not pairs:
            ints = [f"; {v.name!r} is {v.dtype.name}" for v in trainable if v not in candidates]
            raise GradientError(
                "the loss depends on no trainable variable",
                given="".join([f"{loss.name!r}; {len(candidates)} variables of floats", *ints]),
                fix="compute the loss from the variables as they are before the run, not under "
                "control_dependencies on an assignment; or name them in var_list",
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
            StateError: as `minimize`.
        """
        require_no_body()
        pairs = as_pairs(grads_and_vars)
        graph = pairs[0][1].graph
        forget = self.remember()
        try:
            if self._has_own_step and not self.built:
                self.build([variable for _, variable in pairs])
            self.begin(graph, [variable for _, variable in pairs])
            assigned = self.assignments(graph, pairs)
            with graph.as_default(), graph.reopened_scope(self._kept.scope):
                return group(*assigned, name=name or "step")
        except BaseException:
            forget()
            raise

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None
    ) -> Operation:
        """The same as `apply_gradients`, with gradients and variables apart.

        Args:
            grads: one per variable; None leaves it as it is.
            trainable_variables: those that `build` was called with by default.

        Raises:
            GraphcError: there are not as many gradients as variables.
        """
        variables = self._built_for if trainable_variables is None else trainable_variables
        if len(grads) != len(variables):
            raise GraphcError(
                "there must be a gradient for each variable",
                given=f"{len(grads)} gradients, {len(variables)} variables",
                fix="give None for a variable without gradient, and call build(variables) or give "
                "the variables",
                origin=capture_origin(),
            )
        return self.apply_gradients(zip(grads, variables, strict=True))

    def assignments(
        self, graph: DataflowGraph, pairs: Sequence[Pair], holds: Tensor | None = None
    ) -> list[Tensor]:
        """Everything that a step sets, for those who build steps of several optimizers.

        Args:
            graph: of the variables; `begin` was called with it.
            pairs: gradients and variables.
            holds: whether the step is made, bool[]; None when it always is.
        """
        iterations = self._kept.iterations
        assert iterations is not None
        with graph.as_default(), graph.reopened_scope(self._kept.scope):
            done = iterations.as_tensor(graph)
            building = StepBuilding(
                graph, self.options, self._kept, self.step_of, self._rate.at(done), done, holds
            )
            own = self._has_own_step
            assigned = (
                own_assignments(self, building, pairs) if own else building.assignments(pairs)
            )
            one = 1 if holds is None else cast_to(holds, iterations.dtype)
            return [*assigned, iterations.assign_add(one)]

    def step_of(self, variable: Variable) -> VariableStep:
        """What a step does to a variable; for optimizers that treat variables differently."""
        decay = self.weight_decay_of(variable)
        assert self.rule is not None  # what has none writes its own steps
        return VariableStep(self.rule, self.hyperparameters, decay)

    def weight_decay_of(self, variable: Variable) -> float | None:
        """The part of a variable, times the rate, that a step takes away; None for no decay."""
        return None if variable in self._undecayed else self.options.weight_decay

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
        if self.built:
            raise GraphcError(
                "the step is built already, with its weight decay",
                fix="call exclude_from_weight_decay() before minimize()",
                origin=capture_origin(),
            )
        self._undecayed = Exclusions(var_list, var_names)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> Operation:
        """The operation that sets variables to their averages, if `use_ema` keeps any."""
        found = [(variable, self.average_of(variable)) for variable in var_list]
        return group(*[v.assign(average) for v, average in found if average is not None])

    def average_of(self, variable: Variable) -> Variable | None:
        """The running average of a variable, if `use_ema` keeps one."""
        return self._kept.find(variable, "average")

    # -- variables -------------------------------------------------------------------------------

    @undone_on_failure
    def build(self, variables: Sequence[Variable]) -> None:
        """Make everything that is kept of variables, before a step is built.

        Args:
            variables: those that `apply` gets gradients of.

        Raises:
            GraphcError: the optimizer has its variables in another graph.
        """
        forget = self.remember()
        try:
            for graph in {variable.graph: None for variable in variables}:
                self.begin(graph, variables)
        except BaseException:
            forget()
            raise
        self._built_for = list(variables)

    def begin(self, graph: DataflowGraph, variables: Sequence[Variable]) -> None:
        """Make what is kept, unless it is there."""
        self._kept.begin(graph, self._rate)
        step_of = self.step_of if self.rule is not None else None
        with graph.as_default(), graph.reopened_scope(self._kept.scope):
            make_slots(variables, self.options, self._kept, step_of)

    def remember(self) -> Callable[[], None]:
        """Gives a function that takes back what is made from now on."""
        forget_variables, forget_rate = self._kept.remember(), self._rate.remember()

        def forget() -> None:
            forget_variables()
            forget_rate()

        return forget

    @property
    def built(self) -> bool:
        """Whether its variables exist."""
        return self._kept.graph is not None

    @property
    def iterations(self) -> Variable | None:
        """Steps done so far, i64[]; None before the first step is built."""
        return self._kept.iterations

    @property
    def variables(self) -> list[Variable]:
        """Iterations, learning rate, and what is kept of every variable."""
        kept, rate = self._kept.all(), self._rate.variable
        return kept if rate is None else [*kept[:1], rate, *kept[1:]]

    def get_config(self) -> dict[str, Any]:
        """The arguments that make the same optimizer, with the learning rate that it has now."""
        return {
            **super().get_config(),
            "learning_rate": serialize(self._rate.config()),
            "name": self.name,
        }

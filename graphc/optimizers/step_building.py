"""One step of an optimizer, as assignments: what happens around the update rule.

Gradients are added up over steps, clipped; variables decay, are updated by their rule, averaged and
constrained. The order is Keras's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphc.ir.registry import REGISTRY
from graphc.ops.arithmetic import add, floor_divide, mod, multiply, subtract, true_divide
from graphc.ops.comparison import clip, equal, not_equal, where
from graphc.ops.conversion import cast_to, to_tensor
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable
from graphc.optimizers.arguments import StepOptions
from graphc.optimizers.gradient_clipping import clip_by_global_norm, clip_by_norm
from graphc.optimizers.kept_variables import KeptVariables
from graphc.update_rules.registry import find_update_rule

Pair = tuple[Any, Variable]
"""A gradient and its variable."""


@dataclass(frozen=True)
class VariableStep:
    """What a step does to one variable.

    Attributes:
        rule: the update rule's name.
        hyperparameters: all of the rule's.
        weight_decay: the part of the variable that goes, times the rate; None for no decay.
        rate_factor: what the rule's learning rate is multiplied by.
    """

    rule: str
    hyperparameters: Any
    weight_decay: float | None = None
    rate_factor: float = 1


@dataclass(frozen=True)
class StepBuilding:
    """Writes steps into a graph.

    Attributes:
        graph: the graph that is being built.
        options: what happens around the rule.
        kept: the optimizer's variables.
        step_of: what is done to each variable.
        rate: the learning rate.
        iterations: steps done so far.
        holds: whether this step is made at all, bool[]; None when it always is.
    """

    graph: DataflowGraph
    options: StepOptions
    kept: KeptVariables
    step_of: Callable[[Variable], VariableStep]
    rate: Tensor
    iterations: Tensor
    holds: Tensor | None

    def assignments(self, pairs: Sequence[Pair]) -> list[Tensor]:
        """Everything that a step sets, but the iterations."""
        options, variables = self.options, [variable for _, variable in pairs]
        arrived = self._unscaled(pairs)
        updates, period = self.iterations, options.gradient_accumulation_steps
        assigned: list[Tensor] = []
        is_update: Tensor | None = None
        if period is not None:
            updates = floor_divide(self.iterations, period)
            is_update = equal(mod(add(self.iterations, 1), period), 0)
            for position, variable in enumerate(variables):
                held = self.kept.like(variable, "gradient_accumulator")
                before = held.as_tensor(self.graph)
                total = add(arrived[position], before)
                arrived[position] = true_divide(total, period)
                left = cast_to(where(is_update, 0, total), variable.dtype)
                assigned.append(held.assign(self._chosen(left, before)))
        for gradient, variable in zip(_clipped(arrived, options), variables, strict=True):
            assigned += self._changes(gradient, variable, updates, is_update)
        return assigned

    def arriving(self, pairs: Sequence[Pair]) -> list[Tensor]:
        """Gradients as the rule gets them: without the loss scale, and clipped."""
        return _clipped(self._unscaled(pairs), self.options)

    def _unscaled(self, pairs: Sequence[Pair]) -> list[Tensor]:
        arrived = [to_tensor(gradient, v.dtype, self.graph) for gradient, v in pairs]
        scale = self.options.loss_scale_factor
        return arrived if scale is None else [true_divide(each, scale) for each in arrived]

    def _changes(
        self, gradient: Tensor, variable: Variable, updates: Tensor, is_update: Tensor | None
    ) -> list[Tensor]:
        """Assignments of a variable, its slots and its average."""
        graph, options = self.graph, self.options
        step = self.step_of(variable)
        slots = slots_of(variable, step, self.kept)
        before = [variable.as_tensor(graph), *[slot.as_tensor(graph) for slot in slots]]
        after = self._updated(gradient, variable, step, before, updates)
        if is_update is not None:
            after = [where(is_update, n, o) for n, o in zip(after, before, strict=True)]
        assigned: list[Tensor] = []
        if options.use_ema:
            average = self.kept.like(variable, "average")
            old = average.as_tensor(graph)
            mean = self.average(old, after[0], updates)
            assigned.append(average.assign(self._chosen(mean, old)))
            if options.ema_overwrite_frequency:
                after[0] = self.overwritten(mean, after[0], updates)
        if variable.constraint is not None:
            constrained = to_tensor(variable.constraint(after[0]), variable.dtype, graph)
            after[0] = cast_to(constrained, variable.dtype)
        targets = (variable, *slots)
        return assigned + [
            target.assign(self._chosen(new, old))
            for target, new, old in zip(targets, after, before, strict=True)
        ]

    def _chosen(self, new: Tensor, old: Tensor) -> Tensor:
        return new if self.holds is None else where(self.holds, new, old)

    def _updated(
        self,
        gradient: Tensor,
        variable: Variable,
        step: VariableStep,
        before: list[Tensor],
        updates: Tensor,
    ) -> list[Tensor]:
        """The variable and its slots after weight decay and the rule."""
        old = before[0]
        if step.weight_decay is not None:
            rate = cast_to(self.rate, variable.dtype)
            old = subtract(old, multiply(multiply(old, step.weight_decay), rate))
        return updated(self.graph, step, [old, *before[1:]], gradient, self.rate, updates, variable)

    def overwritten(self, mean: Tensor, new: Tensor, updates: Tensor) -> Tensor:
        """The average in the place of the new value, every so many updates."""
        frequency = self.options.ema_overwrite_frequency
        return where(equal(mod(add(updates, 1), frequency), 0), mean, new)

    def average(self, mean: Tensor, new: Tensor, updates: Tensor) -> Tensor:
        """The running average; the first update begins it."""
        is_later = cast_to(not_equal(updates, 0), new.dtype)
        keep = multiply(is_later, self.options.ema_momentum)
        return add(multiply(keep, mean), multiply(subtract(1, keep), new))


def updated(
    graph: DataflowGraph,
    step: VariableStep,
    before: Sequence[Tensor],
    gradient: Tensor,
    rate: Tensor,
    updates: Tensor,
    variable: Variable,
) -> list[Tensor]:
    """A variable and its slots after the rule of its step.

    Args:
        graph: the graph that is being built.
        step: what is done to the variable.
        before: the variable and its slots.
        gradient: of the variable's shape.
        rate: the learning rate.
        updates: how many there were.
        variable: which is updated.
    """
    old, *slots = before
    rate = rate if step.rate_factor == 1 else multiply(rate, step.rate_factor)
    op = REGISTRY["apply_update"]
    attributes = op.attributes.make(
        {"rule": step.rule, "hyperparameters": step.hyperparameters}, op.name
    )
    operands = [old, cast_to(gradient, variable.dtype), rate, updates, *slots]
    return list(graph.add(op, operands, attributes, name=f"update/{variable.name}"))


def make_slots(
    variables: Sequence[Variable],
    options: StepOptions,
    kept: KeptVariables,
    step_of: Callable[[Variable], VariableStep] | None,
) -> None:
    """Make what steps keep of variables, unless it is there; without rules, what is around them."""
    if options.gradient_accumulation_steps is not None:
        for variable in variables:
            kept.like(variable, "gradient_accumulator")
    for variable in variables:
        if step_of is not None:
            slots_of(variable, step_of(variable), kept)
        if options.use_ema:
            kept.like(variable, "average")


def slots_of(variable: Variable, step: VariableStep, kept: KeptVariables) -> list[Variable]:
    """What the rule of a variable's step remembers of it."""
    rule = find_update_rule(step.rule)
    declared = rule.slots(variable.type, step.hyperparameters)
    return [kept.slot(variable, slot) for slot in declared]


def _clipped(arrived: list[Tensor], options: StepOptions) -> list[Tensor]:
    if options.clipnorm is not None:
        return [clip_by_norm(gradient, options.clipnorm) for gradient in arrived]
    if options.global_clipnorm is not None:
        return clip_by_global_norm(arrived, options.global_clipnorm)
    if options.clipvalue is not None:
        return [clip(g, -options.clipvalue, options.clipvalue) for g in arrived]
    return arrived

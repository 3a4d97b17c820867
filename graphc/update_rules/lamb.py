"""LAMB (You and others 2019, https://arxiv.org/abs/1904.00962)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.types import TensorType
from graphc.update_rules.rule_formulas import moved_towards, norm, one_minus_power, step_number
from graphc.update_rules.update_rule import Hyperparameters, Slot, UpdateRule, as_scalar_of, spread


@final
class LayerwiseAdaptiveMoments(UpdateRule):
    """w - rate·|w|/|s|·s, with Adam's step s after the correction of its means for few steps."""

    name: ClassVar[str] = "lamb"
    defaults: ClassVar[Hyperparameters] = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}

    def slots(
        self, variable_type: TensorType, hyperparameters: Hyperparameters
    ) -> tuple[Slot, ...]:
        return (Slot("momentum", variable_type), Slot("velocity", variable_type))

    def build(
        self,
        build: Builder,
        variable: Value,
        gradient: Value,
        learning_rate: Value,
        iteration: Value,
        slots: Sequence[Value],
        hyperparameters: Hyperparameters,
    ) -> tuple[Value, tuple[Value, ...]]:
        beta_1, beta_2 = hyperparameters["beta_1"], hyperparameters["beta_2"]
        momentum = moved_towards(build, slots[0], gradient, beta_1)
        square = build.multiply(gradient, gradient)
        velocity = moved_towards(build, slots[1], square, beta_2)
        time = step_number(build, iteration, variable)
        short = spread(build, one_minus_power(build, beta_1, time), variable)
        small = spread(build, one_minus_power(build, beta_2, time), variable)
        size = build.sqrt(build.divide(velocity, small))
        epsilon = build.full_like(variable, hyperparameters["epsilon"])
        step = build.divide(build.divide(momentum, short), build.add(size, epsilon))
        rate = as_scalar_of(build, learning_rate, variable)
        scale = build.multiply(_trust(build, norm(build, variable), norm(build, step)), rate)
        moved = build.multiply(spread(build, scale, variable), step)
        return build.subtract(variable, moved), (momentum, velocity)


def _trust(build: Builder, of_variable: Value, of_step: Value) -> Value:
    """The ratio of two norms, and 1 where one of them is 0."""
    zero, one = build.full_like(of_step, 0), build.full_like(of_step, 1)
    has_both = build.and_(
        build.compare(of_variable, zero, direction="GT"),
        build.compare(of_step, zero, direction="GT"),
    )
    return build.select(has_both, build.divide(of_variable, of_step), one)

"""Schedule-free AdamW (Defazio and others 2024, https://arxiv.org/abs/2405.15682)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.types import TensorType
from graphc.update_rules.rule_formulas import moved_towards, one_minus, one_minus_power, step_number
from graphc.update_rules.update_rule import (
    Hyperparameters,
    Slot,
    UpdateRule,
    as_scalar_of,
    spread,
    times_number,
)


@final
class ScheduleFreeAdamW(UpdateRule):
    """w = (1 - beta_1)·z + beta_1·x: z goes Adam's way, without momentum; x is the mean of all z.

    Only z is remembered: x before a step is what w and z before it say.
    """

    name: ClassVar[str] = "schedule_free_adamw"
    is_elementwise: ClassVar[bool] = True
    defaults: ClassVar[Hyperparameters] = {
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
        "warmup_steps": 0.0,
    }

    def slots(
        self, variable_type: TensorType, hyperparameters: Hyperparameters
    ) -> tuple[Slot, ...]:
        return (
            Slot("momentum", variable_type, begins_as_variable=True),
            Slot("velocity", variable_type),
        )

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
        step = step_number(build, iteration, variable)
        one = build.full_like(step, 1)
        rate = as_scalar_of(build, learning_rate, variable)
        if hyperparameters["warmup_steps"] > 0:
            warm = build.divide(step, build.full_like(step, hyperparameters["warmup_steps"]))
            rate = build.multiply(rate, build.minimum(warm, one))
        square = build.multiply(gradient, gradient)
        velocity = moved_towards(build, slots[1], square, beta_2)
        small = spread(build, one_minus_power(build, beta_2, step), variable)
        size = build.sqrt(build.divide(velocity, small))
        size = build.add(size, build.full_like(size, hyperparameters["epsilon"]))
        moved = build.divide(build.multiply(spread(build, rate, variable), gradient), size)
        ahead = build.subtract(slots[0], moved)
        mean = build.divide(
            build.subtract(variable, times_number(build, slots[0], 1 - beta_1)),
            build.full_like(variable, beta_1),
        )
        weight = build.divide(one, step)
        mean = build.add(
            build.multiply(spread(build, one_minus(build, weight), variable), mean),
            build.multiply(spread(build, weight, variable), ahead),
        )
        new = build.add(times_number(build, ahead, 1 - beta_1), times_number(build, mean, beta_1))
        return new, (ahead, velocity)

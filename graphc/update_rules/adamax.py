"""Adamax (Kingma and Ba 2014, https://arxiv.org/abs/1412.6980, section 7.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.types import TensorType
from graphc.update_rules.rule_formulas import moved_towards, one_minus_power, step_number
from graphc.update_rules.update_rule import (
    Hyperparameters,
    Slot,
    UpdateRule,
    learning_rate_like,
    spread,
    times_number,
)


@final
class Adamax(UpdateRule):
    """w - rate·m / ((1 - beta_1^t)·(u + epsilon)): mean m of g, decaying maximum u of |g|."""

    name: ClassVar[str] = "adamax"
    is_elementwise: ClassVar[bool] = True
    defaults: ClassVar[Hyperparameters] = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}

    def slots(
        self, variable_type: TensorType, hyperparameters: Hyperparameters
    ) -> tuple[Slot, ...]:
        return (Slot("momentum", variable_type), Slot("norm", variable_type))

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
        norm = build.maximum(times_number(build, slots[1], beta_2), build.abs(gradient))
        short = one_minus_power(build, beta_1, step_number(build, iteration, variable))
        divisor = build.add(norm, build.full_like(norm, hyperparameters["epsilon"]))
        step = build.divide(
            build.multiply(learning_rate_like(build, learning_rate, variable), momentum),
            build.multiply(spread(build, short, variable), divisor),
        )
        return build.subtract(variable, step), (momentum, norm)

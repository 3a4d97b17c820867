"""Stochastic gradient descent (Robbins and Monro 1951), momentum (Polyak 1964; Nesterov 1983)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.types import TensorType
from graphc.update_rules.update_rule import (
    Hyperparameters,
    Slot,
    UpdateRule,
    learning_rate_like,
    times_number,
)


@final
class StochasticGradientDescent(UpdateRule):
    """w - rate·g; with momentum m = momentum·m - rate·g and w + m, or w + momentum·m - rate·g."""

    name: ClassVar[str] = "sgd"
    is_elementwise: ClassVar[bool] = True
    defaults: ClassVar[Hyperparameters] = {"momentum": 0.0, "nesterov": 0.0}

    def slots(
        self, variable_type: TensorType, hyperparameters: Hyperparameters
    ) -> tuple[Slot, ...]:
        return (Slot("momentum", variable_type),) if hyperparameters["momentum"] else ()

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
        step = build.multiply(gradient, learning_rate_like(build, learning_rate, variable))
        if not slots:
            return build.subtract(variable, step), ()
        momentum = hyperparameters["momentum"]
        velocity = build.subtract(times_number(build, slots[0], momentum), step)
        if not hyperparameters["nesterov"]:
            return build.add(variable, velocity), (velocity,)
        ahead = build.subtract(times_number(build, velocity, momentum), step)
        return build.add(variable, ahead), (velocity,)

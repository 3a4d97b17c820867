"""Adagrad (Duchi, Hazan and Singer 2011, https://jmlr.org/papers/v12/duchi11a.html)."""

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
)


@final
class Adagrad(UpdateRule):
    """w - rate·g / sqrt(a + epsilon), with the sum a of all g² so far."""

    name: ClassVar[str] = "adagrad"
    is_elementwise: ClassVar[bool] = True
    defaults: ClassVar[Hyperparameters] = {"initial_accumulator_value": 0.1, "epsilon": 1e-7}

    def slots(
        self, variable_type: TensorType, hyperparameters: Hyperparameters
    ) -> tuple[Slot, ...]:
        return (Slot("accumulator", variable_type, hyperparameters["initial_accumulator_value"]),)

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
        accumulator = build.add(slots[0], build.multiply(gradient, gradient))
        epsilon = build.full_like(variable, hyperparameters["epsilon"])
        step = build.divide(
            build.multiply(learning_rate_like(build, learning_rate, variable), gradient),
            build.sqrt(build.add(accumulator, epsilon)),
        )
        return build.subtract(variable, step), (accumulator,)

"""Lion (Chen and others 2023, https://arxiv.org/abs/2302.06675)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.types import TensorType
from graphc.update_rules.rule_formulas import blended
from graphc.update_rules.update_rule import Hyperparameters, Slot, UpdateRule, learning_rate_like


@final
class Lion(UpdateRule):
    """w - rate·sign(beta_1·m + (1 - beta_1)·g), then the running mean m of g by beta_2."""

    name: ClassVar[str] = "lion"
    is_elementwise: ClassVar[bool] = True
    defaults: ClassVar[Hyperparameters] = {"beta_1": 0.9, "beta_2": 0.99}

    def slots(
        self, variable_type: TensorType, hyperparameters: Hyperparameters
    ) -> tuple[Slot, ...]:
        return (Slot("momentum", variable_type),)

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
        way = build.sign(blended(build, slots[0], gradient, hyperparameters["beta_1"]))
        step = build.multiply(learning_rate_like(build, learning_rate, variable), way)
        momentum = blended(build, slots[0], gradient, hyperparameters["beta_2"])
        return build.subtract(variable, step), (momentum,)

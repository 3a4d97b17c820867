"""Adadelta (Zeiler 2012, https://arxiv.org/abs/1212.5701)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.types import TensorType
from graphc.update_rules.rule_formulas import blended
from graphc.update_rules.update_rule import Hyperparameters, Slot, UpdateRule, learning_rate_like


@final
class Adadelta(UpdateRule):
    """w + rate·d, d = -g·sqrt(u + epsilon) / sqrt(v + epsilon): running means v of g², u of d²."""

    name: ClassVar[str] = "adadelta"
    is_elementwise: ClassVar[bool] = True
    defaults: ClassVar[Hyperparameters] = {"rho": 0.95, "epsilon": 1e-7}

    def slots(
        self, variable_type: TensorType, hyperparameters: Hyperparameters
    ) -> tuple[Slot, ...]:
        return (
            Slot("accumulated_grad", variable_type),
            Slot("accumulated_delta_var", variable_type),
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
        rho, epsilon = hyperparameters["rho"], build.full_like(variable, hyperparameters["epsilon"])
        squares = blended(build, slots[0], build.multiply(gradient, gradient), rho)
        last_size = build.sqrt(build.add(slots[1], epsilon))
        size = build.sqrt(build.add(squares, epsilon))
        step = build.negate(build.divide(build.multiply(last_size, gradient), size))
        steps = blended(build, slots[1], build.multiply(step, step), rho)
        moved = build.multiply(learning_rate_like(build, learning_rate, variable), step)
        return build.add(variable, moved), (squares, steps)

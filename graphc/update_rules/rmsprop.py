"""RMSprop (Tieleman and Hinton 2012), with momentum, and centered (Graves 2013)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.types import TensorType
from graphc.update_rules.rule_formulas import blended
from graphc.update_rules.update_rule import (
    Hyperparameters,
    Slot,
    UpdateRule,
    learning_rate_like,
    times_number,
)


@final
class RootMeanSquarePropagation(UpdateRule):
    """w - rate·g / sqrt(v + epsilon), with a running mean v of g², or of (g - its mean)²."""

    name: ClassVar[str] = "rmsprop"
    is_elementwise: ClassVar[bool] = True
    defaults: ClassVar[Hyperparameters] = {
        "rho": 0.9,
        "momentum": 0.0,
        "epsilon": 1e-7,
        "centered": 0.0,
    }

    def slots(
        self, variable_type: TensorType, hyperparameters: Hyperparameters
    ) -> tuple[Slot, ...]:
        names = ["velocity"]
        if hyperparameters["momentum"] > 0:
            names.append("momentum")
        if hyperparameters["centered"]:
            names.append("average_gradient")
        return tuple(Slot(name, variable_type) for name in names)

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
        names = [slot.name for slot in self.slots(variable.type, hyperparameters)]
        state = dict(zip(names, slots, strict=True))
        rho = hyperparameters["rho"]
        square = build.multiply(gradient, gradient)
        state["velocity"] = denominator = blended(build, state["velocity"], square, rho)
        if "average_gradient" in state:
            mean = blended(build, state["average_gradient"], gradient, rho)
            state["average_gradient"] = mean
            denominator = build.subtract(denominator, build.multiply(mean, mean))
        epsilon = build.full_like(variable, hyperparameters["epsilon"])
        rate = learning_rate_like(build, learning_rate, variable)
        step = build.divide(
            build.multiply(rate, gradient), build.sqrt(build.add(denominator, epsilon))
        )
        if "momentum" in state:
            kept = times_number(build, state["momentum"], hyperparameters["momentum"])
            state["momentum"] = step = build.add(kept, step)
        return build.subtract(variable, step), tuple(state[name] for name in names)

"""Adam (Kingma and Ba 2014, https://arxiv.org/abs/1412.6980), AMSGrad (Reddi and others 2018).

The form "just before section 2.1" of the paper, whose epsilon stands outside the bias correction:
Keras's and TensorFlow's.
"""

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
    as_scalar_of,
    spread,
)


@final
class Adam(UpdateRule):
    """w - alpha·m / (sqrt(v) + epsilon), with running means m of g and v of g²."""

    name: ClassVar[str] = "adam"
    is_elementwise: ClassVar[bool] = True
    defaults: ClassVar[Hyperparameters] = {
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-7,
        "amsgrad": 0.0,
    }

    def slots(
        self, variable_type: TensorType, hyperparameters: Hyperparameters
    ) -> tuple[Slot, ...]:
        names = ["momentum", "velocity"]
        if hyperparameters["amsgrad"]:
            names.append("velocity_hat")
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
        beta_1, beta_2 = hyperparameters["beta_1"], hyperparameters["beta_2"]
        alpha = _corrected_rate(build, variable, learning_rate, iteration, beta_1, beta_2)
        momentum = moved_towards(build, slots[0], gradient, beta_1)
        square = build.multiply(gradient, gradient)
        velocity = moved_towards(build, slots[1], square, beta_2)
        remembered = [momentum, velocity]
        largest = velocity
        if hyperparameters["amsgrad"]:
            largest = build.maximum(slots[2], velocity)
            remembered.append(largest)
        epsilon = build.full_like(variable, hyperparameters["epsilon"])
        step = build.divide(
            build.multiply(momentum, spread(build, alpha, variable)),
            build.add(build.sqrt(largest), epsilon),
        )
        return build.subtract(variable, step), tuple(remembered)


def _corrected_rate(
    build: Builder,
    variable: Value,
    learning_rate: Value,
    iteration: Value,
    beta_1: float,
    beta_2: float,
) -> Value:
    """`rate·sqrt(1 - beta_2^t) / (1 - beta_1^t)` at step t = iteration + 1: a scalar."""
    step = step_number(build, iteration, variable)
    rate = as_scalar_of(build, learning_rate, variable)
    raised = build.multiply(rate, build.sqrt(one_minus_power(build, beta_2, step)))
    return build.divide(raised, one_minus_power(build, beta_1, step))

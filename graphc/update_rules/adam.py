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
from graphc.update_rules.update_rule import (
    Hyperparameters,
    Slot,
    UpdateRule,
    as_scalar_of,
    spread,
    times_number,
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
        momentum = _running_mean(build, slots[0], gradient, beta_1)
        square = build.multiply(gradient, gradient)
        velocity = _running_mean(build, slots[1], square, beta_2)
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


def _running_mean(build: Builder, mean: Value, new: Value, keep: float) -> Value:
    """`mean + (new - mean)·(1 - keep)`."""
    return build.add(mean, times_number(build, build.subtract(new, mean), 1 - keep))


def _corrected_rate(
    build: Builder,
    variable: Value,
    learning_rate: Value,
    iteration: Value,
    beta_1: float,
    beta_2: float,
) -> Value:
    """`rate·sqrt(1 - beta_2^t) / (1 - beta_1^t)` at step t = iteration + 1: a scalar."""
    step = build.add(iteration, build.full_like(iteration, 1))
    step = as_scalar_of(build, step, variable)
    rate = as_scalar_of(build, learning_rate, variable)

    def one_minus_power(beta: float) -> Value:
        power = build.power(build.full_like(step, beta), step)
        return build.subtract(build.full_like(power, 1), power)

    raised = build.multiply(rate, build.sqrt(one_minus_power(beta_2)))
    return build.divide(raised, one_minus_power(beta_1))

"""FTRL-Proximal (McMahan and others 2013, https://research.google.com/pubs/archive/41159.pdf).

With TensorFlow's shrinkage, and the paper's beta as a part of the L2 strength.
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
    learning_rate_like,
    times_number,
)


@final
class FollowTheRegularizedLeader(UpdateRule):
    """w = (clip(z, ±l1) - z) / (n^-power / rate + 2·l2): the sum n of g², and z of the paper."""

    name: ClassVar[str] = "ftrl"
    is_elementwise: ClassVar[bool] = True
    defaults: ClassVar[Hyperparameters] = {
        "learning_rate_power": -0.5,
        "initial_accumulator_value": 0.1,
        "l1_regularization_strength": 0.0,
        "l2_regularization_strength": 0.0,
        "l2_shrinkage_regularization_strength": 0.0,
        "beta": 0.0,
    }

    def slots(
        self, variable_type: TensorType, hyperparameters: Hyperparameters
    ) -> tuple[Slot, ...]:
        initial = hyperparameters["initial_accumulator_value"]
        return (Slot("accumulator", variable_type, initial), Slot("linear", variable_type))

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
        rate = learning_rate_like(build, learning_rate, variable)
        shrinkage = 2 * hyperparameters["l2_shrinkage_regularization_strength"]
        shrunk = build.add(gradient, times_number(build, variable, shrinkage))
        squares = build.add(slots[0], build.multiply(gradient, gradient))
        exponent = build.full_like(variable, -hyperparameters["learning_rate_power"])
        before, after = build.power(slots[0], exponent), build.power(squares, exponent)
        sigma = build.divide(build.subtract(after, before), rate)
        linear = build.add(slots[1], build.subtract(shrunk, build.multiply(sigma, variable)))
        twice = build.full_like(variable, 2 * hyperparameters["l2_regularization_strength"])
        beta = build.divide(build.full_like(variable, hyperparameters["beta"]), rate)
        quadratic = build.add(build.divide(after, rate), build.add(twice, beta))
        limit = build.full_like(variable, hyperparameters["l1_regularization_strength"])
        clipped = build.clamp(build.negate(limit), linear, limit)
        return build.divide(build.subtract(clipped, linear), quadratic), (squares, linear)

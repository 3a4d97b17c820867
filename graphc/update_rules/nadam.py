"""Nadam (Dozat 2015, http://cs229.stanford.edu/proj2015/054_report.pdf).

The momentum of step t is u(t) = beta_1·(1 - 0.96^t / 2). A step needs the product of u(1) to u(t).
It is computed from t alone, not remembered: its logarithm is a series that converges like 2^-k.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, final

import numpy as np

from graphc.dtypes import F32, F64
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.types import TensorType
from graphc.update_rules.rule_formulas import moved_towards, one_minus, one_minus_power, step_number
from graphc.update_rules.update_rule import (
    Hyperparameters,
    Slot,
    UpdateRule,
    as_scalar_of,
    learning_rate_like,
    spread,
    times_number,
)

_DECAY: Final = 0.96
_TERMS: Final = 48  # the rest is below the last digit of float64


@final
class Nadam(UpdateRule):
    """Adam, with u(t+1)·m/(1 - u(1)…u(t+1)) + (1 - u(t))·g/(1 - u(1)…u(t)) for the mean of g."""

    name: ClassVar[str] = "nadam"
    is_elementwise: ClassVar[bool] = True
    defaults: ClassVar[Hyperparameters] = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}

    def slots(
        self, variable_type: TensorType, hyperparameters: Hyperparameters
    ) -> tuple[Slot, ...]:
        return (Slot("momentum", variable_type), Slot("velocity", variable_type))

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
        square = build.multiply(gradient, gradient)
        velocity = moved_towards(build, slots[1], square, beta_2)
        step = step_number(build, iteration, variable)
        following = build.add(step, build.full_like(step, 1))
        now, ahead = _momentum(build, beta_1, step), _momentum(build, beta_1, following)
        product = _product(build, beta_1, step)
        of_mean = build.divide(ahead, one_minus(build, build.multiply(product, ahead)))
        of_gradient = build.divide(one_minus(build, now), one_minus(build, product))
        way = build.add(
            build.multiply(spread(build, of_mean, variable), momentum),
            build.multiply(spread(build, of_gradient, variable), gradient),
        )
        grown = spread(build, one_minus_power(build, beta_2, step), variable)
        size = build.sqrt(build.divide(velocity, grown))
        moved = build.divide(
            build.multiply(way, learning_rate_like(build, learning_rate, variable)),
            build.add(size, build.full_like(size, hyperparameters["epsilon"])),
        )
        return build.subtract(variable, moved), (momentum, velocity)


def _momentum(build: Builder, beta_1: float, step: Value) -> Value:
    """u(t)."""
    decayed = build.power(build.full_like(step, _DECAY), step)
    return times_number(build, one_minus(build, times_number(build, decayed, 0.5)), beta_1)


def _product(build: Builder, beta_1: float, step: Value) -> Value:
    """u(1)·…·u(t).

    The logarithm of 1 - q^i / 2, summed over i up to t, is minus the sum over k of
    2^-k / k · q^k · (1 - q^(k·t)) / (1 - q^k).
    """
    wide = F64 if step.type.dtype is F64 else F32  # 16 bits lose what the series adds up
    time = build.convert(step, dtype=wide) if step.type.dtype is not wide else step
    k = np.arange(1, _TERMS + 1)
    powers = build.array(_DECAY**k, wide)
    terms = build.array(0.5**k / k * _DECAY**k / (1 - _DECAY**k), wide)
    times = build.broadcast_in_dim(time, shape=(_TERMS,), broadcast_dimensions=())
    left = one_minus(build, build.power(powers, times))
    logarithm = build.negate(build.reduce_sum(build.multiply(terms, left), axes=(0,)))
    product = build.multiply(
        build.power(build.full_like(time, beta_1), time), build.exponential(logarithm)
    )
    return as_scalar_of(build, product, step)

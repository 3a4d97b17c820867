"""Muon (Jordan 2024, https://kellerjordan.github.io/posts/muon), for matrices.

With Moonlight's scale of the rate (Liu and others 2025, https://arxiv.org/abs/2502.16982).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, final

from graphc.errors import ShapeError
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.types import TensorType
from graphc.update_rules.rule_formulas import norm
from graphc.update_rules.update_rule import (
    Hyperparameters,
    Slot,
    UpdateRule,
    learning_rate_like,
    spread,
    times_number,
)


@final
class MomentumOrthogonalized(UpdateRule):
    """w - rate·scale·NS(m), with the momentum m = momentum·m + g made nearly orthogonal."""

    name: ClassVar[str] = "muon"
    defaults: ClassVar[Hyperparameters] = {
        "muon_a": 3.4445,
        "muon_b": -4.775,
        "muon_c": 2.0315,
        "momentum": 0.95,
        "ns_steps": 5,
        "nesterov": 1.0,
        "rms_rate": 0.2,
        "has_rms_rate": 1.0,
    }

    def slots(
        self, variable_type: TensorType, hyperparameters: Hyperparameters
    ) -> tuple[Slot, ...]:
        if variable_type.rank != 2:
            raise ShapeError(
                "Muon changes matrices only", given=variable_type, fix="use Adam for the others"
            )
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
        keep = hyperparameters["momentum"]
        # Keras's order: the momentum grows by what it lacks.
        momentum = build.add(slots[0], build.add(gradient, times_number(build, slots[0], keep - 1)))
        way = momentum
        if hyperparameters["nesterov"]:
            way = build.add(gradient, times_number(build, momentum, keep))
        rate = learning_rate_like(build, learning_rate, variable)
        step = build.multiply(rate, _orthogonalized(build, way, hyperparameters))
        if hyperparameters["has_rms_rate"]:
            rows, columns = variable.type.shape
            longest = math.sqrt(max(int(rows), int(columns)))
            step = times_number(build, step, longest * hyperparameters["rms_rate"])
        return build.subtract(variable, step), (momentum,)


def _orthogonalized(build: Builder, matrix: Value, hyperparameters: Hyperparameters) -> Value:
    """Newton and Schulz's iteration, by a polynomial of degree five that is steep at zero."""
    a, b, c = (hyperparameters[f"muon_{letter}"] for letter in "abc")
    rows, columns = matrix.type.shape
    is_tall = int(rows) > int(columns)
    x = build.transpose(matrix, permutation=(1, 0)) if is_tall else matrix
    size = norm(build, x)
    size = build.add(size, build.full_like(size, 1e-7))
    x = build.divide(x, spread(build, size, x))
    for _ in range(int(hyperparameters["ns_steps"])):
        square = _product(build, x, x, 1)
        fourth = _product(build, square, square, 0)
        inner = build.add(times_number(build, square, b), times_number(build, fourth, c))
        x = build.add(times_number(build, x, a), _product(build, inner, x, 0))
    return build.transpose(x, permutation=(1, 0)) if is_tall else x


def _product(build: Builder, left: Value, right: Value, axis: int) -> Value:
    """Of matrices: the last axis of one with this axis of the other."""
    return build.dot_general(left, right, lhs_contracting=(1,), rhs_contracting=(axis,))

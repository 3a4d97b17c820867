"""Adafactor (Shazeer and Stern 2018, https://arxiv.org/abs/1804.04235)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, final

from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.types import TensorType
from graphc.update_rules.rule_formulas import mean, one_minus, root_mean_square, step_number
from graphc.update_rules.update_rule import (
    Hyperparameters,
    Slot,
    UpdateRule,
    as_scalar_of,
    spread,
)


@final
class Adafactor(UpdateRule):
    """w - alpha·s / max(1, rms(s) / threshold), with s = g / sqrt(v).

    v is the running mean of g². Of matrices it is the product of its means over columns and rows,
    which are all that is remembered. A step is relative to the size of w: alpha is rms(w)·rate.
    """

    name: ClassVar[str] = "adafactor"
    defaults: ClassVar[Hyperparameters] = {
        "beta_2_decay": -0.8,
        "epsilon_1": 1e-30,
        "epsilon_2": 1e-3,
        "clip_threshold": 1.0,
    }

    def slots(
        self, variable_type: TensorType, hyperparameters: Hyperparameters
    ) -> tuple[Slot, ...]:
        shape = variable_type.shape
        if len(shape) < 2:
            return (Slot("velocity", variable_type),)
        return (
            Slot("row_velocity", variable_type.with_shape(shape[:-1])),
            Slot("column_velocity", variable_type.with_shape((*shape[:-2], shape[-1]))),
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
        step = step_number(build, iteration, variable)
        rate = as_scalar_of(build, learning_rate, variable)
        rate = build.minimum(rate, build.divide(build.full_like(step, 1), build.sqrt(step)))
        least = build.full_like(rate, hyperparameters["epsilon_2"])
        alpha = build.multiply(build.maximum(least, root_mean_square(build, variable)), rate)
        decay = build.full_like(step, hyperparameters["beta_2_decay"])
        keep = one_minus(build, build.power(step, decay))
        epsilon = build.full_like(gradient, hyperparameters["epsilon_1"])
        square = build.add(build.multiply(gradient, gradient), epsilon)
        if len(slots) == 1:
            remembered = (_kept(build, slots[0], square, keep),)
            velocity = remembered[0]
        else:
            last = len(variable.type.shape) - 1
            rows = _kept(build, slots[0], mean(build, square, last), keep)
            columns = _kept(build, slots[1], mean(build, square, last - 1), keep)
            remembered = (rows, columns)
            velocity = _product(build, rows, columns, variable)
        way = build.divide(gradient, build.sqrt(velocity))
        size = root_mean_square(build, way)
        size = build.divide(size, build.full_like(size, hyperparameters["clip_threshold"]))
        size = build.maximum(build.full_like(size, 1), size)
        way = build.divide(way, spread(build, size, variable))
        moved = build.multiply(spread(build, alpha, variable), way)
        return build.subtract(variable, moved), remembered


def _kept(build: Builder, running: Value, new: Value, keep: Value) -> Value:
    """`keep·running + (1 - keep)·new`, with a scalar that the graph computes."""
    old = build.multiply(spread(build, keep, running), running)
    return build.add(old, build.multiply(spread(build, one_minus(build, keep), new), new))


def _product(build: Builder, rows: Value, columns: Value, variable: Value) -> Value:
    """The mean of squares of each element, from those of its row and of its column."""
    shape, last = variable.type.shape, len(variable.type.shape) - 1
    whole = build.broadcast_in_dim(
        mean(build, rows, last - 1),
        shape=rows.type.shape,
        broadcast_dimensions=tuple(range(last - 1)),
    )
    return build.multiply(
        build.broadcast_in_dim(
            build.divide(rows, whole), shape=shape, broadcast_dimensions=tuple(range(last))
        ),
        build.broadcast_in_dim(columns, shape=shape, broadcast_dimensions=(*range(last - 1), last)),
    )

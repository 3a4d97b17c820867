"""What several rules compute: running means, their correction for few steps, sizes of variables."""

from __future__ import annotations

import math

from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.update_rules.update_rule import as_scalar_of, times_number


def moved_towards(build: Builder, mean: Value, new: Value, keep: float) -> Value:
    """`mean + (new - mean)·(1 - keep)`."""
    return build.add(mean, times_number(build, build.subtract(new, mean), 1 - keep))


def blended(build: Builder, mean: Value, new: Value, keep: float) -> Value:
    """`keep·mean + (1 - keep)·new`."""
    return build.add(times_number(build, mean, keep), times_number(build, new, 1 - keep))


def step_number(build: Builder, iteration: Value, variable: Value) -> Value:
    """The number of this step, from 1: a scalar of the element type of a variable."""
    step = build.add(iteration, build.full_like(iteration, 1))
    return as_scalar_of(build, step, variable)


def one_minus(build: Builder, value: Value) -> Value:
    """`1 - value`."""
    return build.subtract(build.full_like(value, 1), value)


def one_minus_power(build: Builder, base: float, step: Value) -> Value:
    """`1 - base^step`: what a running mean that began at 0 is too small by."""
    return one_minus(build, build.power(build.full_like(step, base), step))


def mean(build: Builder, value: Value, *axes: int) -> Value:
    """The mean along axes."""
    count = math.prod(int(value.type.shape[axis]) for axis in axes)
    total = build.reduce_sum(value, axes=axes)
    return build.divide(total, build.full_like(total, count))


def root_mean_square(build: Builder, value: Value) -> Value:
    """The root of the mean of squares of all elements."""
    axes = range(len(value.type.shape))
    return build.sqrt(mean(build, build.multiply(value, value), *axes))


def norm(build: Builder, value: Value) -> Value:
    """The Euclidean norm of all elements."""
    axes = tuple(range(len(value.type.shape)))
    return build.sqrt(build.reduce_sum(build.multiply(value, value), axes=axes))

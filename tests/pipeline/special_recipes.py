"""Recipes of special functions, of order, of the bits of whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from graphc.dtypes import F64, I32
from graphc.ir.node import Value
from tests.pipeline.graph_sketch import Choices, NotApplicableError, Sketch, fit
from tests.pipeline.recipe_book import recipe

Repair = Callable[[Sketch, Value], Value]


def _as_it_is(s: Sketch, x: Value) -> Value:
    return x


def _bounded(s: Sketch, x: Value) -> Value:
    return s.bounded(x)


def _inside(s: Sketch, x: Value) -> Value:
    """Between -0.9 and 0.9."""
    return s.multiply(s.tanh(x), s.full_like(x, 0.9))


def _positive(s: Sketch, x: Value) -> Value:
    return s.positive(s.bounded(x))


def _above_one(s: Sketch, x: Value) -> Value:
    return s.add(s.positive(s.bounded(x)), s.full_like(x, 1.25))


FUNCTIONS: Final[dict[str, Repair]] = {
    **dict.fromkeys(("asinh", "atan", "bessel_i0e", "bessel_i1e", "exp2"), _bounded),
    **dict.fromkeys(("sinh", "cosh", "erfc", "logistic"), _bounded),
    **dict.fromkeys(("acos", "asin", "atanh", "erf_inv"), _inside),
    **dict.fromkeys(("lgamma", "digamma"), _positive),
    "acosh": _above_one,
    "erf": _as_it_is,
}


@recipe
def special_function(s: Sketch, c: Choices) -> Value:
    name = c.of(list(FUNCTIONS))
    return getattr(s, name)(FUNCTIONS[name](s, s.pick(c, "float")))


@recipe
def special_function_of_several(s: Sketch, c: Choices) -> Value:
    x = _positive(s, s.pick(c, "float"))
    y = _positive(s, fit(s, s.pick(c, "float"), x.type))
    name = c.of(("igamma", "igammac", "regularized_incomplete_beta", "zeta", "polygamma"))
    if name == "regularized_incomplete_beta":
        share = s.logistic(fit(s, s.pick(c, "float"), x.type))
        return s.regularized_incomplete_beta(s.stop_gradient(x), s.stop_gradient(y), share)
    if name == "zeta":
        return s.zeta(s.stop_gradient(s.add(x, s.full_like(x, 1.5))), y)
    if name == "polygamma":
        return s.polygamma(s.full_like(y, float(c.below(3))), y)
    return getattr(s, name)(x, y)


def _axis(s: Sketch, c: Choices, kind: str) -> tuple[Value, int]:
    x = s.pick(c, kind, lambda x: x.type.rank > 0)
    return x, c.below(x.type.rank)


@recipe
def order(s: Sketch, c: Choices) -> list[Value]:
    """Rows sorted, alone or with others in their order; or their largest elements."""
    x, axis = _axis(s, c, c.of(("float", "whole", "float")))
    if c.chance(3):
        last = x.type.rank - 1
        size = s.shape(x)[last]
        values, places = s.top_k(x, k=c.below(size + 1))
        return [values, places]
    count = c.below(3)
    others = [fit(s, s.pick(c, "float"), x.type.with_dtype(s.narrow)) for _ in range(count)]
    made = s.sort(x, *others, dimension=axis, num_keys=1)
    return [made] if isinstance(made, Value) else list(made)


@recipe
def running_log_sum(s: Sketch, c: Choices) -> Value:
    x, axis = _axis(s, c, "float")
    return s.cumulative_log_sum_exp(s.bounded(x, 8.0), axis=axis, reverse=c.chance(2))


@recipe
def bits(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "whole", lambda x: x.type.dtype is I32)
    name = c.of(("popcnt", "count_leading_zeros", "reduce_xor", "shift_right_logical"))
    if name == "reduce_xor":
        if x.type.rank == 0:
            raise NotApplicableError
        return s.reduce_xor(x, axes=(c.below(x.type.rank),))
    if name == "shift_right_logical":
        return s.shift_right_logical(x, s.full_like(x, c.below(5)))
    return getattr(s, name)(x)


@recipe
def repeated_beta(s: Sketch, c: Choices) -> Value:
    """A function of three that were repeated, or got an axis: few numbers are fit for it."""
    x = s.logistic(s.pick(c, "float", lambda x: x.type.rank < 3))
    shape = x.type.shape
    repeats = c.chance(2)

    def moved(value: Value) -> Value:
        if not repeats:
            return s.reshape(value, shape=(1, *shape))
        axes = range(1, 1 + len(shape))
        return s.broadcast_in_dim(value, shape=(2, *shape), broadcast_dimensions=axes)

    return s.regularized_incomplete_beta(moved(s.exponential(x)), moved(s.sqrt(x)), moved(x))


@recipe
def finiteness(s: Sketch, c: Choices) -> list[Value]:
    """Numbers taken where they are finite, as people guard a division."""
    x = s.pick(c, "float")
    y = fit(s, s.pick(c, "float"), x.type)
    quotient = s.divide(x, s.nonzero(y))
    is_finite = s.is_finite(quotient)
    return [is_finite, s.select(is_finite, quotient, s.full_like(x, 0))]


@recipe
def random_counts(s: Sketch, c: Choices) -> Value:
    """Counts of rates that are known: where a rate is rounded, that decides on a count."""
    x = s.pick(c, "float", lambda x: x.type.is_static)
    key = s.array(np.array([7, c.below(100)], np.uint32))
    rate = s.full(c.of((3.0, 0.5, 12.0)), F64, x.type.shape)
    return s.multiply(s.random_poisson(key, rate), s.tanh(s.convert(x, dtype=F64)))

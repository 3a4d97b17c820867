"""random_poisson and random_binomial: counts, by sums where they are small, by rejection elsewhere.

Sources: L. Devroye, "Non-uniform random variate generation", 1986 (both kinds of sums); W. Hörmann,
"The transformed rejection method for generating Poisson random variables", 1993, and "The
generation of binomial random variates", 1993, with the tests of acceptance written in differences,
since the logarithms of factorials lose the digits that count.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from graphc.dtypes import F32, U32, DType
from graphc.ir.attributes import Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, Cost, NoGradient, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.random.keys import KEY, require
from graphc.opset.random.rejection import (
    Proposal,
    draw_until_accepted,
    open_uniform,
    sum_until_above,
)
from graphc.opset.samples import draw
from graphc.opset.type_rules import FLOATING, common_shape, require_dtype, require_same_dtype

_SMALL: Final = 10.0  # means below are drawn by sums
_SECOND: Final = 2**31  # folded into a key for what is drawn by rejection


class _Arithmetic:
    """Floats of one type, with Python numbers among them."""

    def __init__(self, build: Builder, like: Value) -> None:
        self.build = build
        self.like = like

    def number(self, thing: Value | float) -> Value:
        return thing if isinstance(thing, Value) else self.build.full_like(self.like, thing)

    def add(self, left: Value | float, right: Value | float) -> Value:
        return self.build.add(self.number(left), self.number(right))

    def subtract(self, left: Value | float, right: Value | float) -> Value:
        return self.build.subtract(self.number(left), self.number(right))

    def multiply(self, left: Value | float, right: Value | float) -> Value:
        return self.build.multiply(self.number(left), self.number(right))

    def divide(self, left: Value | float, right: Value | float) -> Value:
        return self.build.divide(self.number(left), self.number(right))

    def compare(self, left: Value | float, direction: str, right: Value | float) -> Value:
        return self.build.compare(self.number(left), self.number(right), direction=direction)

    def select(self, where: Value, left: Value | float, right: Value | float) -> Value:
        return self.build.select(where, self.number(left), self.number(right))

    def log_factorial_remainder(self, k: Value) -> Value:
        """What Stirling's (k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2 lacks of log k!.

        The series of the remainder is exact to the last digit of a float from 10 on; below,
        numbers are small enough to take the difference.
        """
        build, after = self.build, self.add(k, 1.0)
        large = self.select(self.compare(after, "GT", 10.0), after, 10.0)
        inverse = self.divide(1.0, large)
        square = self.multiply(inverse, inverse)
        inner = self.subtract(1 / 360, self.multiply(square, 1 / 1260))
        series = self.multiply(inverse, self.subtract(1 / 12, self.multiply(square, inner)))
        small = self.select(self.compare(after, "GT", 10.0), 1.0, after)
        power = self.multiply(self.subtract(small, 0.5), build.log(small))
        stirling = self.add(self.subtract(power, small), math.log(2 * math.pi) / 2)
        exact = self.subtract(build.lgamma(small), stirling)
        return self.select(self.compare(after, "GT", 10.0), series, exact)


def _computed_in(dtype: DType) -> DType:
    return dtype if dtype.itemsize >= F32.itemsize else F32


def _transformed(
    build: Builder, round_key: Value, a: Value, b: Value
) -> tuple[_Arithmetic, Value, Value, Value, Value]:
    """The numbers of Hörmann's transformed rejection: u, its distance, 2 a / distance + b, v."""
    m = _Arithmetic(build, a)
    u = m.subtract(open_uniform(build, round_key, a.type), 0.5)
    second_key = build.random_fold(round_key, build.full(1, U32))
    v = open_uniform(build, second_key, a.type)
    distance = m.subtract(0.5, build.abs(u))
    slope = m.add(m.divide(m.multiply(a, 2.0), distance), b)
    return m, u, distance, slope, v


# --- random_poisson -------------------------------------------------------------------------------


def _poisson_type(call: OpCall) -> TensorType:
    require(call, 0, KEY, "the key")
    require_dtype(call, 1, FLOATING)
    return call.types[1]


def _propose_poisson(
    build: Builder, key: Value, round_key: Value, invariants: Sequence[Value]
) -> Proposal:
    (rate,) = invariants
    m = _Arithmetic(build, rate)
    b = m.add(m.multiply(build.sqrt(rate), 2.53), 0.931)
    a = m.add(m.multiply(b, 0.02483), -0.059)
    inverse = m.add(m.divide(1.1328, m.subtract(b, 3.4)), 1.1239)
    m, u, distance, slope, v = _transformed(build, round_key, a, b)
    k = build.floor(m.add(m.add(m.multiply(slope, u), rate), 0.43))
    is_count = m.compare(k, "GE", 0.0)
    safe = m.select(is_count, k, 0.0)
    inside = m.compare(distance, "GE", 0.07)
    quick = build.and_(
        inside, m.compare(v, "LE", m.subtract(0.9277, m.divide(3.6224, m.subtract(b, 2.0))))
    )
    area = m.add(m.divide(a, m.multiply(distance, distance)), b)
    left = build.log(m.divide(m.multiply(v, inverse), area))
    # k log(rate) - rate - log k!, with Stirling's k log(k + 1) taken out of both
    excess = m.subtract(m.add(safe, 1.0), rate)
    powers = m.multiply(safe, build.log_plus_one(m.divide(excess, rate)))
    half = m.multiply(build.log(m.multiply(m.add(safe, 1.0), 2 * math.pi)), 0.5)
    right = m.subtract(m.subtract(excess, powers), m.add(half, m.log_factorial_remainder(safe)))
    slow = build.and_(is_count, m.compare(left, "LE", right))
    return Proposal(k, build.or_(build.and_(quick, is_count), slow))


def _poisson(build: Builder, call: OpCall, key: Value, rate: Value) -> Value:
    dtype = _computed_in(rate.type.dtype)
    wide = rate if rate.type.dtype is dtype else build.convert(rate, dtype=dtype)
    m = _Arithmetic(build, wide)
    is_usable = build.and_(m.compare(wide, "GE", 0.0), build.is_finite(wide))
    is_small = build.and_(is_usable, m.compare(wide, "LT", _SMALL))
    is_large = build.and_(is_usable, build.not_(is_small))

    def step(inner: Builder, uniform: Value, invariants: Sequence[Value]) -> Value:
        return inner.negate(inner.log(uniform))  # the time to the next event

    few = sum_until_above(build, key, [m.select(is_small, wide, 0.0)], is_small, step)
    second_key = build.random_fold(key, build.full(_SECOND, U32))
    large = m.select(is_large, wide, 2 * _SMALL)
    many = draw_until_accepted(build, second_key, [large], is_large, _propose_poisson)
    made = m.select(is_small, few, m.select(is_large, many, np.nan))
    return made if dtype is rate.type.dtype else build.convert(made, dtype=rate.type.dtype)


_KEY_SAMPLE: Final = np.array([7, 4_000_000_000], np.uint32)
_COUNTED = NoGradient("a count does not change smoothly")


def _poisson_samples() -> list[Sample]:
    rates = np.array([0, 0.5, 3, 9.9, 10, 40, 1000, 1e6], np.float32)
    edges = np.array([np.nan, -1, np.inf, 2], np.float32)
    return [
        Sample((_KEY_SAMPLE, rates), differentiable=False),
        Sample((_KEY_SAMPLE, edges), differentiable=False),
    ]


def _define(
    name: str,
    doc: str,
    arity: int,
    infer: Callable[[OpCall], TensorType],
    decomposition: Callable[..., Value],
    samples: Callable[[], list[Sample]],
) -> OpSpec:
    return REGISTRY.register(
        OpSpec(
            name=name,
            doc=doc,
            arity=arity,
            attributes=Schema(),
            infer=infer,
            lower=ByDecomposition(),
            gradient=_COUNTED,
            reference=ByDecomposition(),
            cost=lambda call: Cost(call.result.size * 800, call.result.byte_size * 8),
            samples=samples,
            traits=Trait.COMPOSITE | Trait.RANDOM,
            decomposition=decomposition,
        )
    )


RANDOM_POISSON = _define(
    "random_poisson",
    "A whole number, as a float, from the Poisson distribution of each rate.",
    2,
    _poisson_type,
    _poisson,
    _poisson_samples,
)

# --- random_binomial ------------------------------------------------------------------------------


def _binomial_type(call: OpCall) -> TensorType:
    require(call, 0, KEY, "the key")
    require_dtype(call, 1, FLOATING)
    if require_dtype(call, 2, FLOATING) is not call.types[1].dtype:
        require_same_dtype(call)
    return call.types[1].with_shape(common_shape(call, (1, 2)))


def _propose_binomial(
    build: Builder, key: Value, round_key: Value, invariants: Sequence[Value]
) -> Proposal:
    n, p = invariants
    m = _Arithmetic(build, n)
    q = m.subtract(1.0, p)
    mean = m.multiply(n, p)
    deviation = build.sqrt(m.multiply(mean, q))
    b = m.add(m.multiply(deviation, 2.53), 1.15)
    a = m.add(m.add(m.multiply(b, 0.0248), m.multiply(p, 0.01)), -0.0873)
    mode = build.floor(m.multiply(m.add(n, 1.0), p))
    m, u, distance, slope, v = _transformed(build, round_key, a, b)
    k = build.floor(m.add(m.add(m.multiply(slope, u), mean), 0.5))
    is_count = build.and_(m.compare(k, "GE", 0.0), m.compare(k, "LE", n))
    safe = m.select(is_count, k, mode)
    inside = m.compare(distance, "GE", 0.07)
    quick = build.and_(inside, m.compare(v, "LE", m.subtract(0.92, m.divide(4.2, b))))
    scale = m.multiply(m.add(m.divide(5.1, b), 2.83), deviation)
    area = m.add(m.divide(a, m.multiply(distance, distance)), b)
    left = build.log(m.divide(m.multiply(v, scale), area))
    # the logarithm of the probability of k over that of the mode, from ratios near 1
    ratio = m.divide(p, q)
    rest, mode_rest = m.subtract(n, safe), m.subtract(n, mode)

    def logarithm(above: Value, below: Value) -> Value:
        return build.log(m.divide(above, below))

    one_more = [m.add(each, 1.0) for each in (safe, rest, mode, mode_rest)]
    after_k, after_rest, after_mode, after_mode_rest = one_more
    first = m.multiply(m.add(mode, 0.5), logarithm(after_mode, m.multiply(ratio, after_mode_rest)))
    second = m.multiply(m.add(n, 1.0), logarithm(after_mode_rest, after_rest))
    third = m.multiply(m.add(safe, 0.5), logarithm(m.multiply(ratio, after_rest), after_k))
    remainders = [m.log_factorial_remainder(each) for each in (mode, mode_rest, safe, rest)]
    corrections = m.subtract(m.add(*remainders[:2]), m.add(*remainders[2:]))
    right = m.add(m.add(m.add(first, second), third), corrections)
    slow = build.and_(is_count, m.compare(left, "LE", right))
    return Proposal(k, build.or_(build.and_(quick, is_count), slow))


def _binomial(build: Builder, call: OpCall, key: Value, counts: Value, chances: Value) -> Value:
    dtype = _computed_in(counts.type.dtype)
    n, p = (
        each if each.type.dtype is dtype else build.convert(each, dtype=dtype)
        for each in (counts, chances)
    )
    m = _Arithmetic(build, n)
    # the rarer of both outcomes is counted
    is_swapped = m.compare(p, "GT", 0.5)
    rare = m.select(is_swapped, m.subtract(1.0, p), p)
    is_chance = build.and_(m.compare(rare, "GE", 0.0), m.compare(rare, "LE", 0.5))
    is_usable = build.and_(is_chance, build.and_(m.compare(n, "GE", 0.0), build.is_finite(n)))
    is_drawn = build.and_(
        is_usable, build.and_(m.compare(rare, "GT", 0.0), m.compare(n, "GT", 0.0))
    )
    is_small = build.and_(is_drawn, m.compare(m.multiply(n, rare), "LT", _SMALL))
    is_large = build.and_(is_drawn, build.not_(is_small))

    def step(inner: Builder, uniform: Value, invariants: Sequence[Value]) -> Value:
        """How many trials to the next success, itself included."""
        return inner.ceil(inner.divide(inner.log(uniform), invariants[1]))

    never = build.log_plus_one(build.negate(m.select(is_small, rare, 0.5)))
    few = sum_until_above(build, key, [m.select(is_small, n, 0.0), never], is_small, step)
    second_key = build.random_fold(key, build.full(_SECOND, U32))
    large = [m.select(is_large, n, 100.0), m.select(is_large, rare, 0.5)]
    many = draw_until_accepted(build, second_key, large, is_large, _propose_binomial)
    found = m.select(is_small, few, m.select(is_large, many, 0.0))
    made = m.select(is_usable, m.select(is_swapped, m.subtract(n, found), found), np.nan)
    return made if dtype is counts.type.dtype else build.convert(made, dtype=counts.type.dtype)


def _binomial_samples() -> list[Sample]:
    counts = np.array([0, 1, 10, 10, 50, 100, 1000, 1e6, 20], np.float32)
    chances = np.array([0.5, 0.3, 0, 1, 0.9, 0.5, 0.01, 0.7, 0.5], np.float32)
    edges = (
        np.array([5, 5, -1, np.nan], np.float32),
        np.array([1.5, np.nan, 0.5, 0.5], np.float32),
    )
    return [
        Sample((_KEY_SAMPLE, counts, chances), differentiable=False),
        Sample((_KEY_SAMPLE, *edges), differentiable=False),
        Sample((_KEY_SAMPLE, draw(0), draw(0)), differentiable=False),
    ]


RANDOM_BINOMIAL = _define(
    "random_binomial",
    "How many of a number of trials succeed, as a float; operands: key, trials, probabilities.",
    3,
    _binomial_type,
    _binomial,
    _binomial_samples,
)

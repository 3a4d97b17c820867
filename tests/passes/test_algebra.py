"""Algebra: every rule gives the exact graph and the declared numbers; nothing else fires."""

from __future__ import annotations

import math

import numpy as np
import pytest

from graphc.dtypes import DType, as_dtype
from graphc.ir.types import as_type
from passes.algebra import Algebra, RULES
from passes.choice_rules import COMMUTATIVE, holds_exactly
from passes.constant_gathering import GATHERING
from tests.passes.rewrite_checks import (
    BOOL,
    C64,
    F32,
    I32,
    SYMBOLIC,
    U8,
    Case,
    apply,
    assert_same_graph,
    check,
    check_refused,
    graph_of,
)


def full(build, x, number):
    return build.full_like(x, number)


def first(build, x, *others):
    return x


def zero(build, x):
    return build.full_like(x, 0)


def spread(build, x, shape=(4, 2, 3)):
    return build.broadcast_in_dim(x, shape=shape, broadcast_dimensions=(1, 2))


ARITHMETIC_CASES = [
    Case("add_negative_zero", (F32,), lambda b, x: b.add(x, full(b, x, -0.0)), first),
    Case("add_negative_zero", (F32,), lambda b, x: b.add(full(b, x, -0.0), x), first),
    Case("add_negative_zero", (SYMBOLIC,), lambda b, x: b.add(x, full(b, x, -0.0)), first),
    Case("add_zero", (I32,), lambda b, x: b.add(x, full(b, x, 0)), first),
    Case("add_negated", (F32, F32), lambda b, x, y: b.add(b.negate(y), x), lambda b, x, y: b.subtract(x, y)),
    Case(
        "add_broadcast_of_negated",
        (as_type("float32", (4, 2, 3)), F32),
        lambda b, x, y: b.add(x, spread(b, b.negate(y))),
        lambda b, x, y: b.subtract(x, spread(b, y)),
    ),
    Case("subtract_negated", (F32, F32), lambda b, x, y: b.subtract(x, b.negate(y)), lambda b, x, y: b.add(x, y)),
    Case("subtract_constant", (F32,), lambda b, x: b.subtract(x, full(b, x, 2.5)), lambda b, x: b.add(x, full(b, x, -2.5))),
    Case("subtract_constant", (F32,), lambda b, x: b.subtract(x, full(b, x, 0.0)), first),
    Case("subtract_itself", (I32,), lambda b, x: b.subtract(x, x), zero),
    Case("subtract_from_negative_zero", (F32,), lambda b, x: b.subtract(full(b, x, -0.0), x), lambda b, x: b.negate(x)),
    Case("subtract_from_zero", (I32,), lambda b, x: b.subtract(zero(b, x), x), lambda b, x: b.negate(x)),
    Case("negate_difference", (I32, I32), lambda b, x, y: b.negate(b.subtract(x, y)), lambda b, x, y: b.subtract(y, x)),
    Case("double_negation", (F32,), lambda b, x: b.negate(b.negate(x)), first),
    Case("multiply_by_one", (F32,), lambda b, x: b.multiply(full(b, x, 1), x), first),
    Case("multiply_by_one", (I32,), lambda b, x: b.multiply(x, full(b, x, 1)), first),
    Case("multiply_by_minus_one", (F32,), lambda b, x: b.multiply(x, full(b, x, -1)), lambda b, x: b.negate(x)),
    Case("multiply_by_zero", (I32,), lambda b, x: b.multiply(x, zero(b, x)), zero),
    Case("divide_by_one", (F32,), lambda b, x: b.divide(x, full(b, x, 1)), first),
    Case("divide_by_minus_one", (F32,), lambda b, x: b.divide(x, full(b, x, -1)), lambda b, x: b.negate(x)),
    Case(
        "multiply_negated_by_negated", (F32, F32),
        lambda b, x, y: b.multiply(b.negate(x), b.negate(y)), lambda b, x, y: b.multiply(x, y),
    ),
    Case(
        "divide_negated_by_negated", (F32, F32),
        lambda b, x, y: b.divide(b.negate(x), b.negate(y)), lambda b, x, y: b.divide(x, y),
    ),
    Case(
        "multiply_negated_by_constant", (F32,),
        lambda b, x: b.multiply(full(b, x, 3), b.negate(x)), lambda b, x: b.multiply(x, full(b, x, -3)),
    ),
    Case(
        "divide_negated_by_constant", (F32,),
        lambda b, x: b.divide(b.negate(x), full(b, x, 3)), lambda b, x: b.divide(x, full(b, x, -3)),
    ),
    Case(
        "divide_constant_by_negated", (F32,),
        lambda b, x: b.divide(full(b, x, 3), b.negate(x)), lambda b, x: b.divide(full(b, x, -3), x),
    ),
    Case(
        "negate_multiple", (F32,),
        lambda b, x: b.negate(b.multiply(x, full(b, x, 3))), lambda b, x: b.multiply(x, full(b, x, -3)),
    ),
    Case(
        "negate_quotient_by_constant", (F32,),
        lambda b, x: b.negate(b.divide(x, full(b, x, 3))), lambda b, x: b.divide(x, full(b, x, -3)),
    ),
    Case(
        "negate_quotient_of_constant", (F32,),
        lambda b, x: b.negate(b.divide(full(b, x, 3), x)), lambda b, x: b.divide(full(b, x, -3), x),
    ),
    Case(
        "multiply_negated", (F32, F32),
        lambda b, x, y: b.multiply(y, b.negate(x)), lambda b, x, y: b.negate(b.multiply(x, y)),
    ),
    Case(
        "divide_negated", (F32, F32),
        lambda b, x, y: b.divide(b.negate(x), y), lambda b, x, y: b.negate(b.divide(x, y)),
    ),
    Case(
        "divide_by_negated", (F32, F32),
        lambda b, x, y: b.divide(x, b.negate(y)), lambda b, x, y: b.negate(b.divide(x, y)),
    ),
    Case(
        "multiply_by_reciprocal", (F32, F32),
        lambda b, x, y: b.multiply(b.divide(full(b, y, 1), y), x), lambda b, x, y: b.divide(x, y),
    ),
    Case(
        "divide_by_reciprocal", (F32, F32),
        lambda b, x, y: b.divide(x, b.divide(full(b, y, 1), y)), lambda b, x, y: b.multiply(x, y),
    ),
    Case(
        "reciprocal_of_square_root", (F32,),
        lambda b, x: b.divide(full(b, x, 1), b.sqrt(x)), lambda b, x: b.rsqrt(x), low=0.1,
    ),
    Case("remainder_by_one", (I32,), lambda b, x: b.remainder(x, full(b, x, 1)), zero),
    Case("power_of_one", (F32,), lambda b, x: b.power(x, full(b, x, 1)), first),
    Case("power_of_zero", (F32,), lambda b, x: b.power(x, full(b, x, 0)), lambda b, x: full(b, x, 1)),
    Case("power_of_two", (F32,), lambda b, x: b.power(x, full(b, x, 2)), lambda b, x: b.multiply(x, x)),
    Case("power_of_minus_one", (F32,), lambda b, x: b.power(x, full(b, x, -1)), lambda b, x: b.divide(full(b, x, 1), x)),
    Case("power_of_half", (F32,), lambda b, x: b.power(x, full(b, x, 0.5)), lambda b, x: b.sqrt(x), low=0.0),
    Case("power_of_minus_half", (F32,), lambda b, x: b.power(x, full(b, x, -0.5)), lambda b, x: b.rsqrt(x), low=0.1),
    Case("absolute_value_of_negated", (F32,), lambda b, x: b.abs(b.negate(x)), lambda b, x: b.abs(x)),
    Case("absolute_value_twice", (I32,), lambda b, x: b.abs(b.abs(x)), lambda b, x: b.abs(x)),
    Case("real_part_of_complex", (F32, F32), lambda b, x, y: b.real(b.complex(x, y)), first),
    Case("imaginary_part_of_complex", (F32, F32), lambda b, x, y: b.imag(b.complex(x, y)), lambda b, x, y: y),
    Case("complex_of_parts", (C64,), lambda b, x: b.complex(b.real(x), b.imag(x)), first),
    Case("conjugate_twice", (C64,), lambda b, x: b.conj(b.conj(x)), first),
    Case("stop_gradient_twice", (F32,), lambda b, x: b.stop_gradient(b.stop_gradient(x)), lambda b, x: b.stop_gradient(x)),
]  # fmt: skip


def gathering_case(name: str, before, after) -> Case:
    return Case(name, (I32 if "whole" in name else F32,), before, after, low=0.5)


def c(build, x, number):
    return build.full_like(x, number)


GATHERING_CASES = [
    gathering_case(f"gather_{kind}{name}", before, after)
    for kind in ("whole_", "")
    for name, before, after in (
        ("sum", lambda b, x: b.add(c(b, x, 3), b.add(x, c(b, x, 4))), lambda b, x: b.add(x, c(b, x, 7))),
        ("difference_plus", lambda b, x: b.add(b.subtract(c(b, x, 3), x), c(b, x, 4)), lambda b, x: b.subtract(c(b, x, 7), x)),
        ("minus_sum", lambda b, x: b.subtract(c(b, x, 3), b.add(x, c(b, x, 5))), lambda b, x: b.subtract(c(b, x, -2), x)),
        ("minus_difference", lambda b, x: b.subtract(c(b, x, 3), b.subtract(c(b, x, 5), x)), lambda b, x: b.add(x, c(b, x, -2))),
        ("product", lambda b, x: b.multiply(b.multiply(c(b, x, 3), x), c(b, x, 4)), lambda b, x: b.multiply(x, c(b, x, 12))),
    )
] + [
    gathering_case("gather_quotient", lambda b, x: b.divide(b.divide(x, c(b, x, 3)), c(b, x, 4)), lambda b, x: b.divide(x, c(b, x, 12))),
    gathering_case("gather_product_over", lambda b, x: b.divide(b.multiply(x, c(b, x, 3)), c(b, x, 4)), lambda b, x: b.multiply(x, c(b, x, 0.75))),
    gathering_case("gather_quotient_times", lambda b, x: b.multiply(b.divide(x, c(b, x, 4)), c(b, x, 3)), lambda b, x: b.multiply(x, c(b, x, 0.75))),
]  # fmt: skip


def relation(build, x, y, direction):
    return build.compare(x, y, direction=direction)


SCALAR = as_type("bool")
CHOICE_CASES = [
    *[
        Case(
            f"constant_right_of_{name}",
            (BOOL if name in ("and", "or", "xor") else F32,),
            lambda b, x, name=name: getattr(b, name)(b.array(np.arange(6).reshape(2, 3), x.type.dtype), x),
            lambda b, x, name=name: getattr(b, name)(x, b.array(np.arange(6).reshape(2, 3), x.type.dtype)),
        )
        for name in COMMUTATIVE
    ],
    Case("compare_with_constant_right", (F32,), lambda b, x: relation(b, full(b, x, 2), x, "LT"), lambda b, x: relation(b, x, full(b, x, 2), "GT")),
    Case("compare_upwards", (F32, F32), lambda b, x, y: relation(b, x, y, "GE"), lambda b, x, y: relation(b, y, x, "LE")),
    Case("equal_to_itself", (I32,), lambda b, x: relation(b, x, x, "LE"), lambda b, x: b.full(True, as_dtype("bool"), (2, 3))),
    Case("differs_from_itself", (I32,), lambda b, x: relation(b, x, x, "NE"), lambda b, x: b.full(False, as_dtype("bool"), (2, 3))),
    Case("not_of_comparison", (F32, F32), lambda b, x, y: getattr(b, "not")(relation(b, x, y, "EQ")), lambda b, x, y: relation(b, x, y, "NE")),
    Case("not_of_comparison", (I32, I32), lambda b, x, y: getattr(b, "not")(relation(b, x, y, "GE")), lambda b, x, y: relation(b, x, y, "LT")),
    Case("maximum_of_one", (F32,), lambda b, x: b.maximum(x, x), first),
    Case("minimum_of_one", (F32,), lambda b, x: b.minimum(x, x), first),
    Case("maximum_with_least", (F32,), lambda b, x: b.maximum(full(b, x, -math.inf), x), first),
    Case("minimum_with_greatest", (F32,), lambda b, x: b.minimum(x, full(b, x, math.inf)), first),
    Case("select_equal", (BOOL, F32), lambda b, p, x: b.select(p, x, x), lambda b, p, x: x),
    Case("select_always", (F32, F32), lambda b, x, y: b.select(b.full(True, SCALAR.dtype), x, y), first),
    Case("select_never", (F32, F32), lambda b, x, y: b.select(b.full(False, SCALAR.dtype, (2, 3)), x, y), lambda b, x, y: y),
    Case("select_by_negation", (BOOL, F32, F32), lambda b, p, x, y: b.select(getattr(b, "not")(p), x, y), lambda b, p, x, y: b.select(p, y, x)),
    Case(
        "select_within_first", (BOOL, F32, F32, F32),
        lambda b, p, x, y, z: b.select(p, b.select(p, x, y), z), lambda b, p, x, y, z: b.select(p, x, z),
    ),
    Case(
        "select_within_second", (BOOL, F32, F32, F32),
        lambda b, p, x, y, z: b.select(p, x, b.select(p, y, z)), lambda b, p, x, y, z: b.select(p, x, z),
    ),
    Case("select_true_or_false", (BOOL,), lambda b, p: b.select(p, full(b, p, True), full(b, p, False)), first),
    Case("select_false_or_true", (BOOL,), lambda b, p: b.select(p, full(b, p, False), full(b, p, True)), lambda b, p: getattr(b, "not")(p)),
    Case("convert_to_same", (F32,), lambda b, x: b.convert(x, dtype="float32"), first),
    Case("convert_twice", (I32,), lambda b, x: b.convert(b.convert(x, dtype="int64"), dtype="int8"), lambda b, x: b.convert(x, dtype="int8")),
    Case("convert_twice", (F32,), lambda b, x: b.convert(b.convert(x, dtype="float64"), dtype="float32"), first),
]  # fmt: skip


def logic(name: str, number: object | None = None):
    def body(build, x):
        return getattr(build, name)(x, x if number is None else build.full_like(x, number))

    return body


LOGIC_CASES = [
    Case("not_not", (U8,), lambda b, x: getattr(b, "not")(getattr(b, "not")(x)), first),
    Case("and_with_itself", (I32,), logic("and"), first),
    Case("or_with_itself", (BOOL,), logic("or"), first),
    Case("xor_with_itself", (BOOL,), logic("xor"), lambda b, x: full(b, x, False)),
    Case("and_with_all", (U8,), logic("and", 255), first),
    Case("and_with_none", (BOOL,), logic("and", False), lambda b, x: full(b, x, False)),
    Case("or_with_all", (I32,), logic("or", -1), lambda b, x: full(b, x, -1)),
    Case("or_with_none", (I32,), logic("or", 0), first),
    Case("xor_with_none", (BOOL,), logic("xor", False), first),
    Case("xor_with_all", (BOOL,), logic("xor", True), lambda b, x: getattr(b, "not")(x)),
]

CASES = [*ARITHMETIC_CASES, *GATHERING_CASES, *CHOICE_CASES, *LOGIC_CASES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rule_gives_the_graph_and_the_numbers(case: Case) -> None:
    check(Algebra(), case)


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == {rule.name for rule in RULES}

"""Algebra: every rule gives the exact graph and the declared numbers; nothing else fires."""

from __future__ import annotations

import pytest

from graphc.dimensions import symbol
from graphc.ir.types import as_type
from graphc.rewriting.graph_pass import PassContext
from passes.algebra import Algebra
from passes.constant_gathering import GATHERING
from passes.rules.arithmetic import ARITHMETIC
from tests.passes.rewrite_checks import (
    C64,
    F32,
    I32,
    SYMBOLIC,
    Case,
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
    Case(
        "add_negated",
        (F32, F32),
        lambda b, x, y: b.add(b.negate(y), x),
        lambda b, x, y: b.subtract(x, y),
    ),
    Case(
        "add_broadcast_of_negated",
        (as_type("float32", (4, 2, 3)), F32),
        lambda b, x, y: b.add(x, spread(b, b.negate(y))),
        lambda b, x, y: b.subtract(x, spread(b, y)),
    ),
    Case(
        "subtract_negated",
        (F32, F32),
        lambda b, x, y: b.subtract(x, b.negate(y)),
        lambda b, x, y: b.add(x, y),
    ),
    Case(
        "subtract_constant",
        (F32,),
        lambda b, x: b.subtract(x, full(b, x, 2.5)),
        lambda b, x: b.add(x, full(b, x, -2.5)),
    ),
    Case("subtract_constant", (F32,), lambda b, x: b.subtract(x, full(b, x, 0.0)), first),
    Case("subtract_itself", (I32,), lambda b, x: b.subtract(x, x), zero),
    Case(
        "subtract_from_negative_zero",
        (F32,),
        lambda b, x: b.subtract(full(b, x, -0.0), x),
        lambda b, x: b.negate(x),
    ),
    Case(
        "subtract_from_zero",
        (I32,),
        lambda b, x: b.subtract(zero(b, x), x),
        lambda b, x: b.negate(x),
    ),
    Case(
        "negate_difference",
        (I32, I32),
        lambda b, x, y: b.negate(b.subtract(x, y)),
        lambda b, x, y: b.subtract(y, x),
    ),
    Case("double_negation", (F32,), lambda b, x: b.negate(b.negate(x)), first),
    Case("multiply_by_one", (F32,), lambda b, x: b.multiply(full(b, x, 1), x), first),
    Case("multiply_by_one", (I32,), lambda b, x: b.multiply(x, full(b, x, 1)), first),
    Case(
        "multiply_by_minus_one",
        (F32,),
        lambda b, x: b.multiply(x, full(b, x, -1)),
        lambda b, x: b.negate(x),
    ),
    Case("multiply_by_zero", (I32,), lambda b, x: b.multiply(x, zero(b, x)), zero),
    Case("divide_by_one", (F32,), lambda b, x: b.divide(x, full(b, x, 1)), first),
    Case(
        "divide_by_minus_one",
        (F32,),
        lambda b, x: b.divide(x, full(b, x, -1)),
        lambda b, x: b.negate(x),
    ),
    Case(
        "multiply_negated_by_negated",
        (F32, F32),
        lambda b, x, y: b.multiply(b.negate(x), b.negate(y)),
        lambda b, x, y: b.multiply(x, y),
    ),
    Case(
        "divide_negated_by_negated",
        (F32, F32),
        lambda b, x, y: b.divide(b.negate(x), b.negate(y)),
        lambda b, x, y: b.divide(x, y),
    ),
    Case(
        "multiply_negated_by_constant",
        (F32,),
        lambda b, x: b.multiply(full(b, x, 3), b.negate(x)),
        lambda b, x: b.multiply(x, full(b, x, -3)),
    ),
    Case(
        "divide_negated_by_constant",
        (F32,),
        lambda b, x: b.divide(b.negate(x), full(b, x, 3)),
        lambda b, x: b.divide(x, full(b, x, -3)),
    ),
    Case(
        "divide_constant_by_negated",
        (F32,),
        lambda b, x: b.divide(full(b, x, 3), b.negate(x)),
        lambda b, x: b.divide(full(b, x, -3), x),
    ),
    Case(
        "negate_multiple",
        (F32,),
        lambda b, x: b.negate(b.multiply(x, full(b, x, 3))),
        lambda b, x: b.multiply(x, full(b, x, -3)),
    ),
    Case(
        "negate_quotient_by_constant",
        (F32,),
        lambda b, x: b.negate(b.divide(x, full(b, x, 3))),
        lambda b, x: b.divide(x, full(b, x, -3)),
    ),
    Case(
        "negate_quotient_of_constant",
        (F32,),
        lambda b, x: b.negate(b.divide(full(b, x, 3), x)),
        lambda b, x: b.divide(full(b, x, -3), x),
    ),
    Case(
        "multiply_negated",
        (F32, F32),
        lambda b, x, y: b.multiply(y, b.negate(x)),
        lambda b, x, y: b.negate(b.multiply(x, y)),
    ),
    Case(
        "divide_negated",
        (F32, F32),
        lambda b, x, y: b.divide(b.negate(x), y),
        lambda b, x, y: b.negate(b.divide(x, y)),
    ),
    Case(
        "divide_by_negated",
        (F32, F32),
        lambda b, x, y: b.divide(x, b.negate(y)),
        lambda b, x, y: b.negate(b.divide(x, y)),
    ),
    Case(
        "multiply_by_reciprocal",
        (F32, F32),
        lambda b, x, y: b.multiply(b.divide(full(b, y, 1), y), x),
        lambda b, x, y: b.divide(x, y),
    ),
    Case(
        "divide_by_reciprocal",
        (F32, F32),
        lambda b, x, y: b.divide(x, b.divide(full(b, y, 1), y)),
        lambda b, x, y: b.multiply(x, y),
    ),
    Case(
        "reciprocal_of_square_root",
        (F32,),
        lambda b, x: b.divide(full(b, x, 1), b.sqrt(x)),
        lambda b, x: b.rsqrt(x),
        low=0.1,
    ),
    Case("remainder_by_one", (I32,), lambda b, x: b.remainder(x, full(b, x, 1)), zero),
    Case("power_of_one", (F32,), lambda b, x: b.power(x, full(b, x, 1)), first),
    Case(
        "power_of_zero", (F32,), lambda b, x: b.power(x, full(b, x, 0)), lambda b, x: full(b, x, 1)
    ),
    Case(
        "power_of_two",
        (F32,),
        lambda b, x: b.power(x, full(b, x, 2)),
        lambda b, x: b.multiply(x, x),
    ),
    Case(
        "power_of_minus_one",
        (F32,),
        lambda b, x: b.power(x, full(b, x, -1)),
        lambda b, x: b.divide(full(b, x, 1), x),
    ),
    Case(
        "power_of_half",
        (F32,),
        lambda b, x: b.power(b.add(b.multiply(x, x), full(b, x, 1e-5)), full(b, x, 0.5)),
        lambda b, x: b.sqrt(b.add(b.multiply(x, x), full(b, x, 1e-5))),
    ),
    Case(
        "power_of_minus_half",
        (F32,),
        lambda b, x: b.power(b.maximum(x, full(b, x, 0.1)), full(b, x, -0.5)),
        lambda b, x: b.rsqrt(b.maximum(x, full(b, x, 0.1))),
    ),
    Case(
        "absolute_value_of_negated", (F32,), lambda b, x: b.abs(b.negate(x)), lambda b, x: b.abs(x)
    ),
    Case("absolute_value_twice", (I32,), lambda b, x: b.abs(b.abs(x)), lambda b, x: b.abs(x)),
    Case("real_part_of_complex", (F32, F32), lambda b, x, y: b.real(b.complex(x, y)), first),
    Case(
        "imaginary_part_of_complex",
        (F32, F32),
        lambda b, x, y: b.imag(b.complex(x, y)),
        lambda b, x, y: y,
    ),
    Case("complex_of_parts", (C64,), lambda b, x: b.complex(b.real(x), b.imag(x)), first),
    Case("conjugate_twice", (C64,), lambda b, x: b.conj(b.conj(x)), first),
    Case(
        "stop_gradient_twice",
        (F32,),
        lambda b, x: b.stop_gradient(b.stop_gradient(x)),
        lambda b, x: b.stop_gradient(x),
    ),
]


def gathering_case(name: str, before, after) -> Case:
    return Case(name, (I32 if "whole" in name else F32,), before, after, low=0.5)


def c(build, x, number):
    return build.full_like(x, number)


GATHERING_CASES = [
    gathering_case(f"gather_{kind}{name}", before, after)
    for kind in ("whole_", "")
    for name, before, after in (
        (
            "sum",
            lambda b, x: b.add(c(b, x, 3), b.add(x, c(b, x, 4))),
            lambda b, x: b.add(x, c(b, x, 7)),
        ),
        (
            "difference_plus",
            lambda b, x: b.add(b.subtract(c(b, x, 3), x), c(b, x, 4)),
            lambda b, x: b.subtract(c(b, x, 7), x),
        ),
        (
            "minus_sum",
            lambda b, x: b.subtract(c(b, x, 3), b.add(x, c(b, x, 5))),
            lambda b, x: b.subtract(c(b, x, -2), x),
        ),
        (
            "minus_difference",
            lambda b, x: b.subtract(c(b, x, 3), b.subtract(c(b, x, 5), x)),
            lambda b, x: b.add(x, c(b, x, -2)),
        ),
        (
            "product",
            lambda b, x: b.multiply(b.multiply(c(b, x, 3), x), c(b, x, 4)),
            lambda b, x: b.multiply(x, c(b, x, 12)),
        ),
    )
] + [
    gathering_case(
        "gather_quotient",
        lambda b, x: b.divide(b.divide(x, c(b, x, 3)), c(b, x, 4)),
        lambda b, x: b.divide(x, c(b, x, 12)),
    ),
    gathering_case(
        "gather_product_over",
        lambda b, x: b.divide(b.multiply(x, c(b, x, 3)), c(b, x, 4)),
        lambda b, x: b.multiply(x, c(b, x, 0.75)),
    ),
    gathering_case(
        "gather_quotient_times",
        lambda b, x: b.multiply(b.divide(x, c(b, x, 4)), c(b, x, 3)),
        lambda b, x: b.multiply(x, c(b, x, 0.75)),
    ),
]


CASES = [*ARITHMETIC_CASES, *GATHERING_CASES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rule_gives_the_graph_and_the_numbers(case: Case) -> None:
    check(Algebra(), case)


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == {rule.name for rule in (*ARITHMETIC, *GATHERING)}


REFUSED = {
    "x + 0.0 is not x for x = -0.0": (lambda b, x: b.add(x, full(b, x, 0.0)), F32, "-0.0 + 0.0"),
    "0.0 - x is not -x for x = 0.0": (
        lambda b, x: b.subtract(full(b, x, 0.0), x),
        F32,
        "0.0 - 0.0",
    ),
    "x * 0 is NaN for an infinite x": (
        lambda b, x: b.multiply(x, full(b, x, 0)),
        F32,
        "infinite",
    ),
    "x - x is NaN for an infinite x": (lambda b, x: b.subtract(x, x), F32, "infinite"),
    "x / x is NaN for 0": (lambda b, x: b.divide(x, x), F32, None),
    "x / x has no value for 0": (lambda b, x: b.divide(x, x), I32, None),
    "-(x - y) is -0.0 for equal numbers": (
        lambda b, x: b.negate(b.subtract(x, b.tanh(x))),
        F32,
        "-0.0",
    ),
    "whole quotients are rounded": (
        lambda b, x: b.divide(b.negate(x), full(b, x, 3)),
        I32,
        "rounded",
    ),
    "an infinite part times 0": (
        lambda b, x: b.multiply(x, full(b, x, 1)),
        C64,
        "complex",
    ),
    "an overflowing product of constants": (
        lambda b, x: b.multiply(b.multiply(x, full(b, x, 1e30)), full(b, x, 1e30)),
        F32,
        "inf",
    ),
    "a vanishing product of constants": (
        lambda b, x: b.multiply(b.multiply(x, full(b, x, 1e-30)), full(b, x, 1e-30)),
        F32,
        "would be",
    ),
    "a square": (lambda b, x: b.multiply(x, x), F32, None),
    "max(x, 0)": (lambda b, x: b.maximum(x, full(b, x, 0)), F32, None),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_for_some_numbers_is_left_alone(what: str) -> None:
    body, type_, reason = REFUSED[what]
    check_refused(Algebra(), body, type_, reason=reason)


def test_a_negation_that_others_use_stays_where_it_is() -> None:
    def shared(build, x, y):
        negated = build.negate(x)
        return build.multiply(negated, y), negated

    check_refused(Algebra(), shared, F32, F32)


def test_exact_rules_alone_keep_every_bit() -> None:
    exact = Algebra(numerics=("exact",))
    check_refused(exact, lambda b, x: b.power(x, full(b, x, 2)), F32)
    assert {rule.numerics for rule in exact.active_rules} == {"exact"}


@pytest.mark.parametrize("number", [1.0, -0.0])
def test_sizes_that_may_differ_are_not_taken_to_be_equal(number: float) -> None:
    n, m = symbol("n"), symbol("m")
    op_name = "multiply" if number == 1.0 else "add"

    def body(build, x, y):
        # The result has the type of the left operand; y is only known to be as long as it.
        neutral = build.full(number, x.type.dtype, (n,))
        return build.add(getattr(build, op_name)(neutral, y), x)

    graph = graph_of(body, as_type("float32", (n,)), as_type("float32", (m,)))
    context = PassContext()
    result = Algebra()(graph, context).graph
    assert result.count(op_name) >= 1
    assert any("cannot prove" in reason for _, _, reason in context.trace.refused)

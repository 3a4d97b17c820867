"""Stabilisation: every spelling of a formula gives the stable op, and the right numbers."""

from __future__ import annotations

import pytest

from graphc.ir.types import as_type
from graphc.rewriting.graph_pass import PassContext
from passes.stabilisation import RULES, Stabilisation
from tests.passes.rewrite_checks import (
    C64,
    F32,
    SYMBOLIC,
    Case,
    apply,
    check,
    check_refused,
    graph_of,
)
from tests.passes.softmax_formulas import (
    c,
    difference_of_weighted,
    gradient_of_quotient,
    gradient_of_softmax,
    narrow_gradient,
    narrow_softmax,
    rows,
    softmax_parts,
    with_gradient_of_maximum,
)

F16 = as_type("float16", (2, 3))


def one_plus_exp(build, x):
    return build.add(c(build, x, 1), build.exponential(x))


def minus_softplus(build, x):
    return build.negate(build.softplus(x))


def softmax_by_division(build, x):
    powers, total = softmax_parts(build, x)
    return build.divide(powers, rows(build, total, x))


def softmax_by_reciprocal(build, x):
    powers, total = softmax_parts(build, x)
    return build.multiply(powers, rows(build, build.divide(c(build, total, 1), total), x))


def below_maximum(build, x, axes=(1,), stop=False):
    greatest = build.reduce_max(x, axes=axes)
    greatest = build.stop_gradient(greatest) if stop else greatest
    return build.subtract(x, rows(build, greatest, x, axes)), greatest


def hyperbolic(build, x):
    up, down = build.exponential(x), build.exponential(build.negate(x))
    return build.divide(build.subtract(up, down), build.add(up, down))


def softplus_parts(build, x):
    small = build.log_plus_one(build.exponential(build.negate(build.abs(x))))
    return build.add(build.maximum(x, c(build, x, 0)), small)


def log_sum_exp_of_shifted(build, x):
    shifted, greatest = below_maximum(build, x, stop=True)
    return build.add(build.log_sum_exp(shifted, axes=(1,)), greatest)


def minus_log_sum_exp(build, x, form):
    total = build.log_sum_exp(x, axes=(1,))
    if form == 0:
        return build.subtract(x, rows(build, total, x))
    inside = rows(build, build.negate(total) if form == 1 else total, x)
    return build.add(x, inside if form == 1 else build.negate(inside))


def of(name, x_of=lambda b, x: x, **attributes):
    return lambda b, x: getattr(b, name)(x_of(b, x), **attributes)


def minus(build, x):
    return build.negate(x)


CASES = [
    Case("log_of_exponential", (F32,), of("log", of("exponential")), lambda b, x: x),
    Case(
        "log_of_logistic",
        (F32,),
        of("log", of("logistic")),
        lambda b, x: minus_softplus(b, minus(b, x)),
    ),
    Case("log_sigmoid", (F32,), of("log_sigmoid"), lambda b, x: minus_softplus(b, minus(b, x))),
    Case(
        "log_of_one_minus_logistic",
        (F32,),
        lambda b, x: (b.log(b.subtract(c(b, x, 1), p := b.logistic(x))), p),
        lambda b, x: (minus_softplus(b, x), b.logistic(x)),
    ),
    Case(
        "log_of_one_minus_logistic",
        (F32,),
        lambda b, x: b.log_plus_one(minus(b, b.logistic(x))),
        minus_softplus,
    ),
    Case("log_of_one_plus_exponential", (F32,), of("log", one_plus_exp), of("softplus")),
    Case("log_of_one_plus_exponential", (SYMBOLIC,), of("log", one_plus_exp), of("softplus")),
    Case(
        "log_of_one_plus_exponential",
        (F32,),
        of("log_plus_one", of("exponential")),
        of("softplus"),
    ),
    Case(
        "log_of_one_plus",
        (F32,),
        lambda b, x: b.log(b.add(x, c(b, x, 1))),
        of("log_plus_one"),
        low=-0.9,
    ),
    Case(
        "log_of_one_minus",
        (F32,),
        lambda b, x: b.log(b.subtract(c(b, x, 1), x)),
        of("log_plus_one", minus),
        high=0.9,
    ),
    Case(
        "softplus_minus_argument",
        (F32,),
        lambda b, x: b.subtract(b.softplus(x), x),
        of("softplus", minus),
    ),
    Case(
        "argument_minus_softplus",
        (F32,),
        lambda b, x: b.add(x, b.negate(b.softplus(x))),
        lambda b, x: minus_softplus(b, minus(b, x)),
    ),
    Case(
        "softplus_of_negated_plus_argument",
        (F32,),
        lambda b, x: b.add(x, b.softplus(minus(b, x))),
        of("softplus"),
    ),
    Case("softplus_of_parts", (F32,), softplus_parts, of("softplus")),
    Case(
        "exponential_of_minus_softplus",
        (F32,),
        of("exponential", minus_softplus),
        of("logistic", minus),
    ),
    Case(
        "reciprocal_of_one_plus_exponential",
        (F32,),
        lambda b, x: b.divide(c(b, x, 1), one_plus_exp(b, x)),
        of("logistic", minus),
    ),
    Case(
        "reciprocal_of_one_plus_exponential",
        (F32,),
        lambda b, x: b.power(one_plus_exp(b, x), c(b, x, -1)),
        of("logistic", minus),
    ),
    Case(
        "exponential_over_one_plus_exponential",
        (F32,),
        lambda b, x: b.divide(b.exponential(x), one_plus_exp(b, x)),
        of("logistic"),
    ),
    Case(
        "one_minus_logistic",
        (F32,),
        lambda b, x: b.subtract(c(b, x, 1), b.logistic(x)),
        of("logistic", minus),
    ),
    Case(
        "one_minus_logistic",
        (F32,),
        lambda b, x: b.add(minus(b, b.logistic(x)), c(b, x, 1)),
        of("logistic", minus),
    ),
    Case(
        "exponential_minus_one",
        (F32,),
        lambda b, x: b.subtract(b.exponential(x), c(b, x, 1)),
        of("exponential_minus_one"),
    ),
    Case(
        "exponential_minus_one",
        (F32,),
        lambda b, x: b.add(c(b, x, -1), b.exponential(x)),
        of("exponential_minus_one"),
    ),
    Case(
        "one_minus_exponential",
        (F32,),
        lambda b, x: b.subtract(c(b, x, 1), b.exponential(x)),
        lambda b, x: b.negate(b.exponential_minus_one(x)),
    ),
    Case("quotient_of_hyperbolic", (F32,), hyperbolic, of("tanh")),
    Case("root_of_square", (F32,), lambda b, x: b.sqrt(b.multiply(x, x)), of("abs")),
    Case("root_of_square", (F32,), lambda b, x: b.sqrt(b.power(x, c(b, x, 2))), of("abs")),
    Case("exponential_over_sum", (F32,), softmax_by_division, of("softmax", axis=1)),
    Case("exponential_over_sum", (F16,), narrow_softmax, of("softmax", axis=1)),
    Case("gradient_of_exponential_over_sum", (F16, F16), narrow_gradient, gradient_of_softmax),
    Case("exponential_over_sum", (SYMBOLIC,), softmax_by_reciprocal, of("softmax", axis=1)),
    *[
        Case(
            f"{name}_of_shifted",
            (F32,),
            of(name, lambda b, x, stop=stop: below_maximum(b, x, stop=stop)[0], axis=1),
            of(name, axis=1),
        )
        for name in ("softmax", "log_softmax")
        for stop in (True, False)
    ],
    Case(
        "exponential_of_log_softmax",
        (F32,),
        of("exponential", of("log_softmax", axis=0)),
        of("softmax", axis=0),
    ),
    Case("log_of_softmax", (F32,), of("log", of("softmax", axis=0)), of("log_softmax", axis=0)),
    *[
        Case(
            "argument_minus_log_sum_exp",
            (F32,),
            lambda b, x, form=form: minus_log_sum_exp(b, x, form),
            of("log_softmax", axis=1),
        )
        for form in range(3)
    ],
    Case(
        "log_of_sum_of_exponentials",
        (F32,),
        lambda b, x: b.log(b.reduce_sum(b.exponential(x), axes=(0, 1))),
        of("log_sum_exp", axes=(0, 1)),
    ),
    Case("log_sum_exp_of_shifted", (F32,), log_sum_exp_of_shifted, of("log_sum_exp", axes=(1,))),
    Case("gradient_of_exponential_over_sum", (F32, F32), gradient_of_quotient, gradient_of_softmax),
    Case(
        "gradient_of_exponential_over_sum",
        (SYMBOLIC,) * 2,
        gradient_of_quotient,
        gradient_of_softmax,
    ),
    Case(
        "gradient_of_softmax_as_difference",
        (F32, F32),
        difference_of_weighted,
        gradient_of_softmax,
    ),
    *[
        Case(
            "gradient_of_subtracted_maximum",
            (F32, F32, F32),
            lambda b, x, ct, y, first=sign_first: with_gradient_of_maximum(b, x, ct, y, first),
            gradient_of_softmax,
        )
        for sign_first in (True, False)
    ],
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rule_gives_the_graph_and_the_numbers(case: Case) -> None:
    check(Stabilisation(), case)


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == {rule.name for rule in RULES}
    assert {rule.numerics for rule in RULES} == {"exact", "stabilises", "reassociates"}


REFUSED = {
    "complex numbers": (of("log", one_plus_exp), C64, "branches"),
    "a row is divided by another row's sum": (
        lambda b, x: b.divide(
            b.exponential(x), rows(b, b.reduce_sum(b.exponential(x), axes=(0,)), x, (1,))
        ),
        as_type("float32", (3, 3)),
        "rows",
    ),
    "the sum runs over two axes": (
        lambda b, x: b.divide(
            b.exponential(x), rows(b, b.reduce_sum(b.exponential(x), axes=(0, 1)), x, (0, 1))
        ),
        F32,
        "one axis",
    ),
    "something else is subtracted": (
        lambda b, x: b.softmax(b.subtract(x, rows(b, b.reduce_min(x, axes=(1,)), x)), axis=1),
        F32,
        "not the maximum",
    ),
    "softplus is made of a stable logarithm": (
        lambda b, x: b.log_plus_one(b.exponential(minus(b, b.abs(x)))),
        F32,
        "stable already",
    ),
    "the exponentials are rounded before they are summed": (
        lambda b, x: b.divide(
            e := b.exponential(x),
            rows(
                b,
                b.convert(b.reduce_sum(b.convert(e, dtype="float16"), axes=(1,)), dtype="float32"),
                x,
            ),
        ),
        F32,
        None,
    ),
    "exp(log(x)) is NaN for a negative x": (of("exponential", of("log")), F32, None),
    "the sums of a gradient run over another axis": (
        lambda b, x: b.subtract(
            b.multiply(x, w := b.softmax(x, axis=0)),
            b.multiply(rows(b, b.reduce_sum(b.multiply(x, w), axes=(1,)), x), w),
        ),
        F32,
        "not of the rows",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_something_else_is_left_alone(what: str) -> None:
    body, type_, reason = REFUSED[what]
    check_refused(Stabilisation(), body, type_, reason=reason)


def test_nothing_is_matched_through_a_tap() -> None:
    check_refused(Stabilisation(), lambda b, x: b.log(b.tap(b.softmax(x, axis=1), label="t")), F32)


def test_a_logistic_that_is_needed_anyway_is_not_computed_twice() -> None:
    def gradient_of_logistic(build, x):
        y = build.logistic(x)
        return build.multiply(y, build.subtract(c(build, y, 1), y))

    check_refused(Stabilisation(), gradient_of_logistic, F32)


def test_the_trace_says_what_fired_at_which_node() -> None:
    context = PassContext()
    apply(Stabilisation(), graph_of(of("log", of("softmax", axis=1)), F32), context)
    (firing,) = [f for f in context.trace.firings if f.rule == "log_of_softmax"]
    assert (firing.pass_name, firing.op) == ("stabilisation", "log")

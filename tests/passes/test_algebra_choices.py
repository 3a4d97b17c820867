"""Comparison, choice and logic: every rule gives the exact graph and the declared numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from graphc.dtypes import ALL, DType, as_dtype
from graphc.ir.types import as_type
from passes.algebra import Algebra
from passes.rules.choice import CHOICES, COMMUTATIVE, holds_exactly
from passes.rules.logic import LOGIC
from tests.passes.rewrite_checks import BOOL, F32, I32, U8, Case, check, check_refused


def full(build, x, number):
    return build.full_like(x, number)


def first(build, x, *others):
    return x


def relation(build, x, y, direction):
    return build.compare(x, y, direction=direction)


SCALAR = as_type("bool")
CHOICE_CASES = [
    *[
        Case(
            f"constant_right_of_{name}",
            (BOOL if name in ("and", "or", "xor") else F32,),
            lambda b, x, name=name: getattr(b, name)(
                b.array(np.arange(6).reshape(2, 3), x.type.dtype), x
            ),
            lambda b, x, name=name: getattr(b, name)(
                x, b.array(np.arange(6).reshape(2, 3), x.type.dtype)
            ),
        )
        for name in COMMUTATIVE
    ],
    Case(
        "compare_with_constant_right",
        (F32,),
        lambda b, x: relation(b, full(b, x, 2), x, "LT"),
        lambda b, x: relation(b, x, full(b, x, 2), "GT"),
    ),
    Case(
        "compare_upwards",
        (F32, F32),
        lambda b, x, y: relation(b, x, y, "GE"),
        lambda b, x, y: relation(b, y, x, "LE"),
    ),
    Case(
        "equal_to_itself",
        (I32,),
        lambda b, x: relation(b, x, x, "LE"),
        lambda b, x: b.full(True, as_dtype("bool"), (2, 3)),
    ),
    Case(
        "differs_from_itself",
        (I32,),
        lambda b, x: relation(b, x, x, "NE"),
        lambda b, x: b.full(False, as_dtype("bool"), (2, 3)),
    ),
    Case(
        "not_of_comparison",
        (F32, F32),
        lambda b, x, y: getattr(b, "not")(relation(b, x, y, "EQ")),
        lambda b, x, y: relation(b, x, y, "NE"),
    ),
    Case(
        "not_of_comparison",
        (I32, I32),
        lambda b, x, y: getattr(b, "not")(relation(b, x, y, "GE")),
        lambda b, x, y: relation(b, x, y, "LT"),
    ),
    Case("maximum_of_one", (F32,), lambda b, x: b.maximum(x, x), first),
    Case("minimum_of_one", (F32,), lambda b, x: b.minimum(x, x), first),
    Case("maximum_with_least", (F32,), lambda b, x: b.maximum(full(b, x, -math.inf), x), first),
    Case("minimum_with_greatest", (F32,), lambda b, x: b.minimum(x, full(b, x, math.inf)), first),
    Case("select_equal", (BOOL, F32), lambda b, p, x: b.select(p, x, x), lambda b, p, x: x),
    Case(
        "select_always",
        (F32, F32),
        lambda b, x, y: b.select(b.full(True, SCALAR.dtype), x, y),
        first,
    ),
    Case(
        "select_never",
        (F32, F32),
        lambda b, x, y: b.select(b.full(False, SCALAR.dtype, (2, 3)), x, y),
        lambda b, x, y: y,
    ),
    Case(
        "select_by_negation",
        (BOOL, F32, F32),
        lambda b, p, x, y: b.select(getattr(b, "not")(p), x, y),
        lambda b, p, x, y: b.select(p, y, x),
    ),
    Case(
        "select_within_first",
        (BOOL, F32, F32, F32),
        lambda b, p, x, y, z: b.select(p, b.select(p, x, y), z),
        lambda b, p, x, y, z: b.select(p, x, z),
    ),
    Case(
        "select_within_second",
        (BOOL, F32, F32, F32),
        lambda b, p, x, y, z: b.select(p, x, b.select(p, y, z)),
        lambda b, p, x, y, z: b.select(p, x, z),
    ),
    Case(
        "select_true_or_false",
        (BOOL,),
        lambda b, p: b.select(p, full(b, p, True), full(b, p, False)),
        first,
    ),
    Case(
        "select_false_or_true",
        (BOOL,),
        lambda b, p: b.select(p, full(b, p, False), full(b, p, True)),
        lambda b, p: getattr(b, "not")(p),
    ),
    Case("convert_to_same", (F32,), lambda b, x: b.convert(x, dtype="float32"), first),
    Case(
        "convert_twice",
        (I32,),
        lambda b, x: b.convert(b.convert(x, dtype="int64"), dtype="int8"),
        lambda b, x: b.convert(x, dtype="int8"),
    ),
    Case(
        "convert_twice",
        (F32,),
        lambda b, x: b.convert(b.convert(x, dtype="float64"), dtype="float32"),
        first,
    ),
]


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


CASES = [*CHOICE_CASES, *LOGIC_CASES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_rule_gives_the_graph_and_the_numbers(case: Case) -> None:
    check(Algebra(), case)


def test_every_rule_has_a_case() -> None:
    assert {case.rule for case in CASES} == {rule.name for rule in (*CHOICES, *LOGIC)}


REFUSED = {
    "x == x is false for NaN": (lambda b, x: relation(b, x, x, "EQ"), F32, "NaN"),
    "x != x is true for NaN": (lambda b, x: relation(b, x, x, "NE"), F32, "NaN"),
    "not (x < y) holds for NaN": (
        lambda b, x: getattr(b, "not")(relation(b, x, b.tanh(x), "LT")),
        F32,
        "NaN",
    ),
    "float16 does not hold every float32": (
        lambda b, x: b.convert(b.convert(x, dtype="float16"), dtype="float32"),
        F32,
        "does not hold",
    ),
    "int16 by way of float32 saturates": (
        lambda b, x: b.convert(b.convert(x, dtype="float32"), dtype="int8"),
        as_type("int16", (3,)),
        "wraps around",
    ),
    "a bit of x": (lambda b, x: getattr(b, "and")(x, full(b, x, 3)), I32, "some bit is set"),
    "one truth value for all": (
        lambda b, x: b.select(b.reduce_and(x, axes=(0, 1)), full(b, x, True), full(b, x, False)),
        BOOL,
        "whole tensor",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_holds_for_some_numbers_only_is_left_alone(what: str) -> None:
    body, type_, reason = REFUSED[what]
    check_refused(Algebra(), body, type_, reason=reason)


def _numbers_of(dtype: DType) -> np.ndarray:
    """Every number of a small type; those at the edges of a large one."""
    if dtype.kind == "bool":
        return np.array([False, True])
    if dtype.itemsize <= 2:
        bits = np.arange(2 ** (8 * dtype.itemsize), dtype=f"uint{8 * dtype.itemsize}")
        return bits.view(dtype.numpy)
    if dtype.is_integer:
        info = np.iinfo(dtype.numpy)
        near = np.arange(-3, 4)
        powers = [2**k for k in range(1, 8 * dtype.itemsize - 1)]
        listed = {info.min, info.max, *(p + int(d) for p in powers for d in near)}
        return np.array([n for n in listed if info.min <= n <= info.max], dtype.numpy)
    info = np.finfo(dtype.numpy)
    one = dtype.numpy.type(1)
    return np.array(
        [info.max, info.min, info.tiny, info.smallest_subnormal, one + info.eps, one, 0, 3],
        dtype.numpy,
    )


def _exact(array: np.ndarray) -> list[int | float]:
    """As Python numbers, which compare exactly."""
    whole = array.dtype.kind in "biu"
    return [int(n) if whole else "nan" if n != n else float(n) for n in array.ravel()]


REAL = [dtype for dtype in ALL if not dtype.is_host and not dtype.is_complex]


@pytest.mark.parametrize("narrow", REAL, ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_type_holds_another_when_every_number_is_the_same_in_it(narrow: DType) -> None:
    numbers = _numbers_of(narrow)
    for wide in REAL:
        if wide.is_integer and narrow.is_floating:
            assert not holds_exactly(narrow, wide)
            continue
        survives = _exact(numbers) == _exact(numbers.astype(wide.numpy))
        assert holds_exactly(narrow, wide) == survives, f"{narrow} in {wide}"

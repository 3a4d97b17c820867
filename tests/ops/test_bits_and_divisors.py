"""Bits, exponents, divisors and Bessel functions: what is refused, and slopes at edges."""

from __future__ import annotations

import math

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import DTypeError, ShapeError
from tests.ops.evaluation import called, value_of


@pytest.mark.parametrize(
    ("function", "arguments", "error", "words"),
    [
        (ops.ldexp, (np.float32(1), np.float32(2)), DTypeError, "whole exponents"),
        (ops.ldexp, (np.complex64(1), np.int32(2)), DTypeError, "real numbers"),
        (ops.gcd, (np.float32(4), np.float32(2)), DTypeError, "takes integers"),
        (ops.lcm, (np.bool_(True), np.bool_(False)), DTypeError, "takes integers"),
        (ops.nextafter, (np.complex64(1), np.complex64(2)), DTypeError, "real numbers"),
        (ops.signbit, (np.complex64(1),), DTypeError, "real numbers"),
        (ops.view, (np.float32(1), "int8"), ShapeError, "last axis"),
        (ops.view, (np.zeros(3, np.int8), "int16"), ShapeError, "groups of 2"),
        (ops.view, (np.int8(3), "int16"), ShapeError, "last axis"),
        (ops.view, (np.int8(3), "string"), DTypeError, "no bits"),
        (ops.gammaln, (np.complex64(1),), DTypeError, "real numbers"),
        (ops.betainc, (1.0, 2.0, np.complex64(1)), DTypeError, "real numbers"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_line(function, arguments, error, words) -> None:
    with pytest.raises(error, match=words) as caught:
        function(*arguments)
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__


def test_the_greatest_common_divisor_of_sizes_that_are_known_when_fed() -> None:
    x, y = np.int32([12, 0, -9]), np.int32([18, 5, 6])
    np.testing.assert_array_equal(called(ops.gcd, x, y, symbolic=True), np.gcd(x, y))
    np.testing.assert_array_equal(called(ops.lcm, x, y, symbolic=True), np.lcm(x, y))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_ldexp_spans_the_exponents_of_every_float(dtype: str) -> None:
    one = np.ones(5, dtype) if dtype != "bfloat16" else ops.cast(np.ones(5), "bfloat16")
    exponents = np.int32([-14, 15, 0, -4000, 4000])
    found = value_of(ops.ldexp(one, exponents)).astype(np.float64)
    np.testing.assert_array_equal(found, [2.0**-14, 2.0**15, 1, 0, math.inf])


def test_bessel_functions_are_smooth_at_zero() -> None:
    """|x| has no derivative there, but e^|x| i0e(x) has."""
    with graphc.Session(graph=graphc.Graph()) as session:
        x = graphc.placeholder("float64", [3])
        slope = graphc.gradients(ops.i0(x), x)
        bend = graphc.gradients(slope, x)
        found = session.run([slope, bend, graphc.gradients(ops.i1(x), x)], {x: [0.0, 1.0, -2.0]})
    slopes = [0.0, 0.5651591039924851, -1.5906368546373291]
    bends = [0.5, 1.2660658777520084 - 0.5651591039924851, 2.2795853023360673 - 0.79531842731866]
    np.testing.assert_allclose(found[0], slopes, rtol=1e-12)
    np.testing.assert_allclose(found[1], bends, rtol=1e-10)
    np.testing.assert_allclose(found[2], bends, rtol=1e-10)


def test_xlogy_has_a_gradient_where_x_is_zero() -> None:
    with graphc.Session(graph=graphc.Graph()) as session:
        x = graphc.placeholder("float32", [2])
        slope = graphc.gradients(ops.xlogy(x, x), x)
        found = session.run(slope, {x: [0.0, 2.0]})
    np.testing.assert_allclose(found, [0.0, 1 + math.log(2)], rtol=1e-6)

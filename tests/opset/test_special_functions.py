"""Special functions: closed forms, edges where JAX has no derivative, and what JAX gets wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import pytest

import graphc.opset  # noqa: F401  (registers every op)
from graphc.errors import GradientError
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import vjp_graph
from graphc.ir.graph import Graph
from graphc.ir.types import as_type
from graphc.lowering.jax_internals import scoped_x64
from graphc.lowering.tracing import trace_graph
from graphc.reference.evaluator import evaluate

EULER = 0.5772156649015328606
CATALAN = 0.9159655941772190151
APERY = 1.2020569031595942854

NAN, INF = math.nan, math.inf

# op, operands, value: closed forms (DLMF 5.4, 5.15, 7.9, 8.17, 8.19, 10.39, 25.11), limits, poles
VALUES: list[tuple[str, tuple[float, ...], float]] = [
    ("erfc", (-INF,), 2.0),
    ("erfc", (10.0,), 2.088487583762545e-45),
    ("erf_inv", (0.5,), 0.4769362762044699),
    ("erf_inv", (1 - 2**-40,), 5.051254085249347),
    ("lgamma", (0.5,), math.log(math.pi) / 2),
    ("lgamma", (-0.5,), math.log(2 * math.sqrt(math.pi))),
    ("lgamma", (-3.0,), INF),
    ("lgamma", (INF,), INF),
    ("lgamma", (-INF,), INF),
    ("lgamma", (NAN,), NAN),
    ("digamma", (1.0,), -EULER),
    ("digamma", (0.25,), -EULER - math.pi / 2 - 3 * math.log(2)),
    ("digamma", (-20.5,), 3.0446168825125246),
    ("digamma", (-2.0,), NAN),
    ("digamma", (INF,), INF),
    ("polygamma", (1.0, 1.0), math.pi**2 / 6),
    ("polygamma", (1.0, 0.25), math.pi**2 + 8 * CATALAN),
    ("polygamma", (2.0, 1.0), -2 * APERY),
    ("polygamma", (3.0, 0.5), math.pi**4),
    ("polygamma", (0.0, 0.5), -EULER - 2 * math.log(2)),
    ("polygamma", (1.0, -3.0), INF),
    ("polygamma", (2.0, -3.0), NAN),
    ("polygamma", (1.0, INF), 0.0),
    ("polygamma", (0.0, INF), INF),
    ("polygamma", (0.5, 2.0), NAN),
    ("zeta", (2.0, 1.0), math.pi**2 / 6),
    ("zeta", (4.0, 0.5), 15 * math.pi**4 / 90),
    ("zeta", (1.0, 2.0), INF),
    ("zeta", (0.5, 2.0), NAN),
    ("zeta", (2.0, INF), 0.0),
    ("zeta", (2.0, -3.0), INF),
    ("zeta", (3.0, -3.0), NAN),
    ("zeta", (2.5, -0.5), NAN),
    ("zeta", (2.0, NAN), NAN),
    ("igamma", (1.0, 3.0), -math.expm1(-3.0)),
    ("igamma", (0.5, 2.0), math.erf(math.sqrt(2.0))),
    ("igamma", (0.0, 0.5), 1.0),
    ("igamma", (3.0, INF), 1.0),
    ("igammac", (3.0, 100.0), math.exp(-100.0) * 5101),
    ("igammac", (0.0, 0.5), 0.0),
    ("igammac", (3.0, INF), 0.0),
    ("igamma_grad_a", (3.0, INF), 0.0),
    ("igamma_grad_a", (3.0, 0.0), 0.0),
    ("random_gamma_grad", (3.0, 0.0), 0.0),
    *[
        (op_name, operands, NAN)
        for op_name in ("igammac", "igamma_grad_a", "random_gamma_grad")
        for operands in ((2.0, -1.0), (-1.0, 2.0), (0.0, 0.0), (NAN, 1.0), (1.0, NAN))
    ],
    ("regularized_incomplete_beta", (2.0, 3.0, 0.25), 0.26171875),
    ("regularized_incomplete_beta", (0.5, 0.5, 0.25), 1 / 3),
    ("regularized_incomplete_beta", (1000.0, 1000.0, 0.5), 0.5),
    ("bessel_i0e", (1.0,), 1.2660658777520083 / math.e),
    ("bessel_i1e", (-1.0,), -0.5651591039924850 / math.e),
    ("bessel_i0e", (-INF,), 0.0),
    ("bessel_i1e", (NAN,), NAN),
]


def apply_op(op_name: str, count: int, dtype: str = "float64", size: int = 1) -> Graph:
    build = GraphBuilder()
    operands = [build.input(as_type(dtype, (size,)), f"x{i}") for i in range(count)]
    return build.finish([getattr(build, op_name)(*operands)])


def on_xla(graph: Graph, arrays: Sequence[Any]) -> list[np.ndarray]:
    with scoped_x64():
        return jax.device_get(jax.jit(lambda *xs: trace_graph(graph, xs))(*arrays))


@pytest.mark.parametrize(("op_name", "operands", "expected"), VALUES)
def test_a_value_is_the_closed_form_in_numpy(
    op_name: str, operands: tuple[float, ...], expected: float
) -> None:
    arrays = [np.array([operand]) for operand in operands]
    (found,) = evaluate(apply_op(op_name, len(operands)), arrays)
    np.testing.assert_allclose(found[0], expected, rtol=2e-13)


@pytest.mark.parametrize("op_name", sorted({op_name for op_name, _, _ in VALUES}))
def test_the_compiled_values_are_the_closed_forms(op_name: str) -> None:
    rows = [(operands, value) for name, operands, value in VALUES if name == op_name]
    columns = [np.array(column) for column in zip(*[operands for operands, _ in rows], strict=True)]
    (found,) = on_xla(apply_op(op_name, len(columns), size=len(rows)), columns)
    np.testing.assert_allclose(found, [value for _, value in rows], rtol=1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_polygamma_far_left_of_zero_is_its_sum(dtype: str, order: int) -> None:
    """XLA's own is wrong there, and says nothing."""
    x = np.array([-0.25, -8.25, -9.75, -20.25, -100.25]).astype(dtype)
    m = np.full_like(x, order)
    terms = (x.astype(np.float64)[:, None] + np.arange(400_000)) ** -(order + 1)
    rest = (x + 400_000.0) ** -order / order
    expected = (-1) ** (order + 1) * math.factorial(order) * (terms.sum(1) + rest)
    graph = apply_op("polygamma", 2, dtype, x.size)
    rtol = 1e-5 if dtype == "float32" else 1e-11
    for found in (evaluate(graph, [m, x])[0], on_xla(graph, [m, x])[0]):
        np.testing.assert_allclose(found, expected, rtol=rtol)


def test_the_second_derivative_of_lgamma_holds_far_left_of_zero() -> None:
    x, one = np.array([-20.25]), np.ones(1)
    twice = vjp_graph(vjp_graph(apply_op("lgamma", 1), [0]), [0])
    step = 1e-5
    ends = [evaluate(apply_op("digamma", 1), [x + sign * step])[0] for sign in (1, -1)]
    expected = (ends[0] - ends[1]) / (2 * step)
    for (found,) in (evaluate(twice, [x, one, one]), on_xla(twice, [x, one, one])):
        np.testing.assert_allclose(found, expected, rtol=1e-7)


@pytest.mark.parametrize(
    ("op_name", "count", "wanted"),
    [
        ("polygamma", 2, 0),
        ("zeta", 2, 0),
        ("igamma_grad_a", 2, 0),
        ("random_gamma_grad", 2, 1),
        ("regularized_incomplete_beta", 3, 1),
    ],
)
def test_a_derivative_that_is_not_known_is_refused(op_name: str, count: int, wanted: int) -> None:
    with pytest.raises(GradientError, match=op_name):
        vjp_graph(apply_op(op_name, count), [wanted])


def test_the_gradient_of_acosh_holds_left_of_zero() -> None:
    """One root of x² - 1 has the other sign there, and JAX's derivative with it."""
    x = np.array([-2 + 1j, -0.5 - 0.5j, 0.5 + 2j])
    slope = vjp_graph(apply_op("acosh", 1, "complex128", 3), [0])
    step = 1e-6
    expected = (np.arccosh(x + step) - np.arccosh(x - step)) / (2 * step)
    for (found,) in (evaluate(slope, [x, np.ones_like(x)]), on_xla(slope, [x, np.ones_like(x)])):
        np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_the_gradient_of_asinh_does_not_overflow_in_sixteen_bits() -> None:
    x = np.array([300, -300], np.float16)
    slope = vjp_graph(apply_op("asinh", 1, "float16", 2), [0])
    (found,) = on_xla(slope, [x, np.ones_like(x)])
    np.testing.assert_allclose(found.astype(float), np.full(2, 1 / 300), rtol=2e-3)

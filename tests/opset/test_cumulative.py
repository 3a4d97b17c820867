"""Cumulative sums, products and extrema: errors, ties, zeros, symbols, gradients of any order."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import graphc.opset  # noqa: F401  (registers every op)
from graphc.errors import DTypeError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import vjp_graph
from graphc.ir.types import as_type
from graphc.lowering.jax_internals import scoped_x64
from graphc.lowering.tracing import trace_graph
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from tests.opset.gradient_checks import check_gradients, gradient_graph, graph_of
from tests.opset.symbolic_gradients import M, N, check_symbolic_gradient, op_names

F32, F64 = "float32", "float64"
EXTREMA = ["cumulative_max", "cumulative_min"]
ALL = ["cumulative_sum", "cumulative_product", "cumulative_log_sum_exp", *EXTREMA]


def accumulation(name: str, axis: int, reverse: bool = False) -> Any:
    return lambda build, x: [getattr(build, name)(x, axis=axis, reverse=reverse)]


@pytest.mark.parametrize("name", ALL)
def test_what_does_not_fit_is_refused(name: str) -> None:
    build = GraphBuilder()
    for shape, axis in (((2, 3), 2), ((2, 3), -1), ((), 0)):
        x = build.input(as_type(F32, shape), "x")
        with pytest.raises(ShapeError, match="axis"):
            getattr(build, name)(x, axis=axis)
    with pytest.raises(DTypeError, match="operand 0 is bool"):
        getattr(build, name)(build.input(as_type("bool", (2,)), "b"), axis=0)


@pytest.mark.parametrize("name", EXTREMA)
def test_complex_numbers_have_no_order(name: str) -> None:
    build = GraphBuilder()
    with pytest.raises(DTypeError, match="operand 0 is complex64"):
        getattr(build, name)(build.input(as_type("complex64", (2,)), "z"), axis=0)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
def test_gradients_of_symbolic_sizes(name: str, reverse: bool, axis: int) -> None:
    for n in (0, 1, 5):
        check_symbolic_gradient(
            accumulation(name, axis, reverse), as_type(F32, (N, M, 2)), n=n, m=4
        )


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("order", [1, 2])
def test_gradients_hold_at_any_order(name: str, reverse: bool, order: int) -> None:
    def write(build: Any, x: Any) -> list[Any]:
        total = getattr(build, name)(build.multiply(x, x), axis=1, reverse=reverse)
        return [build.multiply(total, total)]

    with scoped_x64():
        graph = graph_of(write, as_type(F64, (2, 5)))
        check_gradients(graph, [draw(2, 5, dtype=F64)], [0], order)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("order", [1, 2])
def test_gradients_of_products_hold_where_elements_are_zero(reverse: bool, order: int) -> None:
    x = np.array([1.5, 0.0, -2.0, 0.0, 0.5, 3.0, 0.0])
    with scoped_x64():
        graph = graph_of(accumulation("cumulative_product", 0, reverse), as_type(F64, (7,)))
        check_gradients(graph, [x], [0], order)


def test_the_gradient_of_a_product_grows_with_the_logarithm_of_the_size() -> None:
    def count(size: int) -> int:
        graph = graph_of(accumulation("cumulative_product", 0), as_type(F32, (size,)))
        return op_names(vjp_graph(graph, [0])).count("multiply")

    assert count(64) - count(32) == count(1024) - count(512) == 2


@pytest.mark.parametrize(("name", "sign"), [("cumulative_max", 1), ("cumulative_min", -1)])
@pytest.mark.parametrize(
    ("x", "reverse", "expected"),
    [([3, 3, 1, 3], False, [1, 2 + 3, 0, 4]), ([3, 1, 3, 3], True, [1, 0, 2 + 3, 4])],
)
def test_of_equal_extrema_the_one_reached_last_gets_all(
    name: str, sign: int, x: list[int], reverse: bool, expected: list[int]
) -> None:
    made = vjp_graph(graph_of(accumulation(name, 0, reverse), as_type(F32, (4,))), [0])
    (found,) = evaluate(made, [np.array(x, np.float32) * sign, np.array([1, 2, 3, 4], np.float32)])
    np.testing.assert_array_equal(found, expected)


def test_an_empty_axis_reaches_xla() -> None:
    graph = graph_of(accumulation("cumulative_max", 0), as_type(F32, (0, 2)))
    made = vjp_graph(graph, [0])
    empty = np.zeros((0, 2), np.float32)
    with scoped_x64():
        (found,) = jax.jit(lambda x, ct: trace_graph(made, [x, ct]))(empty, empty)
    assert found.shape == (0, 2)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_gradients_of_log_sum_exp_stand_infinities_and_large_numbers(
    reverse: bool, order: int
) -> None:
    low = -np.inf
    x = np.array([low, low, 1.0, 900.0, low, -900.0, 899.0, 0.5])
    with scoped_x64():
        graph = graph_of(accumulation("cumulative_log_sum_exp", 0, reverse), as_type(F64, (8,)))
        made, inputs = gradient_graph(graph, [x], [0], order)
        for found in (evaluate(made, inputs)[0], trace_graph(made, inputs)[0]):
            assert not np.isnan(found).any()
        finite = x[np.isfinite(x)]
        small = graph_of(accumulation("cumulative_log_sum_exp", 0, reverse), as_type(F64, (5,)))
        check_gradients(small, [finite], [0], order)

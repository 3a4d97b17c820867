"""sort and top_k: errors, symbolic sizes, gradients of any order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc.opset  # noqa: F401  (registers every op)
from graphc.errors import DTypeError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import vjp_graph
from graphc.ir.types import as_type
from graphc.lowering.jax_internals import scoped_x64
from graphc.opset.samples import draw
from tests.opset.gradient_checks import check_gradients, graph_of
from tests.opset.symbolic_gradients import M, N, check_symbolic_gradient, op_names

F32, F64 = "float32", "float64"


def sorted_along(dimension: int, num_keys: int = 1) -> Any:
    return lambda build, *xs: _listed(build.sort(*xs, dimension=dimension, num_keys=num_keys))


def _listed(made: Any) -> list[Any]:
    return list(made) if isinstance(made, tuple) else [made]


@pytest.mark.parametrize("num_keys", [0, 2, -1])
def test_a_sort_needs_a_key_and_no_more_than_it_has(num_keys: int) -> None:
    build = GraphBuilder()
    with pytest.raises(ShapeError, match="num_keys"):
        build.sort(build.input(as_type(F32, (3,)), "x"), dimension=0, num_keys=num_keys)


@pytest.mark.parametrize("dimension", [1, -1])
def test_a_sort_needs_an_axis_that_exists(dimension: int) -> None:
    build = GraphBuilder()
    with pytest.raises(ShapeError, match="dimension"):
        build.sort(build.input(as_type(F32, (3,)), "x"), dimension=dimension)


def test_what_is_sorted_together_has_one_shape() -> None:
    build = GraphBuilder()
    x, y = build.input(as_type(F32, (3,)), "x"), build.input(as_type(F32, (4,)), "y")
    with pytest.raises(ShapeError, match="must be equal"):
        build.sort(x, y, dimension=0)


@pytest.mark.parametrize("k", [-1, 4])
def test_there_must_be_k_elements(k: int) -> None:
    build = GraphBuilder()
    with pytest.raises(ShapeError, match="k"):
        build.top_k(build.input(as_type(F32, (2, 3)), "x"), k=k)


def test_complex_numbers_have_no_largest() -> None:
    build = GraphBuilder()
    with pytest.raises(DTypeError, match="complex64"):
        build.top_k(build.input(as_type("complex64", (3,)), "x"), k=1)


@pytest.mark.parametrize("n", [0, 1, 5])
@pytest.mark.parametrize("axis", [0, 1])
def test_gradients_of_symbolic_sizes(axis: int, n: int) -> None:
    check_symbolic_gradient(sorted_along(axis), as_type(F32, (N, M)), n=n, m=4)
    pair = (as_type(F32, (N, M)), as_type(F32, (N, M)))
    check_symbolic_gradient(sorted_along(axis, 2), *pair, n=n, m=4)


def test_the_largest_of_an_unknown_number_of_elements() -> None:
    check_symbolic_gradient(
        lambda build, x: [build.top_k(x, k=2)[0]], as_type(F32, (N, M)), n=3, m=5
    )


@pytest.mark.parametrize("order", [1, 2])
def test_gradients_hold_at_any_order(order: int) -> None:
    def write(build: Any, x: Any, y: Any) -> list[Any]:
        first, second = build.sort(build.multiply(x, x), y, dimension=1)
        top, _ = build.top_k(build.multiply(first, second), k=2)
        return [build.multiply(top, top)]

    with scoped_x64():
        graph = graph_of(write, as_type(F64, (2, 5)), as_type(F64, (2, 5)))
        check_gradients(
            graph, [draw(2, 5, dtype=F64), draw(2, 5, dtype=F64, salt=1)], [0, 1], order
        )


def test_nothing_is_sorted_twice_for_a_gradient() -> None:
    graph = graph_of(sorted_along(0), as_type(F32, (4,)))
    assert op_names(vjp_graph(graph, [0])).count("sort") == 1


def test_equal_elements_get_the_gradients_of_their_own_places() -> None:
    x = np.array([2.0, 1.0, 2.0, 1.0])
    with scoped_x64():
        check_gradients(graph_of(sorted_along(0), as_type(F64, (4,))), [x], [0], 1)

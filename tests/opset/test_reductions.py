"""Reductions, argmax and argmin: errors, symbols, ties, zeros, gradients of any order."""

from __future__ import annotations

import re
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
from graphc.reference.evaluator import evaluate
from tests.opset.gradient_checks import check_gradients, graph_of
from tests.opset.symbolic_gradients import M, N, check_symbolic_gradient, op_names

F32, F64 = "float32", "float64"
SUMS = ["reduce_sum", "reduce_max", "reduce_min", "reduce_product"]


def infer(name: str, dtype: str, shape: Any, **attributes: Any) -> Any:
    build = GraphBuilder()
    return getattr(build, name)(build.input(as_type(dtype, shape), "x"), **attributes)


def reduction(name: str, *axes: int) -> Any:
    return lambda build, x: [getattr(build, name)(x, axes=axes)]


@pytest.mark.parametrize("axes", [(2,), (-1,), (0, 0)])
@pytest.mark.parametrize("name", [*SUMS, "reduce_and", "reduce_or", "reduce_xor"])
def test_axes_that_do_not_fit_are_refused(name: str, axes: tuple[int, ...]) -> None:
    dtype = F32 if name in SUMS else "bool"
    with pytest.raises(ShapeError, match=re.escape("distinct axes from 0 to 1")):
        infer(name, dtype, (2, 3), axes=axes)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("reduce_sum", "bool"),
        ("reduce_product", "bool"),
        ("reduce_max", "complex64"),
        ("reduce_min", "string"),
        ("reduce_and", "float32"),
        ("reduce_or", "complex64"),
    ],
)
def test_element_types_that_do_not_fit_are_refused(name: str, dtype: str) -> None:
    with pytest.raises(DTypeError, match=f"operand 0 is {dtype}"):
        infer(name, dtype, (2, 3), axes=(0,))


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions_exist_and_are_integers(name: str) -> None:
    with pytest.raises(ShapeError, match="axis 1 has no elements"):
        infer(name, F32, (2, 0), axis=1)
    with pytest.raises(DTypeError, match="positions cannot be float32"):
        infer(name, F32, (2, 3), axis=1, index_dtype=F32)
    with pytest.raises(ShapeError, match="0 to 1"):
        infer(name, F32, (2, 3), axis=2)
    assert infer(name, F32, (N, M), axis=0).type is as_type("int32", (M,))
    assert infer(name, F32, (N, M), axis=1, index_dtype="uint8").type is as_type("uint8", (N,))


def test_equal_sets_of_axes_are_equal_attributes() -> None:
    one, other = (infer("reduce_sum", F32, (2, N, 3), axes=axes) for axes in ((2, 0), (0, 2)))
    assert one.node.attributes is other.node.attributes
    assert one.type is as_type(F32, (N,))


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("axes", [(0,), (1,), (0, 2), (0, 1, 2), ()])
def test_gradients_of_symbolic_sizes(name: str, axes: tuple[int, ...]) -> None:
    check_symbolic_gradient(reduction(name, *axes), as_type(F32, (N, 2, M)), n=3, m=4)
    check_symbolic_gradient(reduction(name, *axes), as_type(F32, (N, 2, M)), n=1, m=1)


@pytest.mark.parametrize("name", ["reduce_sum", "reduce_product"])
def test_gradients_of_an_empty_batch(name: str) -> None:
    check_symbolic_gradient(reduction(name, 0), as_type(F32, (N, 2)), n=0)


def test_the_gradient_of_a_sum_is_one_broadcast() -> None:
    made = vjp_graph(graph_of(reduction("reduce_sum", 0, 2), as_type(F32, (N, 3, M))), [0])
    assert op_names(made) == ["broadcast_in_dim"]


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("order", [1, 2])
def test_gradients_hold_at_any_order(name: str, order: int) -> None:
    def write(build: Any, x: Any) -> list[Any]:
        total = getattr(build, name)(build.multiply(x, x), axes=(0, 2))
        return [build.multiply(total, total)]

    with scoped_x64():
        graph = graph_of(write, as_type(F64, (2, 2, 3)))
        check_gradients(graph, [draw(2, 2, 3, dtype=F64)], [0], order)


@pytest.mark.parametrize("zeros", [0, 1, 2])
@pytest.mark.parametrize("order", [1, 2])
def test_gradients_of_products_hold_where_elements_are_zero(zeros: int, order: int) -> None:
    x = draw(5, dtype=F64)
    x[1 : 1 + zeros] = 0
    with scoped_x64():
        check_gradients(
            graph_of(reduction("reduce_product", 0), as_type(F64, (5,))), [x], [0], order
        )


@pytest.mark.parametrize("name", ["reduce_max", "reduce_min"])
def test_equal_extrema_share_the_gradient(name: str) -> None:
    sign = 1 if name == "reduce_max" else -1
    x = sign * np.array([[1, 7, 7, 2], [5, 5, 5, 5]], np.float32)
    made = vjp_graph(graph_of(reduction(name, 1), as_type(F32, (2, 4))), [0])
    (found,) = evaluate(made, [x, np.array([6, 8], np.float32)])
    np.testing.assert_array_equal(found, [[0, 3, 3, 0], [2, 2, 2, 2]])


@pytest.mark.parametrize(
    ("name", "dtype", "expected"),
    [
        ("reduce_sum", "float32", 0),
        ("reduce_product", "int8", 1),
        ("reduce_max", "float32", -np.inf),
        ("reduce_max", "int8", -128),
        ("reduce_min", "uint8", 255),
        ("reduce_max", "bool", False),
        ("reduce_and", "uint8", 255),
        ("reduce_or", "int8", 0),
    ],
)
def test_the_result_over_no_elements(name: str, dtype: str, expected: float) -> None:
    graph = graph_of(reduction(name, 0), as_type(dtype, (0,)))
    (found,) = evaluate(graph, [np.zeros(0, dtype)])
    assert found == expected


def test_the_cost_is_one_operation_per_element_read() -> None:
    call = infer("reduce_max", F32, (N, 3), axes=(0,)).node.call
    assert call.op.cost_of(call) == (3 * N, 12 * N + 12)

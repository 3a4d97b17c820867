"""dot_general: errors, element types of results, symbols, the form of gradients, cost."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import graphc.opset  # noqa: F401  (registers every op)
from graphc.errors import AttributeValueError, DTypeError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import vjp_graph
from graphc.ir.op import Constraint
from graphc.ir.types import as_type
from graphc.lowering.jax_internals import scoped_x64
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from tests.opset.gradient_checks import check_gradients, graph_of
from tests.opset.symbolic_gradients import M, N, check_symbolic_gradient, op_names

F32 = "float32"
MATRICES = {"lhs_contracting": (1,), "rhs_contracting": (0,)}


def dot_of(
    lhs: Any, rhs: Any, dtypes: tuple[str, str] = (F32, F32), **attributes: Any
) -> tuple[GraphBuilder, Any]:
    build = GraphBuilder()
    x, y = (build.input(as_type(t, s), t) for t, s in zip(dtypes, (lhs, rhs), strict=True))
    return build, build.dot_general(x, y, **{**MATRICES, **attributes})


@pytest.mark.parametrize(
    ("lhs", "rhs", "attributes", "words"),
    [
        ((2, 3), (4, 5), {}, "lhs axis 1 and rhs axis 0"),
        ((2, 3), (3, 4), {"rhs_contracting": ()}, "lhs has 1 contracting axes, rhs has 0"),
        ((2, 3), (3, 4), {"lhs_batching": (0,)}, "lhs has 1 batching axes, rhs has 0"),
        ((2, 3), (3, 4), {"lhs_contracting": (2,)}, "axes of lhs [2] do not fit"),
        ((2, 3), (3, 4), {"rhs_contracting": (-1,)}, "axes of rhs [-1] do not fit"),
        ((2, 3), (3, 2), {"lhs_batching": (1,), "rhs_batching": (1,)}, "distinct axes"),
        ((2, 3), (3, 4), {"lhs_batching": (0,), "rhs_batching": (1,)}, "2 and 4"),
        ((2, N), (N + 1, 4), {}, "must be equal"),
    ],
)
def test_axes_that_do_not_fit_are_refused(
    lhs: Any, rhs: Any, attributes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ShapeError, match=re.escape(words)):
        dot_of(lhs, rhs, **attributes)


@pytest.mark.parametrize(
    ("dtype", "preferred"),
    [
        ("float32", "bfloat16"),
        ("float32", "int32"),
        ("int32", "uint32"),
        ("int32", "bfloat16"),
        ("complex64", "float64"),
        ("float32", "complex64"),
        ("bool", "int32"),
    ],
)
def test_a_result_is_not_narrower_nor_of_another_kind(dtype: str, preferred: str) -> None:
    with pytest.raises(DTypeError, match=f"a product of {dtype} cannot give {preferred}"):
        dot_of((2, 3), (3, 4), (dtype, dtype), preferred_element_type=preferred)


def test_operands_have_one_element_type() -> None:
    with pytest.raises(DTypeError, match="one element type"):
        dot_of((2, 3), (3, 4), (F32, "bfloat16"))


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(AttributeValueError, match="precision"):
        dot_of((2, 3), (3, 4), precision="best")


def test_the_result_is_batching_then_free_axes() -> None:
    build, result = dot_of(
        (N, 5, 2, M),
        (M, 7, N, 3),
        lhs_batching=(0,),
        rhs_batching=(2,),
        lhs_contracting=(3,),
        rhs_contracting=(0,),
    )
    assert result.type is as_type(F32, (N, 5, 2, 7, 3))
    assert build.constraints == []


def test_undecided_sizes_become_constraints_and_a_known_size_is_taken() -> None:
    build, result = dot_of(
        (N, 2, M),
        (4, 8, 3),
        lhs_batching=(0,),
        rhs_batching=(0,),
        lhs_contracting=(2,),
        rhs_contracting=(1,),
    )
    assert result.type is as_type(F32, (4, 2, 3))
    assert build.constraints == [Constraint(N, 4), Constraint(M, 8)]


@pytest.mark.parametrize(
    ("lhs", "rhs", "axes"),
    [
        ((2, 3), (3, 4), ((1,), (0,))),
        ((2, 3), (4, 3), ((1,), (1,))),
        ((3, 2), (3, 4), ((0,), (0,))),
        ((3, 2), (4, 3), ((0,), (1,))),
    ],
)
def test_gradients_of_matrix_products_need_no_transpose(lhs: Any, rhs: Any, axes: Any) -> None:
    def write(build: Any, x: Any, y: Any) -> list[Any]:
        return [build.dot_general(x, y, lhs_contracting=axes[0], rhs_contracting=axes[1])]

    made = vjp_graph(graph_of(write, as_type(F32, lhs), as_type(F32, rhs)), [0, 1])
    assert op_names(made) == ["dot_general", "dot_general"]


def test_a_wider_result_is_differentiated_in_its_own_precision() -> None:
    def write(build: Any, x: Any, y: Any) -> list[Any]:
        return [build.dot_general(x, y, **MATRICES, preferred_element_type=F32)]

    graph = graph_of(write, as_type("bfloat16", (2, 3)), as_type("bfloat16", (3, 4)))
    made = vjp_graph(graph, [0])
    (product,) = [node for node in made.nodes if node.op.name == "dot_general"]
    assert product.output.type.dtype == F32
    assert made.outputs[0].type is as_type("bfloat16", (2, 3))


def test_precision_goes_on_into_the_gradient() -> None:
    graph = graph_of(
        lambda build, x, y: [build.dot_general(x, y, **MATRICES, precision="highest")],
        as_type(F32, (2, 3)),
        as_type(F32, (3, 4)),
    )
    products = [n for n in vjp_graph(graph, [0, 1]).nodes if n.op.name == "dot_general"]
    assert [node.attributes["precision"] for node in products] == ["highest"] * 2


@pytest.mark.parametrize("sizes", [{"n": 3, "m": 2}, {"n": 0, "m": 2}, {"n": 2, "m": 0}])
def test_gradients_of_symbolic_sizes(sizes: dict[str, int]) -> None:
    check_symbolic_gradient(
        lambda build, x, y: [
            build.dot_general(
                x,
                y,
                lhs_batching=(0,),
                rhs_batching=(1,),
                lhs_contracting=(2, 3),
                rhs_contracting=(3, 0),
            )
        ],
        as_type(F32, (N, 5, 2, M)),
        as_type(F32, (M, N, 3, 2)),
        **sizes,
    )


def test_the_gradient_has_the_sizes_of_the_operand_where_they_were_equated() -> None:
    check_symbolic_gradient(
        lambda build, x, y: [build.dot_general(x, y, **MATRICES)],
        as_type(F32, (2, N)),
        as_type(F32, (M, 4)),
        **{"n": 3, "m": 3},
    )


def test_gradients_hold_at_the_second_order() -> None:
    def write(build: Any, x: Any, y: Any) -> list[Any]:
        z = build.dot_general(x, y, lhs_contracting=(0, 1), rhs_contracting=(2, 0))
        return [build.multiply(z, z)]

    graph = graph_of(write, as_type("float64", (2, 3, 2)), as_type("float64", (3, 2, 2)))
    arrays = [draw(2, 3, 2, dtype="float64"), draw(3, 2, 2, dtype="float64")]
    with scoped_x64():
        check_gradients(graph, arrays, [0, 1], 2)


@pytest.mark.parametrize(("dtype", "per_term"), [(F32, 2), ("complex64", 8)])
def test_the_cost_counts_multiplications_and_additions(dtype: str, per_term: int) -> None:
    _, result = dot_of((N, 3), (3, 4), (dtype, dtype))
    call = result.node.call
    size = 4 if dtype == F32 else 8
    assert call.op.cost_of(call) == (per_term * N * 4 * 3, size * (N * 3 + 12 + N * 4))


def test_integers_do_not_overflow_in_a_wider_result() -> None:
    graph = graph_of(
        lambda build, x, y: [build.dot_general(x, y, **MATRICES, preferred_element_type="int32")],
        *[as_type("int8", (1, 4)), as_type("int8", (4, 1))],
    )
    ones = np.full((1, 4), 100, np.int8)
    (found,) = evaluate(graph, [ones, ones.T])
    assert found == 40_000

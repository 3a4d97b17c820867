"""Extrema of windows where JAX has no gradient, of second order, and over sizes not yet known."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from jax import lax

from graphc.dtypes import F32, F64
from graphc.errors import ShapeError
from graphc.importers.jax_functions import import_jaxpr
from graphc.ir.builder import Builder
from graphc.ir.differentiation import vjp_graph
from graphc.ir.node import Value
from graphc.ir.types import tensor_type
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from tests.opset.gradient_checks import Write, graph_of
from tests.opset.symbolic_gradients import N, check_symbolic_gradient


def reduction(op_name: str, **attributes: Any) -> Write:
    def write(build: Builder, x: Value) -> list[Value]:
        return [getattr(build, op_name)(x, **attributes)]

    return write


BEYOND_JAX = [
    {"window_dimensions": (2,), "window_strides": (2,), "padding_low": (-1,)},
    {"window_dimensions": (3,), "window_dilation": (2,), "padding_low": (2,), "padding_high": (1,)},
    {"window_dimensions": (2,), "window_dilation": (3,), "base_dilation": (3,)},
    {"window_dimensions": (3,), "window_dilation": (2,), "window_strides": (2,),
     "padding_high": (-1,)},
]  # fmt: skip


@pytest.mark.parametrize("op_name", ["reduce_window_max", "reduce_window_min"])
@pytest.mark.parametrize("attributes", BEYOND_JAX, ids=str)
def test_a_gradient_goes_to_the_winner_where_jax_has_no_gradient(
    op_name: str, attributes: dict[str, Any]
) -> None:
    x = draw(8, dtype="float64")
    graph = graph_of(reduction(op_name, **attributes), tensor_type(F64, x.shape))
    (result,) = evaluate(graph, [x])
    ct = np.arange(1.0, result.size + 1)
    (found,) = evaluate(vjp_graph(graph, [0], [0]), [x, ct])
    expected = np.zeros_like(x)
    for value, share in zip(result, ct, strict=True):  # all elements differ
        expected[np.flatnonzero(x == value)] += share if np.isfinite(value) else 0
    np.testing.assert_array_equal(found, expected)
    assert expected.any()


@pytest.mark.parametrize("op_name", ["reduce_window_sum", "reduce_window_max", "reduce_window_min"])
@pytest.mark.parametrize("attributes", BEYOND_JAX[1:3], ids=str)
def test_a_windowed_axis_may_be_symbolic(op_name: str, attributes: dict[str, Any]) -> None:
    write = reduction(op_name, **attributes)
    for size in (6, 9):
        check_symbolic_gradient(write, tensor_type(F32, (N,)), n=size)


@pytest.mark.parametrize("op_name", ["reduce_window_sum", "reduce_window_max", "reduce_window_min"])
def test_the_batch_may_be_symbolic(op_name: str) -> None:
    write = reduction(op_name, window_dimensions=(1, 3), window_strides=(1, 2), padding_high=(0, 1))
    check_symbolic_gradient(write, tensor_type(F32, (N, 6)), n=2)


def test_a_second_derivative_of_a_maximum_is_that_of_jax() -> None:
    places = {"window_dimensions": (2, 3), "window_strides": (1, 2)}
    x, ct, again = draw(4, 5), draw(3, 2, salt=1), draw(4, 5, salt=2)
    graph = graph_of(
        lambda build, x: [
            build.reduce_window_max(build.multiply(build.multiply(x, x), x), **places)
        ],
        tensor_type(F32, x.shape),
    )
    second = vjp_graph(vjp_graph(graph, [0], [0]), [0, 1], [0])

    def pooled(x: Any) -> Any:
        window, strides = places.values()
        return lax.reduce_window(x**3, -np.inf, lax.max, window, strides, "VALID")

    def first(x: Any, ct: Any) -> Any:
        return jax.vjp(pooled, x)[1](ct)[0]

    expected = jax.vjp(first, x, ct)[1](again)
    for mine, theirs in zip(evaluate(second, [x, ct, again]), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "attributes", "problem"),
    [
        ((3,), {"window_dimensions": (0,)}, "must have an element"),
        ((3,), {"window_dimensions": (1, 1)}, "2 entries"),
        ((3,), {"window_dimensions": (1,), "window_strides": (0,)}, "stride"),
        ((3,), {"window_dimensions": (1,), "padding_low": (-4,)}, "leave something"),
        ((), {"window_dimensions": ()}, "no axis"),
    ],
)
def test_windows_that_do_not_fit_are_refused(
    shape: tuple[int, ...], attributes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ShapeError, match=problem):
        graph_of(reduction("reduce_window_max", **attributes), tensor_type(F32, shape))


@pytest.mark.parametrize("name", ["add", "max", "min"])
def test_windows_of_jax_become_this_op(name: str) -> None:
    start = {"add": 0.0, "max": -np.inf, "min": np.inf}[name]

    def reduce(x: Any) -> Any:
        return lax.reduce_window(
            x, start, getattr(lax, name), (2, 3), (1, 2), ((1, 0), (0, 2)), (1, 2), (2, 1)
        )

    x = draw(4, 5)
    graph = import_jaxpr(jax.make_jaxpr(reduce)(x))
    op_name = f"reduce_window_{'sum' if name == 'add' else name}"
    assert [node.op.name for node in graph.nodes if node.op.name != "input"] == [op_name]
    np.testing.assert_allclose(evaluate(graph, [x])[0], reduce(x), rtol=1e-5, atol=1e-6)

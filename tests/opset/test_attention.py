"""attention and attention_gradient: JAX's numbers, to the second derivative, on symbolic sizes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.errors import AttributeValueError, DTypeError, ShapeError
from graphc.ir.builder import GraphBuilder, decomposition_graph
from graphc.ir.differentiation import vjp_graph
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.ir.parser import parse
from graphc.ir.text import format_graph
from graphc.ir.types import as_type
from graphc.lowering.tracing import trace_graph
from graphc.opset.samples import draw
from tests.opset.gradient_checks import check_gradients, graph_of
from tests.opset.symbolic_gradients import check_symbolic_gradient

BATCH, LENGTH, KEYS = symbol("batch"), symbol("length"), symbol("keys")
QUERY, KEY, VALUE = draw(2, 3, 4, 2), draw(2, 5, 2, 2, salt=1), draw(2, 5, 2, 3, salt=2)
BIAS, MASK = draw(1, 4, 3, 5, salt=3), draw(2, 1, 3, 5, dtype="bool", salt=4)


def attention_graph(*arrays: np.ndarray, **attributes: Any) -> Graph:
    types = [as_type(array.dtype, array.shape) for array in arrays]
    return graph_of(lambda build, *xs: [build.attention(*xs, **attributes)], *types)


def by_jax(*arrays: Any, scale: float, is_causal: bool = False, **attributes: Any) -> Any:
    extras = {"mask" if each.dtype == bool else "bias": jnp.asarray(each) for each in arrays[3:]}
    return jax.nn.dot_product_attention(
        *map(jnp.asarray, arrays[:3]), **extras, scale=scale, is_causal=is_causal, **attributes
    )


CASES: dict[str, tuple[list[np.ndarray], dict[str, Any]]] = {
    "plain": ([QUERY, KEY, KEY], {}),
    "bias and mask": ([QUERY, KEY, VALUE, BIAS, MASK], {}),
    "causal": ([QUERY, KEY, VALUE], {"is_causal": True}),
    "window": ([QUERY, KEY, VALUE, MASK], {"local_window_size": (1, 2)}),
    "all masked": ([QUERY, KEY, VALUE, np.zeros((1, 1, 1, 5), bool)], {"is_causal": True}),
}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_those_of_jax_nn(name: str, dtype: str) -> None:
    arrays, attributes = CASES[name]
    # the library's own form takes no values of another size than its keys
    arrays = [arrays[0], arrays[1], arrays[1] * 2, *arrays[3:]]
    arrays = [x if x.dtype == bool else np.asarray(x.astype(jnp.dtype(dtype))) for x in arrays]
    graph = attention_graph(*arrays, scale=0.6, **attributes)
    wanted = [i for i, array in enumerate(arrays) if array.dtype != bool]
    expected, pull_back = jax.vjp(lambda *xs: by_jax(*xs, scale=0.6, **attributes), *arrays)
    ct = draw(*expected.shape, salt=7).astype(expected.dtype)
    tolerance = {"rtol": 2e-5, "atol": 2e-6} if dtype == "float32" else {"rtol": 0.03, "atol": 0.03}

    def check(found: Any, expected: Any) -> None:
        assert found.dtype == expected.dtype
        wide = (np.asarray(each, np.float32) for each in (found, expected))
        np.testing.assert_allclose(*wide, **tolerance)

    check(jax.jit(lambda *xs: trace_graph(graph, xs))(*arrays)[0], expected)
    gradient = vjp_graph(graph, wanted)
    assert gradient.count("attention_gradient") == 1
    assert gradient.count("softmax") == 0
    given = pull_back(ct)
    for position, mine in zip(wanted, trace_graph(gradient, [*arrays, ct]), strict=True):
        check(mine, given[position])


@pytest.mark.parametrize("name", ["bias and mask", "all masked"])
def test_the_gradient_has_a_gradient(name: str) -> None:
    arrays, attributes = CASES[name]
    graph = attention_graph(*arrays, scale=0.6, **attributes)
    wanted = [i for i, array in enumerate(arrays) if array.dtype != bool]
    check_gradients(graph, arrays, wanted, 2, rtol=1e-4)


def test_sizes_may_be_symbolic() -> None:
    def write(build: Any, query: Any, key: Any, value: Any, bias: Any) -> Any:
        return [build.attention(query, key, value, bias, scale=0.5, is_causal=True)]

    check_symbolic_gradient(
        write,
        as_type("float32", (BATCH, LENGTH, 4, 2)),
        as_type("float32", (BATCH, KEYS, 2, 2)),
        as_type("float32", (BATCH, KEYS, 2, 3)),
        as_type("float32", (1, 4, LENGTH, KEYS)),
        batch=2,
        length=3,
        keys=5,
    )


def test_far_logits_neither_overflow_nor_lose_their_gradient() -> None:
    query = np.array([1000, -1000, 0], np.float32).reshape(1, 3, 1, 1)
    key = np.array([1, -1], np.float32).reshape(1, 2, 1, 1)
    graph = attention_graph(query, key, key, scale=1.0)
    found = np.asarray(trace_graph(graph, [query, key, key])[0]).ravel()
    np.testing.assert_allclose(found, [1, -1, 0], atol=1e-6)
    gradient = vjp_graph(graph, [0, 1, 2])
    slopes = trace_graph(gradient, [query, key, key, np.ones_like(query)])
    assert all(np.isfinite(each).all() for each in slopes)
    assert np.ravel(slopes[0]).tolist() == [0, 0, 1]


def test_what_is_masked_passes_nothing_on() -> None:
    mask = np.ones((1, 1, 1, 5), bool)
    mask[..., 3:] = False
    arrays = [QUERY, KEY, VALUE, mask]
    graph = attention_graph(*arrays, scale=0.6)
    spoiled = [array.copy() for array in arrays]
    spoiled[1][:, 3:], spoiled[2][:, 3:] = 1e4, -7
    first, second = (np.asarray(trace_graph(graph, each)[0]) for each in (arrays, spoiled))
    np.testing.assert_array_equal(first, second)
    gradient = vjp_graph(graph, [1, 2])
    for slope in trace_graph(gradient, [*arrays, np.ones_like(first)]):
        assert (np.asarray(slope)[:, 3:] == 0).all()


F = {dtype: as_type(dtype, (2, 3, 4, 2)) for dtype in ("float32", "float64", "bool")}


@pytest.mark.parametrize(
    ("types", "attributes", "words"),
    [
        ([F["float32"]] * 2, {}, "3 to 5 operands"),
        ([F["float32"], F["float32"], F["float64"]], {}, "query, key and value differ"),
        ([F["float32"], F["float32"], as_type("float32", (2, 3, 4))], {}, "operand 2 has 3 axes"),
        ([F["float32"], *[as_type("float32", (2, 3, 3, 2))] * 2], {}, "cannot share 3 heads"),
        ([F["float32"], *[as_type("float32", (2, 3, 4, 5))] * 2], {}, "sizes of a query"),
        ([F["float32"]] * 3 + [as_type("bool", (1, 4, 3, 2))], {}, "axis 3 of the mask"),
        ([F["float32"]] * 3 + [as_type("float32", (3, 4, 3, 3))], {}, "axis 0 of the bias"),
        ([F["float32"]] * 3 + [as_type("bool", (1, 1, 3, 3))] * 2, {}, "a mask and a mask"),
        ([F["float32"]] * 3, {"local_window_size": (1, -1)}, "local_window_size is"),
    ],
)
def test_operands_that_do_not_fit_are_refused(types: Any, attributes: Any, words: str) -> None:
    build = GraphBuilder()
    operands = [build.input(type_, f"x{i}") for i, type_ in enumerate(types)]
    with pytest.raises((ShapeError, DTypeError, AttributeValueError), match=words):
        build.attention(*operands, scale=1.0, **attributes)


@pytest.mark.parametrize("precision", [None, "default", "highest"])
def test_all_products_have_the_precision_of_the_op(precision: str | None) -> None:
    arrays = [QUERY, KEY, VALUE, BIAS]
    graph = attention_graph(*arrays, scale=0.6, precision=precision)
    first = vjp_graph(graph, [0, 1, 2, 3])
    (node,) = (node for node in first.nodes if node.op.name == "attention_gradient")
    for call, count in ((graph.outputs[0].node.call, 2), (node.call, 5)):
        products = [
            each for each in decomposition_graph(call).nodes if each.op.name == "dot_general"
        ]
        assert [each.attributes["precision"] for each in products] == [precision] * count


def test_what_was_written_down_without_a_precision_asks_for_none() -> None:
    graph = attention_graph(QUERY, KEY, VALUE, scale=0.6)
    text = format_graph(graph)
    assert "precision" not in text
    assert parse(text).outputs[0].node.attributes["precision"] is None
    precise = attention_graph(QUERY, KEY, VALUE, scale=0.6, precision="highest")
    assert 'precision="highest"' in format_graph(precise)
    assert first_difference(precise, parse(format_graph(precise))) is None

"""Composites: finite where their plain formulas are not, to the second derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.errors import AttributeValueError, DTypeError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import append_gradients, vjp_graph
from graphc.ir.graph import Graph
from graphc.ir.op import Recomputed, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, as_type
from graphc.lowering.tracing import trace_graph
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from tests.opset.gradient_checks import check_gradients, gradient_graph, graph_of

F32 = as_type("float32", (2, 3))
ROWS = as_type("int32", (2,))
# numbers whose exponentials overflow, vanish and cancel
FAR = np.array([[1000, -1000, 999], [-1000, 0, -1000]], np.float32)


def one(op: str, *types: TensorType, **attributes: Any) -> Graph:
    """A graph of one op."""
    return graph_of(lambda build, *xs: [getattr(build, op)(*xs, **attributes)], *types)


ONE_OPERAND: dict[str, tuple[Graph, Callable[[Any], Any]]] = {
    "softmax": (one("softmax", F32, axis=1), lambda x: jax.nn.softmax(x, 1)),
    "log_softmax": (one("log_softmax", F32, axis=1), lambda x: jax.nn.log_softmax(x, 1)),
    "softmax along axis 0": (one("softmax", F32, axis=0), lambda x: jax.nn.softmax(x, 0)),
    "log_sum_exp": (one("log_sum_exp", F32, axes=(1,)), lambda x: jax.nn.logsumexp(x, 1)),
    "log_sum_exp of all": (one("log_sum_exp", F32, axes=(0, 1)), jax.nn.logsumexp),
    "relu": (one("relu", F32), jax.nn.relu),
    "softplus": (one("softplus", F32), jax.nn.softplus),
    "silu": (one("silu", F32), jax.nn.silu),
    "gelu": (one("gelu", F32), lambda x: jax.nn.gelu(x, approximate=False)),
    "gelu by tanh": (one("gelu", F32, approximate=True), jax.nn.gelu),
}


@pytest.mark.parametrize("name", ONE_OPERAND)
def test_values_are_those_of_jax_nn(name: str) -> None:
    graph, expected = ONE_OPERAND[name]
    for x in (draw(2, 3), FAR):
        for found in (trace_graph(graph, [x])[0], evaluate(graph, [x])[0]):
            np.testing.assert_allclose(found, expected(x), rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", ONE_OPERAND)
def test_gradients_up_to_the_second(name: str, order: int) -> None:
    check_gradients(ONE_OPERAND[name][0], [draw(2, 3)], [0], order)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", ONE_OPERAND)
def test_gradients_far_out_are_finite_and_right(name: str, order: int) -> None:
    graph, inputs = gradient_graph(ONE_OPERAND[name][0], [FAR], [0], order)
    precise = evaluate(graph, inputs, precise=True)[0]
    assert np.isfinite(precise).all()
    for found in (trace_graph(graph, inputs)[0], evaluate(graph, inputs)[0]):
        np.testing.assert_allclose(found, precise, rtol=1e-4, atol=1e-5)


CROSS_ENTROPIES: dict[str, tuple[Graph, list[np.ndarray], list[int]]] = {
    "dense": (
        one("softmax_cross_entropy", F32, F32),
        [draw(2, 3), draw(2, 3, low=0, high=1, salt=1)],
        [0, 1],
    ),
    "sparse": (
        one("sparse_softmax_cross_entropy", F32, ROWS),
        [draw(2, 3), np.array([1, 2], np.int32)],
        [0],
    ),
    "binary": (
        one("sigmoid_cross_entropy", F32, F32),
        [draw(2, 3), draw(2, 3, low=0, high=1, salt=1)],
        [0, 1],
    ),
}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", CROSS_ENTROPIES)
def test_gradients_of_cross_entropies_up_to_the_second(name: str, order: int) -> None:
    graph, arrays, wanted = CROSS_ENTROPIES[name]
    check_gradients(graph, arrays, wanted, order)


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", CROSS_ENTROPIES)
def test_cross_entropies_far_out_are_finite_and_right(name: str, order: int) -> None:
    graph, (_, *targets), _ = CROSS_ENTROPIES[name]
    made, inputs = gradient_graph(graph, [FAR, *targets], [0], order)
    precise = evaluate(made, inputs, precise=True)[0]
    assert np.isfinite(precise).all()
    for found in (trace_graph(made, inputs)[0], evaluate(made, inputs)[0]):
        np.testing.assert_allclose(found, precise, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("is_approximate", [False, True])
def test_gelu_of_halves_whose_cubes_overflow_has_a_gradient(is_approximate: bool) -> None:
    graph = one("gelu", as_type("float16", (4,)), approximate=is_approximate)
    x, ct = np.array([-1000, -50, 50, 1000], np.float16), np.ones(4, np.float16)
    for run in (trace_graph, evaluate):
        assert np.asarray(run(vjp_graph(graph, [0]), [x, ct])[0]).tolist() == [0, 0, 1, 1]


def test_a_confident_wrong_answer_costs_its_margin() -> None:
    sparse, dense, binary = (CROSS_ENTROPIES[name][0] for name in ("sparse", "dense", "binary"))
    labels = np.array([1, 0], np.int32)
    hot = np.eye(3, dtype=np.float32)[labels]
    expected = [2000 + np.log1p(np.exp(-1)), 1000]
    np.testing.assert_allclose(trace_graph(sparse, [FAR, labels])[0], expected, rtol=1e-6)
    np.testing.assert_allclose(trace_graph(dense, [FAR, hot])[0], expected, rtol=1e-6)
    losses = [[1000, 1000, 999], [1000, np.log(2), 0]]
    np.testing.assert_allclose(trace_graph(binary, [FAR, hot])[0], losses, rtol=1e-6)


def test_a_label_that_is_no_class_counts_for_nothing() -> None:
    types = as_type("float32", (4, 3)), as_type("int32", (4,))
    graph = one("sparse_softmax_cross_entropy", *types)
    arrays = [draw(4, 3), np.array([-1, 1, 3, 100], np.int32)]
    gradient, inputs = gradient_graph(graph, arrays, [0], 1)
    for run in (trace_graph, evaluate):
        losses = np.asarray(run(graph, arrays)[0])
        assert (losses != 0).tolist() == [False, True, False, False]
        slopes = np.asarray(run(gradient, inputs)[0])
        assert (slopes != 0).any(axis=1).tolist() == [False, True, False, False]


def test_a_masked_class_of_a_sparse_label_does_not_spoil_the_row() -> None:
    graph = CROSS_ENTROPIES["sparse"][0]
    logits = np.array([[0.5, -np.inf, 1], [2, 1, -np.inf]], np.float32)
    arrays = [logits, np.array([2, 0], np.int32)]
    gradient, inputs = gradient_graph(graph, arrays, [0], 1)
    assert np.isfinite(trace_graph(graph, arrays)[0]).all()
    slopes = np.asarray(trace_graph(gradient, inputs)[0])
    assert np.isfinite(slopes).all()
    assert slopes[0, 1] == slopes[1, 2] == 0


def test_infinities_in_a_log_sum_exp() -> None:
    graph = ONE_OPERAND["log_sum_exp"][0]
    x = np.array([[np.inf, 1, 0], [-np.inf, -np.inf, -np.inf]], np.float32)
    for run in (trace_graph, evaluate):
        assert np.asarray(run(graph, [x])[0]).tolist() == [np.inf, -np.inf]
    gradient, inputs = gradient_graph(graph, [x], [0], 1)
    assert np.asarray(trace_graph(gradient, inputs)[0])[1].tolist() == [0, 0, 0]


def test_the_derivative_of_relu_at_zero_is_zero() -> None:
    graph = vjp_graph(one("relu", as_type("float32", (3,))), [0])
    x, ones = np.array([-1, 0, 2], np.float32), np.ones(3, np.float32)
    assert np.asarray(trace_graph(graph, [x, ones])[0]).tolist() == [0, 0, 1]


# --- layer_normalization --------------------------------------------------------------------------


def normalization(shape: tuple[Any, ...], axis: int, dtype: str = "float32") -> Graph:
    vector = as_type(dtype, (shape[axis],))
    types = as_type(dtype, shape), vector, vector
    return one("layer_normalization", *types, axis=axis, epsilon=1e-3)


@pytest.mark.parametrize("order", [1, 2])
def test_gradients_of_layer_normalization(order: int) -> None:
    arrays = [draw(2, 3, 4), draw(3, salt=1), draw(3, salt=2)]
    check_gradients(normalization((2, 3, 4), 1), arrays, [0, 1, 2], order, rtol=1e-4)


def test_layer_normalization_of_half_floats_is_computed_in_single() -> None:
    x = np.array([[300, 301, 302, 303]], np.float16)  # whose squares are beyond 65504
    ones, zeros = np.ones(4, np.float16), np.zeros(4, np.float16)
    graph = normalization((1, 4), 1, "float16")
    found = np.asarray(trace_graph(graph, [x, ones, zeros])[0])
    np.testing.assert_allclose(found, [[-1.341, -0.447, 0.447, 1.341]], rtol=1e-2)


def test_layer_normalization_far_from_zero_has_a_finite_gradient() -> None:
    x = np.array([[1000, -1000, 1000], [1000, 1000, 1000]], np.float32)
    arrays = [x, draw(3, salt=1), draw(3, salt=2)]
    for order in (1, 2):
        graph, inputs = gradient_graph(normalization((2, 3), 1), arrays, [0, 1, 2], order)
        for value in trace_graph(graph, inputs):
            assert np.isfinite(value).all()


def test_a_symbolic_axis_is_divided_by_its_size() -> None:
    n = symbol("n")
    graph = normalization((2, n), 1)
    assert graph.count("layer_normalization") == 1
    arrays = [draw(2, 5), draw(5, salt=1), draw(5, salt=2)]
    gradient, inputs = vjp_graph(graph, [0, 1, 2]), [*arrays, draw(2, 5, salt=3)]
    assert gradient.count("dimension_size") > 0
    static, _ = gradient_graph(normalization((2, 5), 1), arrays, [0, 1, 2], 1)
    for mine, expected in zip(evaluate(gradient, inputs), evaluate(static, inputs), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-6)


# --- what is refused, what is kept ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "types", "attributes", "words"),
    [
        ("softmax", (as_type("int32", (2, 3)),), {"axis": 1}, "operand 0 is int32"),
        ("softmax", (F32,), {"axis": 2}, "axis"),
        ("log_softmax", (F32,), {"axis": -1}, "axis"),
        ("log_sum_exp", (F32,), {"axes": (0, 2)}, "axes"),
        ("softmax_cross_entropy", (F32, as_type("float32", (2, 4))), {}, "sizes of axis 1"),
        ("softmax_cross_entropy", (F32, as_type("float64", (2, 3))), {}, "different element types"),
        ("softmax_cross_entropy", (as_type("float32"),) * 2, {}, "logits have no axes"),
        ("sparse_softmax_cross_entropy", (F32, F32), {}, "operand 1 is float32"),
        ("sparse_softmax_cross_entropy", (F32, as_type("int32", (2, 1))), {}, "labels have 2 axes"),
        ("sparse_softmax_cross_entropy", (F32, as_type("int32", (3,))), {}, "logits and labels"),
        ("sigmoid_cross_entropy", (F32, as_type("float32", (3,))), {}, "numbers of axes"),
        ("gelu", (as_type("complex64", (2,)),), {}, "operand 0 is complex64"),
        (
            "layer_normalization",
            (F32, as_type("float32", (2,)), as_type("float32", (3,))),
            {"axis": 1, "epsilon": 1e-3},
            "the axis and of scale",
        ),
        ("layer_normalization", (F32,) * 3, {"axis": 1, "epsilon": 1e-3}, "scale has 2 axes"),
        (
            "layer_normalization",
            (F32, *[as_type("float32", (3,))] * 2),
            {"axis": 1, "epsilon": -1.0},
            "epsilon is -1.0",
        ),
    ],
)
def test_operands_that_do_not_fit_are_refused(
    op: str, types: tuple[TensorType, ...], attributes: dict[str, Any], words: str
) -> None:
    build = GraphBuilder()
    operands = [build.input(type_, f"x{i}") for i, type_ in enumerate(types)]
    with pytest.raises((ShapeError, DTypeError, AttributeValueError), match=words):
        getattr(build, op)(*operands, **attributes)


@pytest.mark.parametrize(
    "name", [op.name for op in REGISTRY if op.has(Trait.COMPOSITE) and callable(op.gradient)]
)
def test_a_composite_with_a_rule_is_not_written_out_to_be_differentiated(name: str) -> None:
    op = REGISTRY[name]
    sample = op.samples()[0]
    build = GraphBuilder()
    operands = [
        build.input(as_type(array.dtype, array.shape), f"x{i}")
        for i, array in enumerate(map(np.asarray, sample.operands))
    ]
    attributes = op.attributes.make(sample.attributes, name)
    results = build.make(op, tuple(operands), attributes).outputs
    replaced: list[Any] = []
    append_gradients(
        build,
        [*build.nodes],
        list(results),
        [None] * len(results),
        [operands[0]],
        replace=lambda old, new: replaced.append(old),
    )
    if replaced:  # by the rule itself, which keeps more of the way there than the op gives
        ones = [build.full_like(result, 1) for result in results]
        assert callable(op.gradient)
        made = op.gradient(build, results[0].node.call, operands, results, ones)
        assert isinstance(made, Recomputed)


def test_the_sparse_loss_does_not_materialise_a_gather() -> None:
    text = jax.jit(lambda *xs: trace_graph(CROSS_ENTROPIES["sparse"][0], xs)).lower(
        jnp.zeros((2, 3)), jnp.zeros(2, jnp.int32)
    )
    assert "gather" not in text.as_text()

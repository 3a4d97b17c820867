"""Normalisations: gradients of any order, symbolic sizes, halves, and what has no spread."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.errors import AttributeValueError, DTypeError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import vjp_graph
from graphc.ir.graph import Graph
from graphc.ir.types import TensorType, as_type
from graphc.lowering.tracing import trace_graph
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from tests.opset.gradient_checks import check_gradients, graph_of
from tests.opset.symbolic_gradients import check_symbolic_gradient

VECTORS = {
    "layer_normalization": 2,
    "rms_normalization": 1,
    "group_normalization": 2,
    "batch_norm_training": 2,
    "batch_norm_inference": 4,
    "l2_normalize": 0,
}
ATTRIBUTES: dict[str, dict[str, Any]] = {
    "layer_normalization": {"axis": 1, "epsilon": 1e-3},
    "rms_normalization": {"axis": 1, "epsilon": 1e-3},
    "group_normalization": {"axis": 1, "epsilon": 1e-3, "groups": 2},
    "batch_norm_training": {"feature_index": 1, "epsilon": 1e-3},
    "batch_norm_inference": {"feature_index": 1, "epsilon": 1e-3},
    "l2_normalize": {"axes": (1,), "epsilon": 1e-3},
}
NAMES = sorted(VECTORS)


def types_of(name: str, *shape: Any, dtype: str = "float32") -> list[TensorType]:
    return [as_type(dtype, shape), *[as_type(dtype, (shape[1],))] * VECTORS[name]]


def write(name: str) -> Any:
    def written(build: Any, *operands: Any) -> list[Any]:
        made = getattr(build, name)(*operands, **ATTRIBUTES[name])
        return list(made) if isinstance(made, tuple) else [made]

    return written


def arrays_of(name: str, x: np.ndarray) -> list[np.ndarray]:
    size = x.shape[1]
    return [x, *[draw(size, salt=1 + i, low=0.5) for i in range(VECTORS[name])]]


@pytest.mark.parametrize("name", NAMES)
def test_second_derivatives_are_those_of_jax(name: str) -> None:
    graph = graph_of(write(name), *types_of(name, 3, 4))
    arrays = arrays_of(name, draw(3, 4))
    check_gradients(graph, arrays, range(len(arrays)), 2, rtol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_sizes_may_be_symbolic(name: str) -> None:
    n = symbol("n")
    channels = 4 if name == "group_normalization" else symbol("m")
    sizes = {"n": 3} if name == "group_normalization" else {"n": 3, "m": 4}
    operands = types_of(name, n, channels, 5)
    if name == "batch_norm_inference":  # a variance that is drawn may be negative

        def positive(build: Any, *xs: Any) -> list[Any]:
            return write(name)(build, *xs[:-1], build.abs(xs[-1]))

        check_symbolic_gradient(positive, *operands, **sizes)
    else:
        check_symbolic_gradient(write(name), *operands, **sizes)


def gradient_of(name: str, arrays: list[np.ndarray]) -> tuple[Graph, list[np.ndarray]]:
    graph = graph_of(write(name), *[as_type(each.dtype, each.shape) for each in arrays])
    cts = [draw(*v.type.shape, salt=7, dtype=v.type.dtype.name) for v in graph.outputs]  # type: ignore[misc]
    return vjp_graph(graph, range(len(arrays))), [*arrays, *cts]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("x", ["zeros", "constant", "one example", "far"])
def test_gradients_without_spread_are_finite_and_right(name: str, x: str) -> None:
    made = {
        "zeros": np.zeros((3, 4), np.float32),
        "constant": np.full((3, 4), 1000, np.float32),
        "one example": draw(1, 4),
        "far": draw(3, 4) + 1000,
    }[x]
    graph, inputs = gradient_of(name, arrays_of(name, made))
    precise = evaluate(graph, inputs, precise=True)
    for mine, expected in zip(trace_graph(graph, inputs), precise, strict=True):
        assert np.isfinite(mine).all()
        np.testing.assert_allclose(mine, expected, rtol=2e-3, atol=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_halves_whose_squares_overflow_are_normalised(name: str) -> None:
    x = np.array([[300, 301, 302, 303], [-300, 400, 500, -600]], np.float16)
    arrays = [each.astype(np.float16) for each in arrays_of(name, x)]
    graph = graph_of(write(name), *types_of(name, 2, 4, dtype="float16"))
    precise = evaluate(graph, arrays, precise=True)[0]
    found = np.asarray(trace_graph(graph, arrays)[0])
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, precise, rtol=4e-3, atol=4e-3)


def test_statistics_of_a_batch_of_halves_are_not_halves() -> None:
    x = (draw(64, 4) + 100).astype(np.float16)
    arrays = [x, *[np.ones(4, np.float16)] * 2]
    types = types_of("batch_norm_training", 64, 4, dtype="float16")
    graph = graph_of(write("batch_norm_training"), *types)
    _, mean, variance = trace_graph(graph, arrays)
    assert np.asarray(mean).dtype == np.float32
    np.testing.assert_allclose(mean, x.astype(np.float64).mean(0), rtol=1e-6)
    np.testing.assert_allclose(variance, x.astype(np.float64).var(0), rtol=1e-4)


def test_the_gradient_of_a_batch_is_one_op() -> None:
    graph = graph_of(
        lambda build, *xs: [write("batch_norm_training")(build, *xs)[0]],
        *types_of("batch_norm_training", 3, 4),
    )
    gradient = vjp_graph(graph, [0, 1, 2])
    assert gradient.count("batch_norm_grad") == gradient.count("batch_norm_training") == 1
    assert gradient.count("reduce_sum") == 0


X, V = as_type("float32", (2, 4)), as_type("float32", (4,))


@pytest.mark.parametrize(
    ("op", "types", "attributes", "words"),
    [
        ("rms_normalization", (X, as_type("float32", (3,))), {"axis": 1}, "the axis and of scale"),
        ("group_normalization", (X, V, V), {"axis": 0, "groups": 2}, "channels are on axis 0"),
        ("group_normalization", (X, V, V), {"axis": 1, "groups": 3}, "do not make 3 groups"),
        ("batch_norm_inference", (X, V, V, V, X), {"feature_index": 1}, "variance has 2 axes"),
        ("batch_norm_training", (X, V, V), {"feature_index": 2}, "feature_index"),
        ("batch_norm_grad", (X, V, V, V, V), {"feature_index": 1}, "the cotangent has 1 axes"),
        ("l2_normalize", (X,), {"axes": (2,)}, "axes"),
        ("l2_normalize", (X,), {"axes": (1,), "epsilon": -1.0}, "epsilon is -1.0"),
        ("rms_normalization", (as_type("int32", (2, 4)),) * 2, {"axis": 1}, "operand 0 is int32"),
    ],
)
def test_operands_that_do_not_fit_are_refused(
    op: str, types: Any, attributes: dict[str, Any], words: str
) -> None:
    build = GraphBuilder()
    operands = [build.input(type_, f"x{i}") for i, type_ in enumerate(types)]
    with pytest.raises((ShapeError, DTypeError, AttributeValueError), match=words):
        getattr(build, op)(*operands, **{"epsilon": 1e-3, **attributes})

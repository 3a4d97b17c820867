"""Reverse accumulation: which nodes it visits, what it adds, and that the numbers are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.errors import GradientError, VerifyError
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import (
    append_gradients,
    reached_inputs,
    reached_outputs,
    vjp_graph,
)
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.op import (
    ByDecomposition,
    NoGradient,
    NotLowered,
    OpSpec,
    Recomputed,
    TracedLowering,
    Trait,
    ZeroGradient,
)
from graphc.ir.registry import REGISTRY, OpRegistry
from graphc.ir.types import as_type
from graphc.ir.verifier import verify
from graphc.lowering.tracing import trace_graph

F32 = as_type("float32")
I32 = as_type("int32")


def define(registry: OpRegistry, name: str, gradient: Any, **facets: Any) -> OpSpec:
    """An op of one operand and one result of its type, unless `facets` say otherwise."""
    known: dict[str, Any] = {
        "doc": "For these tests.",
        "infer": lambda call: call.types[0],
        "lower": NotLowered("only its gradient is looked at"),
        "reference": lambda call, x: x,
        "samples": tuple,
        "arity": 1,
    }
    return registry.register(OpSpec(name=name, gradient=gradient, **{**known, **facets}))


@pytest.fixture
def registry() -> OpRegistry:
    """The real ops, and a few that a test would not find among them."""
    made = OpRegistry()
    for op in REGISTRY:
        made.register(op)
    return made


def gradients_of(
    write: Callable[..., Value],
    *arguments: float,
    registry: OpRegistry = REGISTRY,
    order: int = 1,
) -> list[Any]:
    """The gradients of a scalar function written with a builder, by the engine; run by JAX."""
    build = GraphBuilder(registry)
    xs = [build.input(F32, f"x{i}") for i in range(len(arguments))]
    y = write(build, *xs)
    for _ in range(order):
        (y, *others) = append_gradients(build, build.nodes, [y], [None], xs)
    graph = build.finish([value for value in (y, *others) if value is not None])
    verify(graph)
    return [float(value) for value in trace_graph(graph, [np.float32(a) for a in arguments])]


def test_gradients_through_shared_values_are_summed() -> None:
    def write(build: Any, x: Any, y: Any) -> Any:
        square = build.multiply(x, x)
        return build.add(build.exponential(build.multiply(square, y)), square)

    expected = jax.grad(lambda x, y: jax.numpy.exp(x * x * y) + x * x, (0, 1))(0.5, 0.25)
    np.testing.assert_allclose(gradients_of(write, 0.5, 0.25), expected, rtol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_gradients_of_gradients(order: int) -> None:
    def function(x: Any) -> Any:
        return jax.numpy.exp(x * x) * x

    def write(build: Any, x: Any) -> Any:
        return build.multiply(build.exponential(build.multiply(x, x)), x)

    derivative = function
    for _ in range(order):
        derivative = jax.grad(derivative)
    np.testing.assert_allclose(gradients_of(write, 0.5, order=order), derivative(0.5), rtol=1e-5)


def test_an_interior_x_gets_its_total_derivative_and_passes_it_on() -> None:
    build = GraphBuilder()
    x = build.input(F32, "x")
    middle = build.multiply(x, x)
    y = build.multiply(build.exponential(middle), x)
    found = append_gradients(build, build.nodes, [y], [None], [middle, x])
    graph = build.finish([value for value in found if value is not None])
    at_middle, at_x = trace_graph(graph, [np.float32(0.5)])
    np.testing.assert_allclose(at_middle, np.exp(0.25) * 0.5, rtol=1e-6)
    np.testing.assert_allclose(at_x, np.exp(0.25) * (2 * 0.25 + 1), rtol=1e-6)


def test_a_stop_is_a_constant_but_has_a_gradient_of_its_own() -> None:
    build = GraphBuilder()
    x = build.input(F32, "x")
    middle = build.multiply(x, x)
    y = build.multiply(middle, x)
    found = append_gradients(build, build.nodes, [y], [None], [middle, x], stops=[middle])
    graph = build.finish([value for value in found if value is not None])
    assert [float(v) for v in trace_graph(graph, [np.float32(3)])] == [3.0, 9.0]


def test_a_y_that_is_an_x_gives_its_own_cotangent() -> None:
    build = GraphBuilder()
    x, seed = build.input(F32, "x"), build.input(F32, "seed")
    found = append_gradients(build, build.nodes, [x, x], [seed, None], [x])
    graph = build.finish([value for value in found if value is not None])
    assert float(trace_graph(graph, [np.float32(7), np.float32(2)])[0]) == 3.0


def test_nothing_is_added_off_the_path() -> None:
    build = GraphBuilder()
    x, other = build.input(F32, "x"), build.input(F32, "other")
    aside = build.exponential(build.multiply(other, other))
    y = build.multiply(build.negate(x), aside)
    unused = build.exponential(y)
    before = len(build.nodes)
    append_gradients(build, [*build.nodes], [y], [None], [x])
    names = [node.op.name for node in build.nodes[before:]]
    # the seed; the rule of multiply (both operands); the rule of negate
    assert names == ["constant", "multiply", "multiply", "negate"]
    assert unused.node in build.nodes


def test_what_does_not_depend_on_an_x_gives_none() -> None:
    build = GraphBuilder()
    x, other = build.input(F32, "x"), build.input(F32, "other")
    stopped = build.stop_gradient(other)
    y = build.multiply(x, stopped)
    first, second = append_gradients(build, build.nodes, [y], [None], [x, other])
    assert first is not None
    assert second is None


def test_a_zero_gradient_connects(registry: OpRegistry) -> None:
    define(registry, "steps", ZeroGradient(), lower=TracedLowering(lambda call, x: x))
    build = GraphBuilder(registry)
    x, other = build.input(F32, "x"), build.input(F32, "other")
    stepped = build.steps(build.multiply(x, x))
    y = build.add(build.exponential(stepped), other)
    found = append_gradients(build, build.nodes, [y], [None], [x, other, stepped])
    assert all(value is not None for value in found)
    graph = build.finish([value for value in found if value is not None])
    values = trace_graph(graph, [np.float32(1), np.float32(1)])
    np.testing.assert_allclose(values, [0.0, 1.0, np.e], rtol=1e-6)


def test_a_missing_gradient_is_an_error_only_on_the_path(registry: OpRegistry) -> None:
    define(registry, "opaque", NoGradient("nobody wrote it", is_error=True))
    build = GraphBuilder(registry)
    x, other = build.input(F32, "x"), build.input(F32, "other")
    y = build.multiply(x, build.opaque(other))
    assert append_gradients(build, build.nodes, [y], [None], [x])[0] is not None
    with pytest.raises(GradientError, match="opaque has no gradient: nobody wrote it"):
        append_gradients(build, build.nodes, [y], [None], [other])


def test_integers_carry_no_gradient(registry: OpRegistry) -> None:
    define(registry, "rounded", ZeroGradient(), infer=lambda call: I32)
    define(registry, "as_float", lambda build, call, x, y, ct: ct, infer=lambda call: F32)
    build = GraphBuilder(registry)
    x = build.input(F32, "x")
    y = build.as_float(build.rounded(x))
    assert append_gradients(build, build.nodes, [y], [None], [x]) == [None]


def _two_results(registry: OpRegistry, seen: list[Any]) -> None:
    def rule(build: Any, call: Any, operands: Any, results: Any, cotangents: Any) -> Any:
        seen.append((call.wanted, call.given, [ct.node.op.name for ct in cotangents]))
        return (cotangents[0], cotangents[1], None)

    define(registry, "pair", rule, arity=3, infer=lambda call: call.types[:2])


def test_a_rule_learns_what_is_wanted_and_what_is_given(registry: OpRegistry) -> None:
    seen: list[Any] = []
    _two_results(registry, seen)
    build = GraphBuilder(registry)
    x, other, count = build.input(F32, "x"), build.input(F32, "other"), build.input(I32, "count")
    _, second = build.pair(other, x, count)
    append_gradients(build, build.nodes, [build.negate(second)], [None], [x])
    assert seen == [((False, True, False), (False, True), ["constant", "negate"])]


def test_a_composite_without_a_rule_is_written_out_and_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def write_cube(build: Any, call: Any, x: Any) -> Any:
        return build.multiply(build.multiply(x, x), x)

    def write_negated(build: Any, call: Any, x: Any) -> Any:
        return build.negate(build.cube(x))

    own = OpRegistry()
    for name, write in (("cube", write_cube), ("negated_cube", write_negated)):
        facets = {"traits": Trait.COMPOSITE, "lower": ByDecomposition(), "decomposition": write}
        # decompositions are built through the one registry: lend it the two ops
        op = define(own, name, ByDecomposition(), **facets)
        monkeypatch.setitem(REGISTRY._ops, name, op)
    build = GraphBuilder()
    x = build.input(F32, "x")
    graph = build.finish([build.multiply(build.negated_cube(x), x)])
    gradient = vjp_graph(graph, [0])
    assert gradient.count("cube") == gradient.count("negated_cube") == 0
    with_forward = gradient_and_value(graph)
    assert with_forward.count("negated_cube") == 0, "the forward value must not be computed twice"
    (value,) = trace_graph(gradient, [np.float32(2), np.float32(1)])
    assert float(value) == -4 * 2**3


def gradient_and_value(graph: Graph) -> Graph:
    editor = GraphEditor(graph)
    found = append_gradients(
        editor.build,
        graph.nodes,
        graph.outputs,
        [None],
        graph.inputs,
        operands_of=editor.operands,
        replace=editor.replace,
    )
    editor.set_outputs([*editor.outputs, *[value for value in found if value is not None]])
    return editor.freeze()[0]


def test_results_that_a_rule_computes_anew_stand_for_the_old_ones(registry: OpRegistry) -> None:
    def rule(build: Any, call: Any, operands: Any, results: Any, cotangents: Any) -> Recomputed:
        anew = build.exponential(operands[0])
        return Recomputed([anew], [build.multiply(cotangents[0], anew)])

    define(registry, "costly", rule)
    build = GraphBuilder(registry)
    x = build.input(F32, "x")
    graph = build.finish([build.negate(build.costly(x))])
    made = gradient_and_value(graph)
    verify(made)
    assert made.count("costly") == 0
    assert made.count("exponential") == 1


@pytest.mark.parametrize(
    ("cotangents", "words"),
    [
        (lambda build, ct: (ct, ct), "one cotangent per operand"),
        (lambda build, ct: (build.full(1, I32.dtype),), "wrong type"),
    ],
)
def test_a_wrong_rule_is_named(registry: OpRegistry, cotangents: Any, words: str) -> None:
    define(registry, "wrong", lambda build, call, x, y, ct: cotangents(build, ct[0]))
    build = GraphBuilder(registry)
    x = build.input(F32, "x")
    y = build.wrong(x)
    with pytest.raises(VerifyError, match=words) as caught:
        append_gradients(build, build.nodes, [y], [None], [x])
    assert "wrong" in str(caught.value)


def test_the_gradient_of_a_closed_graph_has_zeros_for_what_is_not_connected() -> None:
    build = GraphBuilder()
    x, other, count = build.input(F32, "x"), build.input(F32, "other"), build.input(I32, "count")
    graph = build.finish([build.multiply(x, x), count, build.negate(other)])
    made = vjp_graph(graph, [1, 0], given=[0])
    verify(made)
    assert [str(value.type) for value in made.inputs] == ["f32[]", "f32[]", "i32[]", "f32[]"]
    numbers = [np.float32(3), np.float32(5), np.int32(1), np.float32(2)]
    assert [float(value) for value in trace_graph(made, numbers)] == [0.0, 12.0]
    assert len(vjp_graph(graph, [0]).inputs) == 5, "by default, one cotangent per float output"


def test_what_depends_on_what() -> None:
    build = GraphBuilder()
    x, other, count = build.input(F32, "x"), build.input(F32, "other"), build.input(I32, "count")
    product = build.multiply(x, build.stop_gradient(other))
    graph = build.finish([product, build.negate(other), count])
    assert reached_outputs(graph, [0]) == {0}
    assert reached_outputs(graph, [0, 1, 2]) == {0, 1}
    assert reached_inputs(graph, [0]) == {0}
    assert reached_inputs(graph, [0, 1, 2]) == {0, 1}


def _chain(length: int) -> tuple[GraphBuilder, Value, Value]:
    build = GraphBuilder()
    x = build.input(F32, "x")
    y = x
    for _ in range(length):
        y = build.multiply(build.add(y, x), x)
    return build, x, y


def test_the_cost_is_linear_in_the_path() -> None:
    added: list[int] = []
    for length in (100, 200, 400):
        build, x, y = _chain(length)
        before = len(build.nodes)
        append_gradients(build, [*build.nodes], [y], [None], [x])
        added.append(len(build.nodes) - before)
    assert added[2] - added[1] == 2 * (added[1] - added[0])


def test_new_nodes_keep_the_line_of_the_node_they_derive_from() -> None:
    build = GraphBuilder()
    x = build.input(F32, "x")
    build.name = "layer/exp"
    y = build.exponential(x)
    build.name = ""
    before = len(build.nodes)
    append_gradients(build, [*build.nodes], [y], [None], [x])
    (made,) = [node for node in build.nodes[before:] if node.op.name == "multiply"]
    assert made.name == "gradients/layer/exp"
    assert made.origin.rules == ("autodiff",)

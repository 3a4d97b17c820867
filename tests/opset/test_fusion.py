"""The op `fusion`: what it takes, what it costs, what XLA gets, and its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.errors import AttributeValueError, DTypeError, GraphcError, ShapeError
from graphc.ir.builder import GraphBuilder
from graphc.ir.differentiation import append_gradients, vjp_graph
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.op import Constraint
from graphc.ir.parser import parse
from graphc.ir.types import as_type
from graphc.ir.verifier import verify
from graphc.lowering.jax_internals import scoped_x64
from graphc.lowering.jaxpr import lower_graph
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from tests.opset.gradient_checks import check_gradients, graph_of

VECTOR, I32 = as_type("float64", (3,)), as_type("int32")


def write_body(build: Any, x: Any, y: Any) -> list[Value]:
    """x·y and tanh(x·y + y), which needs it."""
    product = build.multiply(x, y)
    return [product, build.tanh(build.add(product, y))]


def fused(build: Any, *operands: Any) -> list[Value]:
    return list(build.fusion(*operands, regions=(BODY,), kind="elementwise"))


BODY = graph_of(write_body, VECTOR, VECTOR)
FUSED = graph_of(fused, VECTOR, VECTOR)
ARRAYS = [draw(3, dtype="float64"), draw(3, dtype="float64", salt=1)]


def test_the_text_of_a_fusion() -> None:
    label = 'an "odd" label, {with} braces'
    text = str(
        graph_of(
            lambda build, x, y: list(
                build.fusion(x, y, regions=(BODY,), kind="epilogue", label=label)
            ),
            VECTOR,
            VECTOR,
        )
    )
    assert 'kind="epilogue", label="an \\"odd\\" label, {with} braces"' in text
    assert "label" not in str(FUSED)
    for each in (text, str(FUSED)):
        assert str(parse(each)) == each


def test_a_fusion_gives_what_its_body_gives() -> None:
    for mine, theirs in zip(evaluate(FUSED, ARRAYS), evaluate(BODY, ARRAYS), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_xla_gets_the_equations_of_the_body_and_no_others() -> None:
    with scoped_x64():
        inside, bare = lower_graph(FUSED), lower_graph(BODY)

        def primitives(graph: Any) -> list[str]:
            return [equation.primitive.name for equation in graph.program.jaxpr.eqns]

        assert primitives(inside) == primitives(bare) == ["mul", "add", "tanh"]


def test_it_costs_the_work_of_its_nodes_and_the_bytes_that_cross_its_border() -> None:
    (node,) = [node for node in FUSED.nodes if node.op.name == "fusion"]
    cost = node.op.cost_of(node.call)
    assert cost.flops == 3 * 3
    assert cost.bytes == 4 * 3 * 8  # two operands, two results
    apart = sum(each.op.cost_of(each.call).bytes for each in BODY.nodes if each.op.name != "input")
    assert apart == 8 * 3 * 8


def test_the_cost_of_symbolic_sizes_is_an_expression() -> None:
    n = symbol("n")
    rows = as_type("float32", (n,))
    body = graph_of(lambda build, x: [build.exponential(build.exponential(x))], rows)
    graph = graph_of(lambda build, x: [build.fusion(x, regions=(body,), kind="elementwise")], rows)
    node = graph.outputs[0].node
    assert node.op.cost_of(node.call) == (2 * n, 8 * n)


# --- what it takes --------------------------------------------------------------------------------


def make(*types: Any, regions: tuple[Graph, ...] = (BODY,), kind: str = "elementwise") -> Graph:
    build = GraphBuilder()
    inputs = [build.input(type_, f"x{i}") for i, type_ in enumerate(types)]
    made = build.fusion(*inputs, regions=regions, kind=kind)
    return build.finish([made] if isinstance(made, Value) else list(made))


def updating(body: Graph) -> Graph:
    return Graph(body.inputs, body.outputs, body.nodes, ("v",))


@pytest.mark.parametrize(
    ("types", "regions", "error", "message"),
    [
        ((VECTOR, VECTOR), (), ShapeError, "has 0 regions"),
        ((VECTOR, VECTOR), (BODY, BODY), ShapeError, "has 2 regions"),
        ((VECTOR,), (BODY,), ShapeError, "takes 2 operands"),
        ((VECTOR, as_type("float32", (3,))), (BODY,), DTypeError, r"operand 1 is f32\[3\]"),
        ((VECTOR, as_type("float64", (4,))), (BODY,), ShapeError, r"operand 1 is f64\[4\]"),
        ((as_type("float64"), VECTOR), (BODY,), ShapeError, r"operand 0 is f64\[\]"),
        ((VECTOR, VECTOR), (updating(BODY),), ShapeError, r"updates variables \(v\)"),
    ],
)
def test_operands_that_the_body_does_not_take(
    types: tuple[Any, ...], regions: tuple[Graph, ...], error: type[GraphcError], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(*types, regions=regions)


def test_there_are_three_kinds() -> None:
    with pytest.raises(AttributeValueError, match="'kind'"):
        make(VECTOR, VECTOR, kind="vertical")


def test_sizes_that_cannot_be_compared_yet_are_checked_later() -> None:
    n, m = symbol("n"), symbol("m")
    body = graph_of(lambda build, x: [build.tanh(x)], as_type("float32", (n,)))
    graph = make(as_type("float32", (m,)), regions=(body,))
    assert [str(constraint) for constraint in graph.constraints] == [str(Constraint(m, n))]
    own = Graph(body.inputs, body.outputs, body.nodes, constraints=(Constraint(n, 4),))
    assert make(as_type("float32", (n,)), regions=(own,)).constraints == own.constraints


# --- gradients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3])
def test_gradients(order: int) -> None:
    arrays = [array.astype(np.float32) for array in ARRAYS]
    vector = as_type("float32", (3,))
    body = graph_of(write_body, vector, vector)
    graph = graph_of(
        lambda build, x, y: list(build.fusion(x, y, regions=(body,), kind="elementwise")),
        vector,
        vector,
    )
    check_gradients(graph, arrays, [0, 1], order)


def test_an_operand_given_twice_gets_both_parts_once() -> None:
    graph = graph_of(lambda build, x: [fused(build, x, x)[0]], VECTOR)
    made = vjp_graph(graph, [0])
    x = ARRAYS[0]
    (found,) = evaluate(made, [x, np.ones(3)])
    np.testing.assert_allclose(found, 2 * x)


def test_a_differentiated_fusion_is_computed_once() -> None:
    editor = GraphEditor(FUSED)
    gradients = append_gradients(
        editor.build,
        FUSED.nodes,
        FUSED.outputs,
        [None, None],
        FUSED.inputs,
        operands_of=editor.operands,
        replace=editor.replace,
    )
    editor.set_outputs([*FUSED.outputs, *[value for value in gradients if value is not None]])
    made, _ = editor.freeze()
    verify(made)
    assert len(made.outputs) == 4
    assert made.count("fusion") == 0
    assert made.count("tanh") == 1


def test_only_what_is_asked_for_is_differentiated() -> None:
    """A result without a cotangent, an operand that nobody asks about, and an integer."""

    def write(build: Any, x: Any, y: Any, n: Any) -> list[Value]:
        return [build.exponential(x), build.tanh(y), build.add(n, n)]

    body = graph_of(write, VECTOR, VECTOR, I32)
    graph = graph_of(
        lambda build, *xs: list(build.fusion(*xs, regions=(body,), kind="elementwise")),
        VECTOR,
        VECTOR,
        I32,
    )
    made = vjp_graph(graph, [0], [0])
    assert made.count("tanh") == 0
    (found,) = evaluate(made, [*ARRAYS, np.array(3, np.int32), np.ones(3)])
    np.testing.assert_allclose(found, np.exp(ARRAYS[0]))
    # what no given result depends on has derivative zero
    (found,) = evaluate(vjp_graph(graph, [1], [0]), [*ARRAYS, np.array(3, np.int32), np.ones(3)])
    np.testing.assert_array_equal(found, np.zeros(3))

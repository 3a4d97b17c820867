"""What the gradient of a loop keeps, and what it computes again; gradients stay JAX's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.ir.differentiation import vjp_graph
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.types import as_type
from graphc.ir.verifier import verify
from graphc.opset.samples import draw
from graphc.reference.evaluator import evaluate
from tests.opset.gradient_checks import Write, check_gradients, graph_of

ROWS, WEIGHTS = as_type("float32", (3, 4)), as_type("float32", (4, 4))
ARRAYS = [draw(3, 4, low=-1, high=1), draw(5, 4, 4, low=-0.7, high=0.7)]


def product(build: Any, x: Any, w: Any) -> Any:
    return build.dot_general(x, w, lhs_contracting=(1,), rhs_contracting=(0,))


def chain(block: Write, op_name: str = "scan", **attributes: Any) -> Graph:
    """`x = block(x, w)` for five matrices w."""
    body = graph_of(block, ROWS, WEIGHTS)

    def write(build: Any, x: Any, weights: Any) -> list[Value]:
        first = [build.array(np.int32(4))] if op_name == "counted_scan" else []
        loop = getattr(build, op_name)
        made = loop(*first, x, weights, regions=(body,), carries=1, length=5, **attributes)
        return [made] if isinstance(made, Value) else [made[0]]

    return graph_of(write, ROWS, as_type("float32", (5, 4, 4)))


def plain(build: Any, x: Any, w: Any) -> list[Value]:
    return [build.tanh(product(build, x, w))]


def residual(build: Any, x: Any, w: Any) -> list[Value]:
    return [build.add(x, build.tanh(build.sine(product(build, x, w))))]


def ways(graph: Graph) -> tuple[Node, Node]:
    made = vjp_graph(graph, [0, 1])
    verify(made)
    forth, back = [node for node in made.nodes if node.regions]
    return forth, back


def ops(node: Node) -> list[str]:
    return [each.op.name for each in node.regions[0].nodes]


def test_products_are_kept_and_elementwise_ops_computed_again() -> None:
    forth, back = ways(chain(residual))
    stacked = forth.outputs[1:]
    assert [value.type.shape for value in stacked] == [(5, 3, 4)] * 2  # the carry, the product
    assert ops(back).count("dot_general") == 2  # the gradients of x and w, and no third
    assert "sine" in ops(back)


def test_what_is_handed_on_is_not_kept_a_second_time() -> None:
    forth, back = ways(chain(plain))
    assert len(forth.outputs) == 2  # the last carry, and all before it
    assert ops(back).count("dot_general") == 2
    assert "tanh" not in ops(back)
    assert back.attributes["carries"] == 2  # the cotangent, and what the next iteration began with


@pytest.mark.parametrize("block", [plain, residual])
@pytest.mark.parametrize("order", [1, 2])
def test_gradients_with_kept_values_are_those_of_jax(block: Write, order: int) -> None:
    check_gradients(chain(block, reverse=True), ARRAYS, [0, 1], order)
    check_gradients(chain(block, "counted_scan"), ARRAYS, [0, 1], order)


def test_a_while_loop_keeps_products_in_a_buffer() -> None:
    below = graph_of(
        lambda build, i, x, w: [build.compare(i, build.array(np.int32(3)), direction="LT")],
        as_type("int32"), ROWS, WEIGHTS,
    )  # fmt: skip
    body = graph_of(
        lambda build, i, x, w: [build.add(i, build.array(np.int32(1))), *plain(build, x, w)],
        as_type("int32"), ROWS, WEIGHTS,
    )  # fmt: skip

    def write(build: Any, x: Any, w: Any) -> list[Value]:
        first = build.array(np.int32(0))
        loop = build.while_loop(first, x, w, regions=(below, body), carries=2, maximum=6)
        return [loop[1]]

    written_out = graph_of(
        lambda build, x, w: plain(build, plain(build, plain(build, x, w)[0], w)[0], w),
        ROWS, WEIGHTS,
    )  # fmt: skip
    arrays = [ARRAYS[0], ARRAYS[1][0], np.ones((3, 4), np.float32)]
    made = vjp_graph(graph_of(write, ROWS, WEIGHTS), [0, 1])
    verify(made)
    expected = evaluate(vjp_graph(written_out, [0, 1]), arrays)
    for mine, theirs in zip(evaluate(made, arrays), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


def test_a_mask_is_drawn_once_and_kept() -> None:
    key = as_type("uint32", (2,))

    def block(build: Any, x: Any, key: Any) -> list[Value]:
        return [build.dropout(build.sine(x), key, rate=0.5)[0]]

    body = graph_of(block, ROWS, key)

    def write(build: Any, x: Any, keys: Any) -> list[Value]:
        return [build.scan(x, keys, regions=(body,), carries=1, length=5)]

    graph = graph_of(write, ROWS, as_type("uint32", (5, 2)))
    made = vjp_graph(graph, [0])
    assert made.count("dropout") == 1
    keys = np.arange(10, dtype=np.uint32).reshape(5, 2)
    check_gradients(graph, [ARRAYS[0], keys], [0], 1)
    stacked = [value for node in made.nodes if node.regions for value in node.outputs]
    masks = [v for v in stacked if v.type.dtype.name == "bool" and v.type.shape == (5, 3, 4)]
    assert len(masks) == 1  # and none of the numbers that it was drawn from


def test_of_products_that_are_added_less_is_kept() -> None:
    def cell(build: Any, state: Any, now: Any, inner: Any, outer: Any) -> list[Value]:
        gates = build.add(product(build, now, inner), product(build, state, outer))
        halves = [
            build.slice(gates, start_indices=(0, i), limit_indices=(3, i + 4), strides=(1, 1))
            for i in (0, 4)
        ]
        state = build.multiply(build.logistic(halves[0]), build.tanh(halves[1]))
        return [build.add(state, build.sine(state))]

    wide = as_type("float32", (4, 8))
    body = graph_of(cell, ROWS, ROWS, wide, wide)

    def write(build: Any, state: Any, sequence: Any, inner: Any, outer: Any) -> list[Value]:
        attributes = {"carries": 1, "invariants": 2, "length": 5, "reverse": False}
        return [build.scan(state, sequence, inner, outer, regions=(body,), **attributes)]

    graph = graph_of(write, ROWS, as_type("float32", (5, 3, 4)), wide, wide)
    forth, back = [n for n in vjp_graph(graph, [0, 2, 3]).nodes if n.regions]
    # the carry before each step and both activations: half of what the two products take
    assert [value.type.shape for value in forth.outputs[1:]] == [(5, 3, 4)] * 3
    assert {"logistic", "tanh"}.isdisjoint(ops(back))
    small = {"low": -0.4, "high": 0.4}
    arrays = [ARRAYS[0], draw(5, 3, 4, **small), draw(4, 8, **small), draw(4, 8, salt=1, **small)]
    check_gradients(graph, arrays, [0, 1, 2, 3], 2)

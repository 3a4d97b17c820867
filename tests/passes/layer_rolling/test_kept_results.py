"""What loops of written-out train steps stack, and when layers are better left written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from passes.pipelines import default_pipeline
from passes.stack_parts import StackParts

LAYERS, ROWS = 6, 32


def loss_of(layer: Callable[..., Any]) -> Callable[..., Any]:
    def loss(weights: list[Any], x: Any) -> Any:
        for each in weights:
            x = layer(x, *each)
        return jnp.mean(x**2)

    return jax.value_and_grad(loss)


def graphs(layer: Callable[..., Any], shapes: list[tuple[int, ...]], stage: str) -> Graph:
    weights = [[jnp.ones(shape) for shape in shapes] for _ in range(LAYERS)]
    return graphc.jit(loss_of(layer)).graph(weights, jnp.ones((ROWS, shapes[0][0])), stage=stage)


def loops(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes if node.op.name == "scan"]


def stacked_for_later(graph: Graph) -> list[Any]:
    forth, _ = loops(graph)
    return [value.type.shape for value in forth.outputs[forth.attributes["carries"] :]]


def test_an_activation_that_is_handed_on_is_kept_once() -> None:
    made = graphs(lambda x, w, b: jnp.tanh(x @ w + b), [(4, 4), (4,)], "rolled")
    assert stacked_for_later(made) == [(LAYERS, ROWS, 4)]


def test_a_residual_chain_keeps_its_carry_and_its_products() -> None:
    made = graphs(lambda x, up, down: x + jnp.tanh(x @ up) @ down, [(4, 8), (8, 4)], "rolled")
    assert sorted(stacked_for_later(made)) == [(LAYERS, ROWS, 4), (LAYERS, ROWS, 8)]


def test_a_sum_of_two_products_is_kept_in_place_of_both() -> None:
    def cell(x: Any, own: Any, other: Any) -> Any:
        return jnp.tanh(x @ own + jnp.sin(x) @ other) * x

    made = graphs(cell, [(4, 4), (4, 4)], "rolled")
    assert stacked_for_later(made) == [(LAYERS, ROWS, 4)] * 2  # the sum, and what is handed on


def test_what_a_product_is_needed_for_anyway_is_computed_again() -> None:
    made = graphs(lambda x, w: jax.nn.relu(x @ w), [(4, 4)], "rolled")
    assert stacked_for_later(made) == [(LAYERS, ROWS, 4)]


def test_weights_are_stacked_once_for_both_ways() -> None:
    made = graphs(lambda x, w, b: jnp.tanh(x @ w + b), [(4, 4), (4,)], "rolled")
    stacks = [node for node in made.nodes if node.op.name == "concatenate"]
    assert [node.output.type.shape for node in stacks].count((LAYERS, 4, 4)) == 1
    assert not [node for node in stacks if node.output.type.shape == (LAYERS - 1, 4, 4)]


def test_parts_of_stacks_are_read_by_number() -> None:
    before = graphs(lambda x, w, b: jnp.tanh(x @ w + b), [(4, 4), (4,)], "legalized")
    result = StackParts().apply(before, PassContext())
    after = result.graph
    assert result.changed
    assert not StackParts().apply(after, PassContext()).changed
    assert not any(value.node.op.name == "slice" for loop in loops(after) for value in loop.inputs)
    generator = np.random.default_rng(0)
    arrays = [generator.normal(size=v.type.shape).astype(np.float32) for v in before.inputs]
    for old, new in zip(evaluate(before, arrays), evaluate(after, arrays), strict=True):
        np.testing.assert_array_equal(np.asarray(new), np.asarray(old))


@pytest.mark.parametrize(("width", "expected"), [(16, 2), (256, 0)])
def test_large_weights_and_few_products_are_left_written_out(width: int, expected: int) -> None:
    weights = [jnp.zeros((width, width)) for _ in range(LAYERS)]
    function = graphc.jit(loss_of(lambda x, w: jnp.tanh(x @ w)))
    arguments = ([[w] for w in weights], jnp.ones((4, width)))
    assert len(loops(function.graph(*arguments, stage="rolled"))) == expected


def test_the_largest_of_a_segment_is_found_among_numbers_that_are_computed_once() -> None:
    """Computed again in another loop they may round otherwise, and none would be the largest."""
    random = np.random.default_rng(0)
    segments = jnp.asarray(random.integers(0, 20, 120).astype(np.int32))

    def layer(x: Any, into: Any, scale: Any, out: Any) -> Any:
        hidden = jax.nn.gelu(x @ into)
        hidden = hidden * (hidden * scale).sum(-1, keepdims=True)
        largest = jax.ops.segment_max(hidden, segments, 20)
        return x + jnp.tanh(largest @ out)[segments]

    shapes = [(32, 32), (32,), (32, 32)]
    weights = [
        [jnp.asarray(random.normal(size=shape).astype(np.float32) / 6) for shape in shapes]
        for _ in range(LAYERS)
    ]
    x = jnp.asarray(random.normal(size=(120, 32)).astype(np.float32))
    function = graphc.jit(loss_of(layer), pipeline=default_pipeline())
    (forth, _) = loops(function.graph(weights, x, stage="rolled"))
    assert "bool" in [value.type.dtype.name for value in forth.outputs]
    mine, theirs = function(weights, x), jax.jit(loss_of(layer))(weights, x)
    for left, right in zip(jax.tree.leaves(mine), jax.tree.leaves(theirs), strict=True):
        assert float(jnp.abs(left - right).max() / jnp.abs(right).max()) < 1e-4

"""Loops forth get as many iterations as the loops back, so that they make pairs."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc.ir.graph import Graph
from graphc.ir.verifier import verify
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.memory_goal import MemoryGoal
from passes import default_pipeline
from passes.memory_budget import FirstIterations, MemoryBudget
from passes.memory_budget.loop_pairs import find_pairs
from passes.scans import Scan
from passes.stack_reuse import StackReuse

LAYERS, ROWS, WIDTH = 6, 32, 8


def plain(x: Any, weight: Any) -> Any:
    return x + jnp.sin(jnp.tanh(x @ weight))


def crossed(x: Any, weight: Any) -> Any:
    """The way back of a block reads what the block before has computed besides its result."""
    return x + jnp.sin(x @ weight) @ weight.T


def slopes_of(layer: Any, has_first: bool) -> Any:
    def slopes(weights: Any, x: Any) -> Any:
        def loss(weights: Any) -> Any:
            h = x * jnp.sum(weights[0]) if has_first else x
            for weight in weights:
                h = layer(h, weight)
            return jnp.mean(h**2)

        return jax.grad(loss)(weights)

    return slopes


def arguments() -> tuple[Any, Any]:
    draw = np.random.default_rng(0).normal
    weights = [jnp.asarray(draw(0, 0.3, (WIDTH, WIDTH)), jnp.float32) for _ in range(LAYERS)]
    return weights, jnp.asarray(draw(size=(ROWS, WIDTH)), jnp.float32)


def legalized(layer: Any, has_first: bool = False) -> Graph:
    made = graphc.jit(slopes_of(layer, has_first), pipeline=default_pipeline())
    return made.graph(*arguments(), stage="legalized")


def lengths(graph: Graph) -> list[int]:
    return [node.attributes["length"] for node in graph.nodes if node.op.name == "scan"]


def even(graph: Graph, evens_out: bool = True) -> tuple[Graph, MemoryGoal]:
    goal = MemoryGoal(1, evens_out=evens_out)
    return FirstIterations()(graph, PassContext(memory=goal)).graph, goal


@pytest.fixture(autouse=True)
def rolled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passes.layer_rolling.row_costs._FEW", 0)
    monkeypatch.setattr("passes.layer_rolling.layer_rolling.takes_more_memory", lambda *_: None)


@pytest.mark.parametrize("layer", [plain, crossed])
def test_the_first_layer_is_written_out_and_loops_make_a_pair(layer: Any) -> None:
    graph = legalized(layer)
    assert lengths(graph) == [LAYERS, LAYERS - 1]
    assert not find_pairs(graph)
    made, goal = even(graph)
    verify(made)
    assert goal.is_uneven
    assert lengths(made) == [LAYERS - 1, LAYERS - 1]
    assert len(find_pairs(made)) == 1
    feeds = [np.asarray(each) for each in jax.tree.leaves(arguments())]
    for mine, theirs in zip(evaluate(made, feeds), evaluate(graph, feeds), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_gradients_still_lie_where_the_weights_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the loop back computes again what only the loop forth did with the weights."""
    monkeypatch.setattr("passes.stack_reuse._LITTLE", 0)
    graph, _ = even(legalized(plain))
    again = MemoryBudget()(graph, PassContext(memory=MemoryGoal(1 << 30))).graph
    assert again is not graph
    made = StackReuse()(again, PassContext(platform="cpu")).graph
    verify(made)
    loops = [Scan(node) for node in made.nodes if node.op.name == "scan"]
    carried = [[v.type.shape for v in loop.node.inputs[: loop.carries]] for loop in loops]
    assert [shapes.count((LAYERS, WIDTH, WIDTH)) for shapes in carried] == [0, 1]
    feeds = [np.asarray(each) for each in jax.tree.leaves(arguments())]
    for mine, theirs in zip(evaluate(made, feeds), evaluate(graph, feeds), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_loops_are_left_alone_where_none_asks_and_where_they_are_even() -> None:
    graph = legalized(plain)
    untouched, goal = even(graph, evens_out=False)
    assert untouched is graph
    assert goal.is_uneven
    graph = legalized(plain, has_first=True)
    assert lengths(graph) == [LAYERS, LAYERS]
    untouched, goal = even(graph)
    assert untouched is graph
    assert not goal.is_uneven


def test_a_function_without_a_layer_before_the_others_keeps_to_half_its_memory() -> None:
    weights, _ = arguments()
    x = jnp.cos(jnp.arange(512 * WIDTH, dtype=jnp.float32)).reshape(512, WIDTH)
    function = slopes_of(plain, has_first=False)
    free = graphc.jit(function, pipeline=default_pipeline())
    before = free.report(weights, x).temp_bytes
    tight = graphc.jit(function, memory_budget=before * 7 // 10)
    assert tight.report(weights, x).temp_bytes <= before * 7 // 10
    for mine, theirs in zip(tight(weights, x), jax.jit(function)(weights, x), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)

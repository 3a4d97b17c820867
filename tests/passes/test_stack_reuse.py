"""Results of loops written over stacks that are read for the last time: equal, in less memory."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc.ir.graph import Graph
from graphc.rewriting.graph_pass import PassContext
from passes.pipelines import default_pipeline
from passes.stack_reuse import StackReuse

pytestmark = pytest.mark.usefixtures("layers_in_loops")

LAYERS, WIDTH = 9, 160  # a stack of weights is 900 KiB


def _loss(weights: Any, x: Any) -> Any:
    for w in weights:
        x = x + jnp.tanh(x @ w)
    return jnp.mean(x**2)


def _slopes(weights: Any, x: Any) -> Any:
    slopes: Any = jax.grad(_loss)(weights, x)
    return slopes


def _step(weights: Any, x: Any) -> Any:
    return [w - 0.1 * slope for w, slope in zip(weights, _slopes(weights, x), strict=True)]


def _arguments() -> tuple[list[Any], Any]:
    draws = np.random.default_rng(0).normal(size=(LAYERS, WIDTH, WIDTH)) / WIDTH
    return [jnp.asarray(w, jnp.float32) for w in draws], jnp.ones((4, WIDTH))


def _written_over(graph: Graph) -> int:
    """How many carries of the loops in a graph are stacks of weights."""
    loops = [node for node in graph.nodes if node.op.name == "scan"]
    carries = [v.type.shape for node in loops for v in node.inputs[: node.attributes["carries"]]]
    return sum(shape[1:] == (WIDTH, WIDTH) for shape in carries)


@pytest.mark.parametrize("function", [_slopes, _step], ids=["gradients", "new weights"])
def test_results_lie_where_the_weights_were(function: Any) -> None:
    given = _arguments()
    pipeline = default_pipeline()
    reusing = graphc.jit(function, pipeline=pipeline)
    keeping = graphc.jit(function, pipeline=pipeline.without("stack_reuse"))
    assert _written_over(reusing.graph(*given)) == 1
    assert _written_over(keeping.graph(*given)) == 0
    stack = (LAYERS - 1) * WIDTH**2 * 4
    temp = [
        f.lower(*given).compile().memory_analysis().temp_size_in_bytes for f in (reusing, keeping)
    ]
    assert temp[0] <= temp[1] - 0.9 * stack
    for mine, theirs, expected in zip(
        reusing(*given), keeping(*given), jax.jit(function)(*given), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-7)


def test_what_is_read_afterwards_stays() -> None:
    """The weights' stack serves two losses, one after the other's way back."""

    def twice(weights: Any, x: Any) -> Any:
        loss: Any = jax.grad(_loss)
        first = loss(weights, x)
        second = loss(weights, x + first[0][:1])
        return [a + b for a, b in zip(first, second, strict=True)]

    given = _arguments()
    found = graphc.jit(twice, pipeline=default_pipeline())(*given)
    for mine, expected in zip(found, jax.jit(twice)(*given), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("platform", "is_changed"), [("cpu", True), ("gpu", True), ("tpu", False)])
def test_where_it_was_measured_and_once(platform: str, is_changed: bool) -> None:
    pipeline = default_pipeline().without("stack_reuse")
    graph = graphc.jit(_step, pipeline=pipeline).graph(*_arguments(), stage="legalized")
    found = StackReuse()(graph, PassContext(platform=platform))
    assert found.changed == is_changed
    assert not StackReuse()(found.graph, PassContext(platform=platform)).changed


def test_stacks_that_are_results_stay() -> None:
    """What a caller gets is no place to write to."""

    def rows(stack: Any, x: Any) -> Any:
        doubled = jnp.concatenate([stack[:1], stack[1:] * 2])

        def body(carry: Any, w: Any) -> Any:
            product = carry @ w
            return product, product.T @ carry

        end, slopes = jax.lax.scan(body, x, doubled)
        return end, slopes, doubled

    weights, x = _arguments()
    stack = jnp.stack(weights)
    function = graphc.jit(rows, pipeline=default_pipeline())
    assert _written_over(function.graph(stack, x)) == 0
    for mine, expected in zip(function(stack, x), jax.jit(rows)(stack, x), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-6)

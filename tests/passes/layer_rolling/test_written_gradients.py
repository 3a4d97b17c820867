"""Gradients that are written out already: those of the first and the last layer are in the loop."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc.ir.graph import Graph
from graphc.lowering.executable import Executable
from graphc.rewriting.manager import PassManager
from passes.layer_rolling import loop_search
from passes.layer_rolling.loop_search import LoopSearch
from passes.pipelines import default_pipeline
from tests.passes.layer_rolling.chains import lengths, roll

LAYERS, WIDTH = 6, 8
TOKENS = np.array([3, 1, 15, 3], np.int32)


def normalized(x: Any, scale: Any) -> Any:
    mean = x.mean(-1, keepdims=True)
    variance = jnp.maximum((x * x).mean(-1, keepdims=True) - mean * mean, 0)
    return (x - mean) * (jax.lax.rsqrt(variance + 1e-6) * scale)


def loss(weights: Any, table: Any) -> Any:
    x = table[TOKENS]
    for scale, kernel in weights:
        x = x + jax.nn.relu(normalized(x, scale) @ kernel)
    return jnp.exp(x).mean()


def arguments() -> tuple[Any, Any]:
    numbers = np.random.default_rng(0)
    weights = [
        (np.ones(WIDTH, np.float32), numbers.normal(0, 0.3, (WIDTH, WIDTH)).astype(np.float32))
        for _ in range(LAYERS)
    ]
    return weights, numbers.normal(0, 1, (16, WIDTH)).astype(np.float32)


def run(graph: Graph, feeds: list[Any]) -> list[Any]:
    executable = Executable(graph)
    return executable.call(*executable.constants, *feeds)


def before_rolling() -> Graph:
    graph = graphc.from_jax(jax.grad(loss, argnums=(0, 1)), *arguments())
    return PassManager(default_pipeline()).run(graph, until="composed").result


def test_all_layers_are_in_a_loop_both_ways() -> None:
    """What each layer reads twice, as its scale, is not shared between chains."""
    graph = before_rolling()
    rolled = roll(graph)[0].graph
    assert lengths(rolled) == [LAYERS, LAYERS]
    assert not any(node.op.name == "dot_general" for node in rolled.nodes)
    feeds = jax.tree.leaves(arguments())
    for mine, theirs in zip(run(rolled, feeds), run(graph, feeds), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rounds", [2, 3])
def test_layers_that_are_used_again_are_whole_loops_in_each_round(rounds: int) -> None:
    """What a layer does before it reads a weight is in the loop of its own round."""

    def in_rounds(weights: Any, table: Any) -> Any:
        return loss([*weights] * rounds, table)

    given = arguments()
    step = graphc.jit(jax.grad(in_rounds, argnums=(0, 1)), pipeline=default_pipeline())
    assert lengths(step.graph(*given, stage="rolled")) == [LAYERS] * (2 * rounds)
    expected = jax.grad(in_rounds, argnums=(0, 1))(*given)
    for mine, theirs in zip(*map(jax.tree.leaves, (step(*given), expected)), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6 * abs(theirs).max())


def attend(x: Any, source: Any, weights: Any) -> Any:
    scale, query, key, value = weights
    scores = ((normalized(x, 1) * scale) @ query) @ (source @ key).T
    return x + jax.nn.softmax(scores) @ (source @ value)


def feed_forward(x: Any, weights: Any) -> Any:
    scale, up, down = weights
    return x + jax.nn.gelu((normalized(x, 1) * scale) @ up) @ down


def encoded_and_decoded(layers: Any, x: Any) -> Any:
    encoded = decoded = x
    for weights in layers[:LAYERS]:
        encoded = feed_forward(attend(encoded, encoded, weights[:4]), weights[4:])
    for weights in layers[LAYERS:]:
        decoded = attend(decoded, decoded, weights[:4])
        decoded = feed_forward(attend(decoded, encoded, weights[7:]), weights[4:7])
    return jnp.exp(decoded).mean()


def test_a_decoder_that_begins_with_what_the_encoder_reads_is_a_whole_loop() -> None:
    """The normalised input, which both multiply by a scale of their own, forth and back."""
    numbers = np.random.default_rng(0)
    attention, wide = [(WIDTH,), *[(WIDTH, WIDTH)] * 3], (WIDTH, 2 * WIDTH)
    encoder = [*attention, (WIDTH,), wide, wide[::-1]]
    layers = [
        [numbers.normal(0, 0.3, shape).astype(np.float32) for shape in shapes]
        for shapes in [encoder] * LAYERS + [[*encoder, *attention]] * LAYERS
    ]
    given = layers, numbers.normal(0, 1, (4, WIDTH)).astype(np.float32)
    step = graphc.jit(jax.grad(encoded_and_decoded), pipeline=default_pipeline())
    rolled = step.graph(*given, stage="rolled")
    # the input has no gradient, so the way back of both first layers is shorter
    assert sorted(lengths(rolled)) == [LAYERS - 1, LAYERS - 1, LAYERS, LAYERS]
    expected = jax.grad(encoded_and_decoded)(*given)
    for mine, theirs in zip(*map(jax.tree.leaves, (step(*given), expected)), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5 * np.abs(theirs).max())


def test_a_search_in_vain_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Families that give no loop are grown for a while, not each of them."""
    graph, grown = before_rolling(), list[int]()
    grow = LoopSearch._grow

    def counted(search: LoopSearch, seeds: Any) -> Any:
        succession = grow(search, seeds)
        grown.append(len(succession.following))
        return succession

    def plans_nothing(*_: Any, **__: Any) -> list[Any]:
        return []

    monkeypatch.setattr(LoopSearch, "_grow", counted)
    monkeypatch.setattr(LoopSearch, "_plan", plans_nothing)
    monkeypatch.setattr(loop_search, "_FEW_GROWN", 0)
    monkeypatch.setattr(loop_search, "_MOST_IN_VAIN", 2)
    assert not LoopSearch(graph, 4, False).run()
    assert 2 * len(graph.nodes) < sum(grown) <= 2 * len(graph.nodes) + max(grown)

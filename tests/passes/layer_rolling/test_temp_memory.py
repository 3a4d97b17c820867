"""Programs of repeated layers take no more temporary memory than `jax.jit` of them: XLA counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc.ir.graph import Graph
from passes.pipelines import default_pipeline

_AS_ANY: Any = jax  # much of it has no types


def normal(*shape: int, seed: int = 0) -> Any:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def trained(loss: Callable[..., Any]) -> Callable[..., Any]:
    """A step of momentum that also gives the norm of all gradients."""

    def step(weights: Any, momenta: Any, *data: Any) -> Any:
        value, slopes = _AS_ANY.value_and_grad(loss)(weights, *data)
        norm = jnp.sqrt(sum(jnp.sum(g**2) for g in _AS_ANY.tree.leaves(slopes)))
        momenta = _AS_ANY.tree.map(lambda m, g: 0.9 * m + g, momenta, slopes)
        weights = _AS_ANY.tree.map(lambda w, m: w - 1e-3 * m, weights, momenta)
        return weights, momenta, value, norm

    return step


def encoder() -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Ten blocks of attention and two dense layers."""
    width, layers = 16, 10

    def normalised(x: Any) -> Any:
        mean = jnp.mean(x, -1, keepdims=True)
        return (x - mean) * jax.lax.rsqrt(jnp.mean((x - mean) ** 2, -1, keepdims=True) + 1e-6)

    def block(w: Any, x: Any) -> Any:
        a = normalised(x)
        q, k, v = (jnp.einsum("btd,dhe->bthe", a, w[name]) for name in ("q", "k", "v"))
        scores = jax.nn.softmax(jnp.einsum("bthe,bshe->bhts", q, k))
        x = x + jnp.einsum("bhts,bshe,hed->btd", scores, v, w["o"])
        return x + jax.nn.gelu(normalised(x) @ w["up"] + w["bias"]) @ w["down"]

    def loss(weights: Any, x: Any, y: Any) -> Any:
        for number in range(layers):
            x = block(weights[f"b{number}"], x)
        return jnp.mean((x - y) ** 2)

    shapes = {
        "q": (width, 4, 4), "k": (width, 4, 4), "v": (width, 4, 4), "o": (4, 4, width),
        "up": (width, 2 * width), "bias": (2 * width,), "down": (2 * width, width),
    }  # fmt: skip
    weights = {
        f"b{number}": {name: normal(*shape, seed=number) / 4 for name, shape in shapes.items()}
        for number in range(layers)
    }
    x, y = normal(8, 32, width), normal(8, 32, width, seed=1)
    return trained(loss), (weights, _AS_ANY.tree.map(jnp.zeros_like, weights), x, y)


PROGRAMS = [encoder]


def temp_bytes(compiled: Any) -> int:
    return compiled.memory_analysis().temp_size_in_bytes


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_no_more_temporary_memory_than_jax(program: Any) -> None:
    function, given = program()
    mine = graphc.jit(function, pipeline=default_pipeline())
    compiled = [f.lower(*given).compile() for f in (mine, jax.jit(function))]
    temp = [temp_bytes(each) for each in compiled]
    assert temp[0] <= temp[1]
    found, expected = (_AS_ANY.tree.leaves(each(*given)) for each in compiled)
    for each, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(each, other, rtol=1e-4, atol=1e-5)


def loops(graph: Graph) -> list[tuple[int, int]]:
    """The length of each loop, and how many products it holds."""
    return [
        (
            node.attributes["length"],
            sum(each.op.name == "dot_general" for each in node.regions[0].nodes),
        )
        for node in graph.nodes
        if node.op.name == "scan"
    ]


def test_gradients_of_weights_are_beside_what_they_are_made_of_not_beside_their_norm() -> None:
    function, given = encoder()
    graph = graphc.jit(function, pipeline=default_pipeline()).graph(*given, stage="rolled")
    assert loops(graph) == [(10, 8), (9, 16)]

"""Whole recurrent networks, with products outside of their loops and without: equal, in no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.rewriting.pipeline import Pipeline
from passes.pipelines import default_pipeline
from tests.passes.loop_products.loops import products_in_loops

BATCH, STEPS, UNITS = 4, 8, 32
WITHOUT = default_pipeline().without("loop_products")

_JAX: Any = jax


def _data() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    draw = np.random.default_rng(0)
    x, y = (draw.normal(size=(BATCH, STEPS, UNITS)).astype(np.float32) for _ in range(2))
    return x, y


def _train(make: Callable[[], list[Any]], pipeline: Pipeline) -> tuple[list[Any], Any]:
    """Losses of a few steps, and the graph as it is lowered."""
    x, y = _data()
    with graphc.Graph().as_default() as graph:
        inputs, targets = (graphc.placeholder("float32", x.shape) for _ in range(2))
        found = inputs
        for layer in make():
            found = layer(found)
        loss = ops.mean(ops.square(found - targets))
        train = graphc.optimizers.Adam(1e-2).minimize(loss)
    session = graphc.Session(graph, pipeline=pipeline, seed=3)
    losses = [session.run([loss, train], {inputs: x, targets: y})[0] for _ in range(6)]
    return losses, session.compile([loss, train], [inputs, targets])


def _layers(kind: str, count: int, **options: Any) -> Callable[[], list[Any]]:
    layer = getattr(graphc.layers, kind)
    return lambda: [layer(UNITS, return_sequences=True, **options) for _ in range(count)]


@pytest.mark.parametrize(
    ("make", "products"),
    [
        pytest.param(_layers("LSTM", 1), [2, 1], marks=pytest.mark.cpu),
        pytest.param(_layers("LSTM", 4), [2, 1], marks=pytest.mark.cpu),
        (_layers("LSTM", 1, dropout=0.2, recurrent_dropout=0.2), None),
        pytest.param(_layers("LSTM", 1, go_backwards=True), [2, 1], marks=pytest.mark.cpu),
        (_layers("GRU", 1), None),
        (_layers("GRU", 4, reset_after=False), None),
        pytest.param(_layers("SimpleRNN", 4), [2, 1], marks=pytest.mark.cpu),
    ],
    ids=["lstm", "lstms", "dropout", "backwards", "gru", "grus", "simple"],
)
def test_layers_train_alike(make: Callable[[], list[Any]], products: list[int] | None) -> None:
    mine, program = _train(make, default_pipeline())
    plain, expected = _train(make, WITHOUT)
    np.testing.assert_allclose(mine, plain, rtol=1e-5)
    found = products_in_loops(program.graph("legalized"))
    before = products_in_loops(expected.graph("legalized"))
    assert sum(found) < sum(before)
    assert products is None or found == products
    temp, without = (p.memory_analysis().temp_size_in_bytes for p in (program, expected))
    assert temp <= 1.05 * without


def _jax_lstm(weights: Any, x: jax.Array) -> jax.Array:
    def step(state: Any, now: jax.Array) -> Any:
        hidden, cell = state
        gates = now @ weights["kernel"] + hidden @ weights["recurrent"] + weights["bias"]
        i, f, g, o = jnp.split(gates, 4, -1)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        return (hidden, cell), hidden

    zeros = jnp.zeros((x.shape[1], UNITS))
    return jax.lax.scan(step, (zeros, zeros), x)[1]


def _jax_gru(weights: Any, x: jax.Array) -> jax.Array:
    def step(hidden: jax.Array, now: jax.Array) -> Any:
        z, r, c = jnp.split(now @ weights["kernel"][:, : 3 * UNITS], 3, -1)
        recurrent = weights["recurrent"]
        z = jax.nn.sigmoid(z + hidden @ recurrent[:, :UNITS])
        r = jax.nn.sigmoid(r + hidden @ recurrent[:, UNITS : 2 * UNITS])
        c = jnp.tanh(c + (r * hidden) @ recurrent[:, 2 * UNITS : 3 * UNITS])
        hidden = z * hidden + (1 - z) * c
        return hidden, hidden

    return jax.lax.scan(step, jnp.zeros((x.shape[1], UNITS)), x)[1]


def _weights(count: int) -> list[dict[str, jax.Array]]:
    draw = np.random.default_rng(1)

    def matrix() -> jax.Array:
        return jnp.asarray(draw.normal(size=(UNITS, 4 * UNITS)) / UNITS**0.5, jnp.float32)

    bias = jnp.zeros(4 * UNITS, jnp.float32)
    return [{"kernel": matrix(), "recurrent": matrix(), "bias": bias} for _ in range(count)]


@pytest.mark.parametrize(("cell", "count"), [(_jax_lstm, 4), (_jax_gru, 1)])
def test_imported_train_steps(cell: Any, count: int) -> None:
    def loss_of(weights: Any, x: jax.Array) -> jax.Array:
        for layer in weights:
            x = cell(layer, x)
        return jnp.mean(x**2)

    def step(weights: Any, x: jax.Array) -> Any:
        loss, slopes = _JAX.value_and_grad(loss_of)(weights, x)
        return loss, _JAX.tree.map(lambda w, g: w - 0.1 * g, weights, slopes)

    x = jnp.asarray(np.swapaxes(_data()[0], 0, 1))
    given = _weights(count), x
    function = graphc.jit(step, pipeline=default_pipeline())
    plain = graphc.jit(step, pipeline=WITHOUT)
    inside, before = (
        sum(products_in_loops(f.graph(*given, stage="legalized"))) for f in (function, plain)
    )
    assert inside < before
    for mine, expected in zip(
        jax.tree.leaves(function(*given)), jax.tree.leaves(jax.jit(step)(*given)), strict=True
    ):
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-6)


def test_second_derivatives() -> None:
    """A gradient's own gradient: the pass comes after both."""
    x = jnp.asarray(np.swapaxes(_data()[0], 0, 1))
    (weights,) = _weights(1)

    def penalised(weights: Any, x: jax.Array) -> jax.Array:
        def loss(weights: Any, x: jax.Array) -> jax.Array:
            return jnp.mean(_jax_lstm(weights, x) ** 2)

        slope: Any = _JAX.grad(loss, argnums=1)(weights, x)
        return loss(weights, x) + jnp.sum(slope**2)

    function: Any = _JAX.grad(penalised)
    made, plain = (graphc.jit(function, pipeline=p) for p in (default_pipeline(), WITHOUT))
    inside, before = (
        sum(products_in_loops(f.graph(weights, x, stage="legalized"))) for f in (made, plain)
    )
    assert inside < before
    found, expected = made(weights, x), jax.jit(function)(weights, x)
    for name, mine in found.items():
        np.testing.assert_allclose(mine, expected[name], rtol=1e-5, atol=1e-7)


def test_tied_layers_of_many_rows_stack_no_more() -> None:
    """One matrix for all layers: what a layer multiplies has as many rows as examples and steps."""

    def loss(w: jax.Array, x: jax.Array) -> jax.Array:
        for _ in range(8):
            x = x + jnp.tanh(x @ w)
        return jnp.mean(x**2)

    w = _weights(1)[0]["kernel"][:, :UNITS]
    x = jnp.ones((256, UNITS))
    slope: Any = _JAX.grad(loss)
    function, plain = (graphc.jit(slope, pipeline=p) for p in (default_pipeline(), WITHOUT))
    assert str(function.graph(w, x)) == str(plain.graph(w, x))


@pytest.mark.cpu
def test_a_budget_below_is_met() -> None:
    x, y = _data()
    program: Any = _train(_layers("LSTM", 4), default_pipeline())[1]
    temp = program.memory_analysis().temp_size_in_bytes
    with graphc.Graph().as_default() as graph:
        inputs, targets = (graphc.placeholder("float32", x.shape) for _ in range(2))
        found = inputs
        for layer in _layers("LSTM", 4)():
            found = layer(found)
        loss = ops.mean(ops.square(found - targets))
        train = graphc.optimizers.Adam(1e-2).minimize(loss)
    budget = int(temp * 0.85)
    session = graphc.Session(graph, memory_budget=budget)
    session.run([loss, train], {inputs: x, targets: y})
    program = session.compile([loss, train], [inputs, targets])
    assert program.memory_analysis().temp_size_in_bytes <= budget

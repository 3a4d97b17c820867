"""A JAX function as a graph: what becomes an op, what a constant, what is equal to what."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc.reference.evaluator import evaluate
from passes import default_pipeline

X = np.arange(12, dtype=np.float32).reshape(3, 4) / 7 - 0.5


def opaque_primitives(graph) -> set[str]:
    return {n.attributes["primitive"] for n in graph.walk() if n.op.name == "jax_primitive"}


WRITTEN = {
    "takes elements": lambda x: jnp.take(x, jnp.array([2, 0, 7]), axis=0, mode="fill"),
    "takes elements along": lambda x: jnp.take_along_axis(x, jnp.argsort(x, 1)[:, :2], axis=1),
    "updates elements": lambda x: x.at[jnp.array([0, 2]), 1].multiply(3.0).at[0].add(x[1]),
    "slices": lambda x: jax.lax.dynamic_slice(x, (jnp.argmax(x[:, 0]), 1), (1, 2)),
    "updates a slice": lambda x: jax.lax.dynamic_update_slice(x, x[:1, :2] * 2, (1, 1)),
    "powers": lambda x: (x**3, x**-2, x**0, x**7),
    "splits": lambda x: jnp.split(x, [1, 3], axis=1),
    "finds the largest": lambda x: jax.lax.top_k(x, 2),
    "sorts": lambda x: jax.lax.sort((x, x * 2), num_keys=1),
    "chooses by number": lambda x: jax.lax.select_n(
        jnp.floor(x * 2).astype(int) + 1, x, x * 2, x * 3, x * 4, x * 5
    ),
    "multiplies precisely": lambda x: jnp.matmul(x, x.T, precision="highest"),
    "reduces": lambda x: jax.lax.reduce(x, np.float32(1), lambda a, b: a * b + a, (1,)),
    "solves": lambda x: jax.scipy.linalg.solve_triangular(x[:, :3] + 3 * jnp.eye(3), x),
    "adds up logarithms": lambda x: jax.lax.cumlogsumexp(x, axis=1),
    "multiplies wide with narrow": lambda x: jax.lax.dot_general(
        x, x.astype(jnp.bfloat16), (((1,), (1,)), ((), ())), preferred_element_type=jnp.float32
    ),
    "multiplies wide with narrow precisely": lambda x: jnp.einsum(
        "ij,kj->ik",
        x,
        x.astype(jnp.bfloat16),
        precision="highest",
        preferred_element_type=jnp.float32,
    ),
    "multiplies narrow, sums wide": lambda x: jnp.dot(
        x.astype(jnp.bfloat16),
        x.T.astype(jnp.bfloat16),
        precision=jax.lax.DotAlgorithmPreset.BF16_BF16_F32,
        preferred_element_type=jnp.float32,
    ),
    "has the gradient of a cast": jax.grad(
        lambda x: jnp.sum(x.astype(jnp.bfloat16).astype(jnp.float32) * x)
    ),
    "reshapes in another order": lambda x: jax.lax.reshape(x, (2, 6), dimensions=(1, 0)),
}


# Of these, XLA computes what is written on CPUs only: elsewhere it adds up in another order, where
# the function is not associative, and leaves casts out.
OF_CPUS = {
    "reduces",
    "multiplies wide with narrow",
    "multiplies wide with narrow precisely",
    "has the gradient of a cast",
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.cpu] if name in OF_CPUS else []) for name in WRITTEN],
)
def test_equations_become_ops_that_compute_the_same(name: str) -> None:
    function = WRITTEN[name]
    graph = graphc.from_jax(function, X)
    assert not opaque_primitives(graph)
    expected = jax.tree.leaves(jax.jit(function)(X))
    for mine, theirs in zip(evaluate(graph, [X]), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


def test_elements_that_a_function_is_applied_to_are_not_overwritten() -> None:
    def function(x):
        return x.at[::2].apply(jnp.exp), x.at[1].apply(jnp.sin), x.at[1].set(2.0)

    graph = graphc.from_jax(function, X)
    assert opaque_primitives(graph) == {"scatter"}
    made = graphc.jit(function, pipeline=default_pipeline())(X)
    np.testing.assert_allclose(made[0][0, 0], np.exp(X[0, 0]), rtol=1e-6)
    for mine, theirs in zip(made, function(jnp.asarray(X)), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


def test_arrays_of_the_function_are_constants() -> None:
    held = np.arange(4, dtype=np.float32)
    graph = graphc.from_jax(lambda x: x * jnp.asarray(held), X)
    (given,) = graph.inputs
    assert given.type.shape == X.shape
    np.testing.assert_allclose(evaluate(graph, [X])[0], X * held)


def test_equal_draws_of_layers_are_equal_nodes_and_are_rolled() -> None:
    def dropped(weights, key, x):
        for weight in weights:
            key, own = jax.random.split(key)
            x = jnp.tanh(x @ weight) * jax.random.bernoulli(own, 0.9, x.shape)
        return x

    weights = list(jax.random.normal(jax.random.key(0), (6, 4, 4)))
    function = graphc.jit(dropped)
    rolled = function.graph(weights, jax.random.key(1), X, stage="rolled")
    assert rolled.count("scan") == 1
    np.testing.assert_allclose(
        function(weights, jax.random.key(1), X),
        jax.jit(dropped)(weights, jax.random.key(1), X),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("unroll", [1, 2, True])
def test_a_scan_that_is_to_be_unrolled_is(unroll, reverse: bool) -> None:
    def scanned(x):
        def step(total, row):
            return total * 0.5 + row, total

        return jax.lax.scan(step, x[0], x, unroll=unroll, reverse=reverse)

    graph = graphc.from_jax(scanned, X)
    assert graph.count("scan") == (unroll == 1 and unroll is not True)
    for mine, theirs in zip(evaluate(graph, [X]), scanned(X), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)


def test_loops_of_a_batch_run_until_the_last_is_done() -> None:
    def halved(x):
        keyed = jax.random.key(0), x, 0
        return jax.lax.while_loop(
            lambda s: s[1].sum() > 0.1,
            lambda s: (jax.random.split(s[0])[0], s[1] / 2, s[2] + 1),
            keyed,
        )[1:]

    mapped = jax.vmap(jax.vmap(halved))
    given = abs(X).reshape(2, 2, 3)
    graph = graphc.from_jax(mapped, given)
    assert graph.count("while_loop") == 1
    for mine, theirs in zip(evaluate(graph, [given]), mapped(given), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6)

"""`graphc.jit` is a drop-in for `jax.jit`: same results, types, derivatives and transformations."""

from __future__ import annotations

import functools
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc.errors import GraphcError, ImportModelError
from passes import default_pipeline

X = jnp.arange(9.0).reshape(3, 3) / 7


def same(mine, theirs) -> None:
    """Equal structure, types (weak ones too) and numbers."""
    assert jax.tree.structure(mine) == jax.tree.structure(theirs)
    for left, right in zip(jax.tree.leaves(mine), jax.tree.leaves(theirs), strict=True):
        assert left.dtype == right.dtype
        assert getattr(left, "weak_type", None) == getattr(right, "weak_type", None)
        if jnp.issubdtype(right.dtype, jax.dtypes.prng_key):
            left, right = jax.random.key_data(left), jax.random.key_data(right)
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6)


def through_passes(function, **options):
    """`graphc.jit` that runs what the passes make, however small the function is."""
    return graphc.jit(function, pipeline=default_pipeline(), **options)


def everything(x, key, *, scale=2):
    """Calls, loops, branches, draws, scatters, weak types."""
    keys = jax.random.split(key, 3)
    y = jax.nn.relu(x) @ x + jax.random.normal(keys[0], (3, 3)) * scale
    total, doubled = jax.lax.scan(lambda c, t: (c + t, c * 2), y.sum(), x[:, 0])
    large = jax.lax.while_loop(lambda c: c < 10, lambda c: c * 2 + x[0, 0] + 5, jnp.abs(total))
    z = jax.lax.cond(large > 3, lambda v: v + 1, lambda v: v * 2, y)
    return {
        "sum": jax.nn.logsumexp(z),
        "pair": (jax.checkpoint(jnp.sin)(z), x.at[0].set(1.0)),
        "stacked": doubled,
        "keys": keys,
        "weak": jnp.sum(3.0 * jnp.ones(())) * 0 + 1.0,
        "whole": jnp.argsort(x[:, 1]),
    }


def test_a_function_of_pytrees_gives_what_jax_gives() -> None:
    key = jax.random.key(3)
    function = through_passes(everything)
    same(function(X, key, scale=3), jax.jit(everything)(X, key, scale=3))
    assert function.unoptimized == []
    assert function.__name__ == "everything"


def test_a_rule_of_ones_own_is_the_derivative() -> None:
    @jax.custom_vjp
    def rounded(x):
        return jnp.round(x)

    rounded.defvjp(lambda x: (rounded(x), None), lambda _, ct: (ct,))

    def total(x):
        return jnp.sum(rounded(x) * x)

    np.testing.assert_allclose(jax.grad(through_passes(total))(X), jax.grad(total)(X))


def test_what_it_closes_over_may_be_differentiated() -> None:
    def outer(jit, x):
        return jit(lambda y: jnp.sum(jnp.sin(y) * x))(x * 2)

    found = jax.grad(functools.partial(outer, graphc.jit))(X)
    np.testing.assert_allclose(found, jax.grad(functools.partial(outer, jax.jit))(X), rtol=1e-5)


def test_it_traces_once_per_signature() -> None:
    traces = []

    @through_passes
    def double(x):
        traces.append(x)
        return 2 * x

    for _ in range(3):
        double(X)
        double(np.ones(4, np.float32))
    assert len(traces) == 2


def test_static_arguments_are_python_values() -> None:
    @functools.partial(graphc.jit, static_argnums=(1, -1))
    def power(x, exponent, y, name):
        return (x**exponent + y) if name == "sum" else x

    same(power(X, 3, 1.0, "sum"), X**3 + 1.0)
    same(power(X, 3, 1.0, "x"), X)


def test_a_donated_argument_is_gone() -> None:
    given = jnp.ones(1000)
    result = through_passes(lambda x: x + 1, donate_argnums=0)(given)
    assert given.is_deleted()
    assert float(result[0]) == 2.0


def test_a_method_is_bound() -> None:
    class Model:
        weight = 3.0

        @graphc.jit
        def apply(self, x):
            return x * 3.0

    model = jax.tree_util.register_static(Model)()
    same(model.apply(X), X * 3.0)


def test_a_function_with_effects_runs_as_it_was_written(capfd) -> None:
    @graphc.jit
    def printed(x):
        jax.debug.print("sum {}", x.sum())
        return x + 1

    same(printed(X), X + 1)
    jax.effects_barrier()
    assert "sum" in capfd.readouterr().out
    (reason,) = printed.unoptimized
    assert "Debug" in reason
    with pytest.raises(ImportModelError, match="does more than compute"):
        printed.graph(X)


def layered(weights, x):
    for weight, bias in weights:
        x = x + jnp.tanh(x @ weight + bias)
    return jnp.mean(x**2)


def train_step(weights, x):
    value, slopes = jax.value_and_grad(layered)(weights, x)
    return jax.tree.map(lambda w, g: w - 0.1 * g, weights, slopes), value


def make_weights(depth: int):
    keys = jax.random.split(jax.random.key(0), depth)
    return [(jax.random.normal(key, (3, 3)) / 3, jnp.zeros(3)) for key in keys]


def test_repeated_layers_of_a_train_step_become_loops() -> None:
    weights = make_weights(8)
    function = through_passes(train_step)
    rolled = function.graph(weights, X, stage="rolled")
    loops = [node for node in rolled.nodes if node.op.name == "scan"]
    assert [node.attributes["reverse"] for node in loops] == [False, True]
    assert all(node.attributes["length"] >= 7 for node in loops)
    same(function(weights, X), jax.jit(train_step)(weights, X))


def test_depth_does_not_change_the_number_of_nodes_inside_loops() -> None:
    counts = {
        depth: sum(
            len(node.regions[0].nodes)
            for node in graphc.jit(train_step).graph(make_weights(depth), X, stage="rolled").nodes
            if node.regions
        )
        for depth in (6, 12)
    }
    assert counts[6] == counts[12]


def test_the_report_says_what_was_rolled() -> None:
    report = graphc.jit(layered).report(make_weights(6), X)
    assert report.fired["layer_rolling.roll"] == 1
    assert report.temp_bytes >= 0


def test_lines_and_scopes_of_the_user_survive() -> None:
    def scoped(x):
        with jax.named_scope("encoder"):
            return jnp.tanh(x)

    graph = graphc.from_jax(scoped, jax.ShapeDtypeStruct((2,), jnp.float32))
    (tanh,) = [node for node in graph.nodes if node.op.name == "tanh"]
    assert tanh.name == "encoder"
    assert tanh.origin.file.endswith("test_jit_function.py")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: graphc.jit(3), "takes a function"),
        (lambda: graphc.from_jax(lambda x: jax.debug.print("{}", x), X), "does more than compute"),
    ],
)
def test_mistakes_teach(make, words: str) -> None:
    with pytest.raises(GraphcError, match=words):
        make()


def test_a_stopped_gradient_stays_stopped_in_the_graph() -> None:
    graph = graphc.from_jax(lambda x: jax.lax.stop_gradient(x) * x, X)
    assert graph.count("stop_gradient") == 1


def adam_step(state, x):
    weights, first, second = state
    slopes = jax.grad(layered)(weights, x)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slopes)
    second = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g * g, second, slopes)
    weights = jax.tree.map(
        lambda w, m, v: w - 0.1 * m / (jnp.sqrt(v) + 1e-3), weights, first, second
    )
    return weights, first, second


def test_an_update_that_is_written_out_stays_out_of_the_loops() -> None:
    keys = jax.random.split(jax.random.key(0), 6)
    weights = [(jax.random.normal(key, (64, 64)) / 8, jnp.zeros(64)) for key in keys]
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state, x = (weights, zeros, zeros), jnp.ones((4, 64))
    function = through_passes(adam_step)
    rolled = function.graph(state, x, stage="rolled")
    loops = [node for node in rolled.nodes if node.op.name == "scan"]
    assert len(loops) == 2
    # the weights are stacked; neither the matrices of the slots nor what becomes of them are
    scanned = [value.type.shape for loop in loops for value in loop.inputs if value.type.rank == 3]
    assert scanned.count((6, 64, 64)) <= 2
    same(function(state, x), jax.jit(adam_step)(state, x))


def test_a_call_is_as_short_as_one_of_jax() -> None:
    """No frame of Python stands between a caller and what `jax.jit` made."""
    function, frames, ones = graphc.jit(lambda x: x + 1), list[str](), jnp.ones(3)
    function(ones)

    def note(frame, event, _argument):
        frames.extend([frame.f_code.co_name] if event == "call" else [])

    sys.setprofile(note)
    try:
        function(ones)
    finally:
        sys.setprofile(None)
    assert not frames

"""jvp and hessians: against JAX's, of graphs with every region op, before and after all passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import graphc
from graphc import nn, ops
from graphc.errors import GradientError, GraphcError
from tests.ops.derivative_runs import both_ways, check

X = np.array([0.3, -0.7, 1.1])
T = np.array([1.0, 0.5, -2.0])
W = np.sin(np.arange(9.0)).reshape(3, 3)

# What to move through, once in graphc and once in JAX; both take (x, w).
FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "elementwise": (
        lambda x, w: ops.exp(ops.sin(x)) / (1 + x * x),
        lambda x, w: jnp.exp(jnp.sin(x)) / (1 + x * x),
    ),
    "dense": (
        lambda x, w: nn.softmax(ops.tanh(w @ x)),
        lambda x, w: jax.nn.softmax(jnp.tanh(w @ x)),
    ),
    "reductions": (
        lambda x, w: ops.max(w * x, axis=1) + ops.logsumexp(w @ x) + ops.sum(ops.cumsum(x)),
        lambda x, w: jnp.max(w * x, axis=1) + jax.nn.logsumexp(w @ x) + jnp.sum(jnp.cumsum(x)),
    ),
    "indexing": (
        lambda x, w: ops.take(x, [2, 0, 0]) * ops.sort(x)[::-1],
        lambda x, w: x[jnp.array([2, 0, 0])] * jnp.sort(x)[::-1],
    ),
    "scan": (
        lambda x, w: ops.scan(lambda c, row: (ops.tanh(c * x + row), c * c), x, w),
        lambda x, w: lax.scan(lambda c, row: (jnp.tanh(c * x + row), c * c), x, w),
    ),
    "reversed scan": (
        lambda x, w: ops.scan(lambda c, row: (c * row, ops.sum(c)), x, w, reverse=True),
        lambda x, w: lax.scan(lambda c, row: (c * row, jnp.sum(c)), x, w, reverse=True),
    ),
    "while": (
        lambda x, w: ops.while_loop(
            lambda n, v: ops.sum(ops.abs(v)) > 0.2, lambda n, v: (n + 1, v * ops.tanh(x)), (0, x)
        )[1],
        lambda x, w: lax.while_loop(
            lambda s: jnp.sum(jnp.abs(s[1])) > 0.2,
            lambda s: (s[0] + 1, s[1] * jnp.tanh(x)),
            (0, x),
        )[1],
    ),
    "bounded while": (
        lambda x, w: ops.while_loop(
            lambda v: ops.sum(ops.abs(v)) > 0.2, lambda v: v * ops.tanh(x), x, 50
        ),
        lambda x, w: lax.while_loop(
            lambda v: jnp.sum(jnp.abs(v)) > 0.2, lambda v: v * jnp.tanh(x), x
        ),
    ),
    "cond": (
        lambda x, w: ops.cond(ops.sum(x) > 0, lambda: (ops.exp(x), w @ x), lambda: (x, ops.sin(x))),
        lambda x, w: lax.cond(jnp.sum(x) > 0, lambda: (jnp.exp(x), w @ x), lambda: (x, jnp.sin(x))),
    ),
    "switch": (
        lambda x, w: ops.switch(ops.sum(ops.cast(x > 0, "int32")), [ops.sin, ops.tanh, ops.exp], x),
        lambda x, w: lax.switch(jnp.sum(x > 0), [jnp.sin, jnp.tanh, jnp.exp], x),
    ),
    "map": (
        lambda x, w: ops.vectorized_map(lambda row: ops.sum(row * ops.exp(x)), w),
        lambda x, w: jax.vmap(lambda row: jnp.sum(row * jnp.exp(x)))(w),
    ),
    "stopped": (
        lambda x, w: x * ops.stop_gradient(x),
        lambda x, w: x * lax.stop_gradient(x),
    ),
    "rounded": (lambda x, w: x * ops.floor(x), lambda x, w: x * jnp.floor(x)),
}
NO_REVERSE = {"while"}  # in graphc; a bounded while has none in JAX


def feeds() -> tuple[Any, Any, Any, Any]:
    x, w = graphc.placeholder("float64", [3]), graphc.placeholder("float64", [3, 3])
    return x, w, {x: X, w: W}, graphc.constant(T)


def leaves(thing: Any) -> list[Any]:
    return jax.tree_util.tree_leaves(thing)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_jvp_is_that_of_jax(name: str) -> None:
    ours, theirs = FUNCTIONS[name]
    x, w, fed, t = feeds()
    ys = leaves(ours(x, w))
    made = graphc.jvp(ys, [x, w], [t, ops.cos(w)])

    def expected(x: Any, w: Any) -> list[Any]:
        primals, tangents = jax.jvp(theirs, (x, w), (T, jnp.cos(w)))
        return [*leaves(primals), *leaves(tangents)]

    check([*ys, *made], fed, expected)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in NO_REVERSE])
def test_the_gradient_of_a_jvp_is_that_of_jax(name: str) -> None:
    """Reverse over forward, at both ends: through the function and through the tangent."""
    ours, theirs = FUNCTIONS[name]
    x, w, fed, _ = feeds()
    moved = graphc.jvp(leaves(ours(x, w)), x, x * x, unconnected="zero")
    made = graphc.gradients([ops.sum(each) for each in moved], [x, w], unconnected_gradients="zero")

    def expected(x: Any, w: Any) -> Any:
        def total(x: Any, w: Any) -> Any:
            tangents = jax.jvp(lambda x: theirs(x, w), (x,), (x * x,))[1]
            return sum(jnp.sum(each) for each in leaves(tangents))

        if name == "bounded while":  # forward over forward is all that JAX has
            return jax.jacfwd(total, (0, 1))(x, w)
        return jax.grad(total, (0, 1))(x, w)

    check(made, fed, expected)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_jvp_of_a_jvp_is_that_of_jax(name: str) -> None:
    ours, theirs = FUNCTIONS[name]
    x, w, fed, t = feeds()
    ys = leaves(ours(x, w))
    moved = graphc.jvp(ys, x, t, unconnected="zero")
    made = graphc.jvp(moved, [x], [x], unconnected="zero")

    def expected(x: Any, w: Any) -> Any:
        def along(x: Any) -> Any:
            return leaves(jax.jvp(lambda x: theirs(x, w), (x,), (T,))[1])

        return jax.jvp(along, (x,), (x,))[1]

    check(made, fed, expected)


def test_a_jvp_at_an_interior_tensor_adds_up_with_what_comes_from_before() -> None:
    x = graphc.placeholder("float64", [3])
    middle = ops.exp(x)
    y = ops.log(nn.softmax(middle)) * x
    made = [graphc.jvp(y, middle, T), graphc.jvp(y, [middle, x], [T, ops.ones_like(x)])]

    def expected(x: Any) -> list[Any]:
        def rest(x: Any, shift: Any) -> Any:
            return jax.nn.log_softmax(jnp.exp(x) + shift) * x

        zero = jnp.zeros_like(x)
        return [
            jax.jvp(lambda s: rest(x, s), (zero,), (T,))[1],
            jax.jvp(rest, (x, zero), (jnp.ones_like(x), T))[1],
        ]

    check(made, {x: X}, expected)


def test_a_tangent_may_depend_on_the_results() -> None:
    """A loop that is computed anew with its tangents must not wait for itself."""
    x = graphc.placeholder("float64", [3])
    y = ops.scan(lambda c, _: (ops.sin(c * x), None), x, length=4)[0]
    made = graphc.jvp(y, x, y * 2)

    def run(x: Any) -> Any:
        return lax.scan(lambda c, _: (jnp.sin(c * x), None), x, length=4)[0]

    check([y, made], {x: X}, lambda x: [run(x), jax.jvp(run, (x,), (run(x) * 2,))[1]])


def test_a_loop_is_run_once_for_results_and_tangents() -> None:
    x = graphc.placeholder("float64", [3])
    y = ops.scan(lambda c, _: (ops.sin(c * x), None), x, length=4)[0]
    with graphc.Session() as session:
        text = session.dump([y, graphc.jvp(y, x, T)], stage="simplified")
    assert text.count("= scan(") == 1
    assert "tap(" not in text


def test_it_takes_as_many_operations_as_in_jax() -> None:
    """The transposed rules leave nothing behind: no product that only led to a cotangent."""
    ours, theirs = FUNCTIONS["scan"]
    x, w = graphc.placeholder("float32", [64]), graphc.placeholder("float32", [64, 64])
    ys = leaves(ours(x, w))
    arrays = np.ones(64, np.float32), np.ones((64, 64), np.float32)
    with graphc.Session() as session:
        compiled = session.compile(
            [*ys, *graphc.jvp(ys, [x, w], [x, w])], dict(zip((x, w), arrays, strict=True))
        )
        mine = compiled.cost_analysis()["flops"]
    program = jax.jit(lambda x, w: jax.jvp(theirs, (x, w), (x, w)))
    assert mine <= 1.1 * program.lower(*arrays).compile().cost_analysis()["flops"]


def test_jvp_with_respect_to_a_variable_that_a_body_reads() -> None:
    v = graphc.Variable(X)
    y = ops.scan(lambda c, _: (c * v, None), np.ones(3), length=3)[0]
    made = graphc.jvp(y, v, T)
    for found in both_ways(made):
        np.testing.assert_allclose(found, 3 * X**2 * T)


def test_sizes_may_be_unknown() -> None:
    x = graphc.placeholder("float64", [None, None])
    y = ops.mean(nn.softmax(x) * x, axis=0) + ops.max(x) + ops.prod(x, axis=0)
    made = graphc.jvp(y, x, ops.cos(x))

    def f(x: Any) -> Any:
        return jnp.mean(jax.nn.softmax(x) * x, axis=0) + jnp.max(x) + jnp.prod(x, axis=0)

    check([made], {x: W}, lambda x: [jax.jvp(f, (x,), (jnp.cos(x),))[1]])
    check([made], {x: W[:2]}, lambda x: [jax.jvp(f, (x,), (jnp.cos(x),))[1]])


# -- hessians --------------------------------------------------------------------------------------


def test_hessians_of_any_rank_are_those_of_jax() -> None:
    scalar, vector = graphc.placeholder("float64", []), graphc.placeholder("float64", [3])
    matrix = graphc.placeholder("float64", [3, 3])

    def f(f: Any, softmax: Any, s: Any, x: Any, w: Any) -> Any:
        return f.sum(softmax(f.tanh(w @ x) * s) * x) + s * s * s

    y = f(ops, nn.softmax, scalar, vector, matrix)
    made = graphc.hessians(y, [scalar, vector, matrix])
    assert [each.shape for each in made] == [(), (3, 3), (3, 3, 3, 3)]

    def expected(s: Any, x: Any, w: Any) -> list[Any]:
        def g(s: Any, x: Any, w: Any) -> Any:
            return f(jnp, jax.nn.softmax, s, x, w)

        return [jax.hessian(g, i)(s, x, w) for i in range(3)]

    check(made, {scalar: np.float64(0.7), vector: X, matrix: W}, expected)


def test_a_hessian_of_an_unknown_size_and_through_loops() -> None:
    x = graphc.placeholder("float64", [None])
    y = ops.sum(ops.scan(lambda c, _: (ops.sin(c * x), None), x, length=3)[0])
    made = graphc.hessians([y, ops.sum(x)], x)

    def f(x: Any) -> Any:
        return jnp.sum(lax.scan(lambda c, _: (jnp.sin(c * x), None), x, length=3)[0]) + jnp.sum(x)

    check([made], {x: X}, lambda x: [jax.hessian(f)(x)])
    check([graphc.hessians(ops.sum(x), x)], {x: X}, lambda x: [jnp.zeros((3, 3))])


def test_a_hessian_computes_once_what_no_direction_changes() -> None:
    x = graphc.placeholder("float64", [3])
    with graphc.Session() as session:
        text = session.dump(graphc.hessians(ops.sum(ops.exp(ops.sin(x))), x), stage="simplified")
    outside, _, inside = text.partition("body {")
    assert "exponential(" not in inside
    assert "sine(" not in inside
    assert "sine(" in outside


# -- keras.ops.jvp ---------------------------------------------------------------------------------


def test_jvp_of_a_function_takes_and_gives_any_nesting() -> None:
    x = graphc.placeholder("float64", [3])

    def f(pair: Any, scale: Any) -> Any:
        return {"a": pair[0] * pair[1] * scale, "b": pair[0] + 0 * x}

    made = ops.jvp(f, ((x, ops.sin(x)), 2.0 * ops.sum(x)), ((T, np.ones(3)), np.float64(0.5)))
    aux = ops.jvp(lambda v: (v * v, ops.floor(v)), [x], [T], has_aux=True)

    def expected(x: Any) -> list[Any]:
        def g(p: Any, q: Any, s: Any) -> Any:  # x itself, used from outside, does not move
            return {"a": p * q * s, "b": p + 0 * x}

        return [
            *leaves(jax.jvp(g, (x, jnp.sin(x), 2 * jnp.sum(x)), (T, jnp.ones(3), 0.5))),
            x * x,
            2 * x * T,
            jnp.floor(x),
        ]

    check([*leaves(made), *aux], {x: X}, expected)


# -- mistakes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda x: graphc.jvp(x * x, [x], []), "one tangent per x"),
        (lambda x: graphc.jvp(ops.exp(2.0), x, 1.0), "depends on no x"),
        (lambda x: graphc.jvp(ops.cast(x, "int32"), x, 1.0), "it has no gradient"),
        (lambda x: graphc.jvp(x, x, 1j), "complex"),
        (lambda x: graphc.hessians(ops.sum(x * x), graphc.constant(1.0)), "depends on"),
        (lambda x: ops.jvp(ops.sin, (x,), ()), "primals and tangents"),
    ],
)
def test_a_mistake_names_the_users_line(make: Callable[[Any], Any], words: str) -> None:
    with pytest.raises(GraphcError, match=words) as caught:
        make(graphc.placeholder("float32", [3]))
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__


def test_an_unconnected_y_is_none_or_zero_where_that_was_asked_for() -> None:
    x = graphc.placeholder("float64", [3])
    y = graphc.constant(X)
    assert graphc.jvp([x, y], x, T, unconnected="none")[1] is None
    for found in both_ways(graphc.jvp([x, y], x, T, unconnected="zero"), {x: X}):
        np.testing.assert_array_equal(found, [T, np.zeros(3)])
    with pytest.raises(GradientError, match="depends on no x"):
        graphc.jvp([x, y], x, T)

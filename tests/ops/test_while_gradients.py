"""Gradients of loops that end early: as many steps back as were run, and none beyond."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import graphc
from graphc import ops
from graphc.errors import ShapeError
from tests.ops.derivative_runs import both_ways, check

X = np.array([0.3, -0.7, 1.1])


def times(n: int, step: Any) -> Any:
    """A loop of a known length in JAX, which differentiates that."""
    return lambda x, *more: lax.scan(lambda c, _: (step(c, *more), None), x, length=n)[0]


def loop(x: Any, w: Any, limit: Any, maximum: Any) -> Any:
    return ops.while_loop(
        lambda n, c: n < limit, lambda n, c: (n + 1, ops.sin(c * w) + x), (0, x), maximum
    )[1]


@pytest.mark.parametrize(("limit", "maximum"), [(3, 8), (8, 3), (0, 4), (3, 0)])
def test_first_and_second_gradients_are_those_of_the_steps_that_were_run(
    limit: int, maximum: int
) -> None:
    x, w, n = (
        graphc.placeholder(*of) for of in (("float64", [3]), ("float64", [3]), ("int32", []))
    )
    y = loop(x, w, n, maximum)
    first = graphc.gradients(ops.sum(y * y), [x, w], unconnected_gradients="zero")
    second = graphc.gradients(
        ops.sum(first[0] * X) + ops.sum(first[1]), [x, w], unconnected_gradients="zero"
    )
    tangent = graphc.jvp(first[0], [x, w], [X, w], unconnected="zero")
    steps = min(limit, maximum)

    def expected(x: Any, w: Any, n: Any) -> list[Any]:
        def run(x: Any, w: Any) -> Any:
            y = times(steps, lambda c, x, w: jnp.sin(c * w) + x)(x, x, w)
            return jnp.sum(y * y)

        def mixed(x: Any, w: Any) -> Any:
            a, b = jax.grad(run, (0, 1))(x, w)
            return jnp.sum(a * X) + jnp.sum(b)

        moved = jax.jvp(jax.grad(run), (x, w), (jnp.asarray(X), w))[1]
        return [*jax.grad(run, (0, 1))(x, w), *jax.grad(mixed, (0, 1))(x, w), moved]

    fed = {x: X, w: X[::-1].copy(), n: np.int32(limit)}
    check([*first, *second, tangent], fed, expected)


def test_what_the_body_would_give_after_the_end_never_reaches_a_gradient() -> None:
    """sqrt at 0 has an infinite slope: a loop that ran on, and threw that away, would give NaN."""
    x = graphc.placeholder("float64", [])
    y = ops.while_loop(lambda c: c > 0, lambda c: ops.sqrt(c) * 0 + (c - 1), x, 100)
    first = graphc.gradients(y, x)
    for value, slope in both_ways([y, first], {x: 3.0}):
        assert (value, slope) == (0.0, 1.0)


def test_the_way_back_takes_as_many_steps_as_were_run_and_keeps_only_what_it_needs() -> None:
    x = graphc.placeholder("float64", [3])
    y = ops.while_loop(
        lambda n, c, d: n < 2, lambda n, c, d: (n + 1, ops.sin(c), d + c), (0, x, x), 1000
    )[2]
    with graphc.Session() as session:
        text = session.dump(graphc.gradients(y, x), stage="simplified")
    assert "counted_scan(" in text
    # The gradient of the sine needs c: one buffer, neither n's nor d's.
    (line,) = [line for line in text.splitlines() if "= while_loop(" in line]
    assert line.split(" : ")[1].count("f64[1000, 3]") == 1
    assert "i32[1000]" not in text


def test_a_second_derivative_keeps_rows_and_not_rows_of_buffers() -> None:
    x = graphc.placeholder("float64", [3])
    y = ops.while_loop(lambda c: ops.sum(c) < 9, lambda c: c * c * x, x, 50)
    second = graphc.gradients(ops.sum(graphc.gradients(y, x)), x)
    with graphc.Session() as session:
        text = session.dump(second, stage="specialised", feed_dict={x: X})
    assert "[50, 50" not in text


def test_random_draws_and_variables_in_a_loop_that_is_differentiated() -> None:
    v = graphc.Variable(X)
    x = graphc.placeholder("float64", [3])

    def body(n: Any, c: Any) -> Any:
        return n + 1, c * (v + graphc.random.uniform([3], dtype="float64"))

    y = ops.while_loop(lambda n, c: n < 4, body, (0, x), 6)[1]
    for value, slope_x, slope_v in both_ways([y, *graphc.gradients(y, [x, v])], {x: X}):
        np.testing.assert_allclose(slope_x, value / X)  # the same draws both times
        assert np.isfinite(slope_v).all()
        assert (slope_v != 0).all()


def test_a_loop_that_changes_state_is_differentiated_without_changing_it_again() -> None:
    counter = graphc.Variable(0, trainable=False)
    x = graphc.placeholder("float64", [3])

    def body(n: Any, c: Any) -> Any:
        counter.assign_add(1)
        return n + 1, ops.sin(c)

    y = ops.while_loop(lambda n, c: n < 3, body, (0, x), 10)[1]
    with graphc.Session() as session:
        session.run([y, graphc.gradients(y, x)], {x: X})
        assert session.run(counter) == 3


def test_inside_a_scan_a_branch_and_a_map() -> None:
    x, w = graphc.placeholder("float64", [3]), graphc.placeholder("float64", [4, 3])

    def settle(v: Any) -> Any:
        return ops.while_loop(lambda c: ops.sum(c * c) > 0.5, lambda c: c * ops.cos(x) * 0.5, v, 20)

    scanned = ops.scan(lambda c, row: (settle(c + row), None), x, w)[0]
    mapped = ops.vectorized_map(settle, w)
    chosen = ops.cond(ops.sum(x) > 0, lambda: settle(x * 3), lambda: x)
    y = ops.sum(scanned) + ops.sum(mapped * mapped) + ops.sum(chosen)

    def expected(x: Any, w: Any) -> Any:
        def f(x: Any, w: Any) -> Any:
            def settle(v: Any) -> Any:
                def step(c: Any, _: Any) -> Any:
                    return jnp.where(jnp.sum(c * c) > 0.5, c * jnp.cos(x) * 0.5, c), None

                return lax.scan(step, v, length=20)[0]

            scanned = lax.scan(lambda c, row: (settle(c + row), None), x, w)[0]
            chosen = lax.cond(jnp.sum(x) > 0, lambda: settle(x * 3), lambda: x)
            return jnp.sum(scanned) + jnp.sum(jax.vmap(settle)(w) ** 2) + jnp.sum(chosen)

        return jax.grad(f, (0, 1))(x, w)

    fed = {x: X, w: 2 * np.cos(np.arange(12.0)).reshape(4, 3)}
    check(graphc.gradients(y, [x, w]), fed, expected)


def test_a_bound_that_is_a_size() -> None:
    x, rows = graphc.placeholder("float64", [3]), graphc.placeholder("float64", [None, 3])
    y = ops.while_loop(lambda c: ops.sum(c * c) < 9, lambda c: c * 1.5, x, rows.shape[0])
    made = graphc.gradients(y + ops.sum(rows, 0) * 0, x)
    for steps in (2, 7, 1):
        for found in both_ways([made], {x: X, rows: np.zeros((steps, 3))}):
            run, value = 0, X
            while run < steps and np.sum(value * value) < 9:
                run, value = run + 1, value * 1.5
            np.testing.assert_allclose(found[0], 1.5**run * np.ones(3))


def test_a_count_below_zero_is_refused() -> None:
    with pytest.raises(ShapeError, match="below 0"):
        ops.while_loop(lambda c: c < 1, lambda c: c, 0, maximum_iterations=-1)


def test_a_fori_loop_over_known_bounds_has_gradients() -> None:
    x = graphc.placeholder("float64", [3])
    y = ops.fori_loop(1, 4, lambda i, c: ops.sin(c * x) * ops.cast(i, "float64"), x)

    def f(x: Any) -> Any:
        return jnp.sum(lax.fori_loop(1, 4, lambda i, c: jnp.sin(c * x) * i, x))

    check([graphc.gradients(y, x)], {x: X}, lambda x: [jax.grad(f)(x)])

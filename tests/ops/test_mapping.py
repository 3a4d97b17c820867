"""vectorized_map, vectorize and associative_scan: values, gradients, state, mistakes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import graphc
from graphc import ops
from graphc.errors import DTypeError, GraphcError, ShapeError, StateError
from tests.ops.derivative_runs import both_ways, check

ROWS = np.cos(np.arange(12.0)).reshape(4, 3)
W = np.sin(np.arange(6.0)).reshape(3, 2)


# -- vectorized_map --------------------------------------------------------------------------------


def test_a_map_and_its_gradients_are_those_of_jax() -> None:
    x, w = graphc.placeholder("float64", [4, 3]), graphc.placeholder("float64", [3, 2])

    def f(f: Any, pair: Any, w: Any) -> Any:
        return {"y": f.tanh(pair[0] @ w), "n": pair[1] * 2}

    made = ops.vectorized_map(lambda pair: f(ops, pair, w), (x, np.arange(4, dtype=np.int32)))
    first = graphc.gradients(ops.sum(made["y"] * made["y"]), [x, w])
    second = graphc.gradients(ops.sum(ops.sin(first[1])), [x, w])

    def expected(x: Any, w: Any) -> list[Any]:
        def run(x: Any, w: Any) -> Any:
            return jax.vmap(lambda pair: f(jnp, pair, w))((x, jnp.arange(4, dtype=jnp.int32)))

        def loss(x: Any, w: Any) -> Any:
            return jnp.sum(run(x, w)["y"] ** 2)

        def next_loss(x: Any, w: Any) -> Any:
            return jnp.sum(jnp.sin(jax.grad(loss, 1)(x, w)))

        return [
            run(x, w)["y"],
            run(x, w)["n"],
            *jax.grad(loss, (0, 1))(x, w),
            *jax.grad(next_loss, (0, 1))(x, w),
        ]

    check([made["y"], made["n"], *first, *second], {x: ROWS, w: W}, expected)


def test_any_number_of_slices_of_a_map_in_a_map() -> None:
    x = graphc.placeholder("float64", [None, None])
    made = ops.vectorized_map(lambda row: ops.vectorized_map(lambda a: a * ops.sum(row), row), x)
    for shape in ((4, 3), (2, 5), (1, 1), (0, 3)):
        rows = np.cos(np.arange(float(np.prod(shape)))).reshape(shape)
        for found in both_ways(made, {x: rows}):
            np.testing.assert_allclose(found, rows * rows.sum(1, keepdims=True))


def test_it_is_no_loop() -> None:
    x = graphc.placeholder("float32", [1000, 3])
    with graphc.Session() as session:
        made = ops.vectorized_map(lambda row: ops.sum(row) * row, x)
        assert "while" not in session.dump(
            made, format="stablehlo", feed_dict={x: np.zeros((1000, 3))}
        )


def test_a_mapped_function_reads_variables_and_draws_numbers_of_its_own() -> None:
    v = graphc.Variable(W)
    x = graphc.placeholder("float64", [4, 3])

    def f(row: Any) -> Any:
        noise = graphc.random.uniform([2])
        return row @ v, noise, graphc.gradients(ops.sum(row @ v), v)

    product, noise, slopes = ops.vectorized_map(f, x)
    outer = graphc.gradients(product, v)
    for found in both_ways([product, noise, slopes, outer], {x: ROWS}):
        np.testing.assert_allclose(found[0], ROWS @ W)
        assert len(np.unique(found[1])) == 8
        np.testing.assert_allclose(found[2], np.repeat(ROWS[:, :, None], 2, 2))
        np.testing.assert_allclose(found[3], np.repeat(ROWS.sum(0)[:, None], 2, 1))


def test_a_mapped_function_that_assigns_is_refused() -> None:
    v = graphc.Variable(0.0)
    made = ops.vectorized_map(lambda row: row + v.assign_add(1.0), np.zeros(3, np.float32))
    with graphc.Session() as session, pytest.raises(StateError, match="assigns 'variable'"):
        session.run(made)


# -- vectorize -------------------------------------------------------------------------------------


def test_vectorize_broadcasts_as_numpy() -> None:
    a, b = np.arange(6.0).reshape(3, 1, 2), np.arange(4.0).reshape(4, 1)
    made = ops.vectorize(lambda x, y: ops.where(x > y, x - y, x + y))(a, b)
    mine = np.vectorize(lambda x, y: x - y if x > y else x + y)(a, b)
    m = np.arange(24.0).reshape(2, 1, 3, 4)
    v = np.arange(20.0).reshape(5, 4)
    product = ops.vectorize(lambda m, v: m @ v, signature="(m,n),(n)->(m)")(m, v)
    pair = ops.vectorize(lambda v, k: (ops.sum(v), v * k), excluded={1}, signature="(n)->(),(n)")(
        v, 3.0
    )
    alone = ops.vectorize(lambda x: x * 2)(2.0)
    for found in both_ways([made, product, *pair, alone]):
        np.testing.assert_allclose(found[0], mine)
        np.testing.assert_allclose(found[1], np.einsum("abmn,cn->acm", m, v))
        np.testing.assert_allclose(found[2], v.sum(1))
        np.testing.assert_allclose(found[3], v * 3)
        assert found[4] == 4.0


# -- associative_scan ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "reverse"), [(1, False), (2, True), (3, False), (8, True), (13, True)]
)
def test_prefixes_are_those_of_jax(count: int, reverse: bool) -> None:
    a = graphc.placeholder("float64", [2, count])
    b = graphc.placeholder("float64", [2, count])

    def linear(left: Any, right: Any) -> Any:  # of x ↦ a x + b, which does not commute
        return left[0] * right[0], left[1] * right[0] + right[1]

    made = ops.associative_scan(linear, (a, b), reverse=reverse, axis=-1)
    slopes = graphc.gradients(ops.sum(made[1] * made[1]), [a, b], unconnected_gradients="zero")

    def expected(a: Any, b: Any) -> list[Any]:
        def run(a: Any, b: Any) -> Any:
            return lax.associative_scan(linear, (a, b), reverse=reverse, axis=1)

        return [*run(a, b), *jax.grad(lambda a, b: jnp.sum(run(a, b)[1] ** 2), (0, 1))(a, b)]

    numbers = np.cos(np.arange(4.0 * count)).reshape(2, 2, count)
    check([*made, *slopes], {a: numbers[0], b: numbers[1]}, expected)


def test_an_associative_scan_calls_its_function_a_logarithm_of_times() -> None:
    calls: list[int] = []

    def add(a: Any, b: Any) -> Any:
        calls.append(1)
        return a + b

    made = ops.associative_scan(add, np.arange(1000, dtype=np.int32))
    truth = ops.associative_scan(ops.logical_or, np.array([False, False, True, False, False]))
    empty = ops.associative_scan(add, np.zeros((0, 2), np.float32))
    assert len(calls) <= 2 * 10
    for found in both_ways([made, truth, empty]):
        np.testing.assert_array_equal(found[0], np.cumsum(np.arange(1000)))
        np.testing.assert_array_equal(found[1], [False, False, True, True, True])
        assert found[2].shape == (0, 2)


# -- mistakes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: ops.vectorized_map(lambda x: x, 1.0), ShapeError, "first axis"),
        (lambda: ops.vectorized_map(lambda x: x, (ROWS, W)), ShapeError, "numbers of slices"),
        (lambda: ops.vectorized_map(lambda x: x, ()), GraphcError, "tensor to go over"),
        (lambda: ops.vectorized_map(lambda x: None, ROWS), GraphcError, "nothing from"),
        (lambda: ops.vectorize(3), GraphcError, "takes a function"),
        (lambda: ops.vectorize(ops.sin, signature="(n->(m)"), GraphcError, "no signature"),
        (
            lambda: ops.vectorize(ops.sin, signature="(n),(n)->(n)")(ROWS),
            GraphcError,
            "another number of arguments",
        ),
        (
            lambda: ops.vectorize(ops.add, signature="(n),(n)->(n)")(ROWS, W),
            ShapeError,
            "axes of the signature",
        ),
        (
            lambda: ops.vectorize(ops.sum, signature="(n)->(n)")(ROWS),
            ShapeError,
            "results do not have the axes",
        ),
        (
            lambda: ops.associative_scan(ops.add, graphc.placeholder("float32", [None])),
            ShapeError,
            "known while",
        ),
        (lambda: ops.associative_scan(lambda a, b: (a, b), ROWS), GraphcError, "structures"),
        (lambda: ops.associative_scan(lambda a, b: a > b, ROWS), DTypeError, "elements 0"),
        (lambda: ops.associative_scan(lambda a, b: a[:1], ROWS), ShapeError, "elements 0"),
        (lambda: ops.associative_scan(ops.add, []), GraphcError, "needs a tensor"),
        (
            lambda: ops.switch(graphc.constant(1.0), [ops.sin, ops.cos], 1.0),
            DTypeError,
            "whole number",
        ),
    ],
)
def test_a_mistake_names_the_users_line(make: Any, error: type[GraphcError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        make()
    assert __file__ in str(caught.value)

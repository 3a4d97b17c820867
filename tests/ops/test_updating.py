"""Parts and elements at computed positions, read and replaced; segments; top_k."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import GraphcError, ShapeError
from tests.ops.evaluation import called, value_of, values_of

X = np.arange(20, dtype=np.float32).reshape(4, 5)


def test_slice_from_known_and_from_computed_starts() -> None:
    start = graphc.placeholder("int32", [])
    vector = graphc.placeholder("int32", [2])
    made = [
        ops.slice(X, (1, 2), (2, 3)),
        ops.slice(X, (1, 2), (-1, -1)),
        ops.slice(X, (start, 0), (2, 5)),
        ops.slice(X, vector, (2, 2)),
    ]
    found = values_of(made, {start: 3, vector: np.int32([0, 1])})
    expected = [X[1:3, 2:5], X[1:, 2:], X[2:4], X[0:2, 1:3]]  # the third is moved inside
    for array, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(array, wanted)


def test_a_known_slice_is_a_plain_slice() -> None:
    assert ops.slice(X, (1, 2), (2, 3)).op.type == "slice"


def test_slice_update_replaces_a_part() -> None:
    part = np.float32([[7, 8]])
    found = called(lambda x, p: ops.slice_update(x, (2, 1), p), X, part)
    expected = X.copy()
    expected[2:3, 1:3] = part
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("starts", [(1,), (1, 2, 3), ([1, 2], 0)])
def test_starts_that_do_not_fit_are_refused(starts: Any) -> None:
    with pytest.raises(ShapeError, match="one integer per axis"):
        ops.slice(X, starts, (1, 1))


@pytest.mark.parametrize(
    ("reduction", "combine"),
    [(None, None), ("add", np.add), ("max", np.maximum), ("min", np.minimum), ("mul", np.multiply)],
)
def test_scatter_update_combines_rows_and_elements(reduction: Any, combine: Any) -> None:
    for indices, updates in (
        ([[0], [-1]], np.float32([[9, -9, 9, -9, 9], [3, 3, 3, 3, 3]])),
        ([[1, 2], [-1, -5], [0, 0]], np.float32([9, -9, 0.5])),
    ):
        positions = np.int32(indices)
        found = called(
            lambda x, i, u: ops.scatter_update(x, i, u, reduction), X, positions, updates
        )
        expected, key = X.copy(), tuple(positions.T)
        if combine is None:
            expected[key] = updates
        else:
            combine.at(expected, key, updates)
        np.testing.assert_array_equal(found, expected)


def test_scatter_leaves_out_what_lies_outside() -> None:
    found = value_of(ops.scatter(np.int32([[1], [9], [1], [-9]]), np.float32([1, 2, 3, 4]), (3,)))
    np.testing.assert_array_equal(found, np.float32([0, 4, 0]))


def test_an_unknown_reduction_and_positions_too_deep_are_refused() -> None:
    with pytest.raises(GraphcError, match="no reduction"):
        ops.scatter_update(X, [[0]], X[:1], "mean")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="holds a position"):
        ops.scatter_update(X, [[0, 0, 0]], [1.0])


def test_segments() -> None:
    ids = np.int32([0, 2, 0, 7])
    made = [
        ops.segment_sum(X, ids, 3),
        ops.segment_max(X, ids, 3),
        ops.segment_min(X.astype(np.int32), ids, 3),
        ops.segment_prod(X, ids, 3),
    ]
    total, largest, least, product = values_of(made)
    np.testing.assert_array_equal(product, [X[0] * X[2], np.ones(5), X[1]])
    np.testing.assert_array_equal(total, [X[0] + X[2], np.zeros(5), X[1]])
    np.testing.assert_array_equal(largest, [X[2], np.full(5, -np.inf), X[1]])
    np.testing.assert_array_equal(least, [X[0], np.full(5, 2**31 - 1), X[1]])
    assert ops.segment_sum(X, ids).shape == (8, 5)


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64])
def test_rows_of_negative_segments_are_left_out_as_in_jax(dtype: Any) -> None:
    ids = np.array([-1, 1, -3, 3], dtype)
    functions = ops.segment_sum, ops.segment_max, ops.segment_min, ops.segment_prod
    expected = [
        np.asarray(getattr(jax.ops, each.__name__)(X, ids, num_segments=3)) for each in functions
    ]
    for number, each in enumerate(functions):
        np.testing.assert_array_equal(value_of(each(X, ids, 3)), expected[number])
        computed = called(lambda x, i, f=each: f(x, i, 3), X, ids)
        np.testing.assert_array_equal(computed, expected[number])


def test_segments_need_their_number() -> None:
    with pytest.raises(ShapeError, match="num_segments"):
        ops.segment_sum(X, graphc.placeholder("int32", [4]))


def test_top_k_gives_the_first_of_equal_elements_first() -> None:
    x = np.float32([[1, 3, 3, 2], [5, 4, 5, 5]])
    values, positions = called(lambda t: ops.top_k(t, 3), x)
    np.testing.assert_array_equal(values, [[3, 3, 2], [5, 5, 5]])
    np.testing.assert_array_equal(positions, [[1, 2, 3], [0, 2, 3]])
    with pytest.raises(ShapeError, match="must be k elements"):
        ops.top_k(x, 9)


def test_in_top_k() -> None:
    scores = np.float32([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]])
    found = called(lambda p: ops.in_top_k(np.int32([2, 2]), p, 2), scores)
    np.testing.assert_array_equal(found, [True, False])


def test_gradients_of_scatters_and_sorts() -> None:
    x = graphc.placeholder("float32", [4, 5])
    weights = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    updated = ops.scatter_update(x, [[1]], 2 * x[:1], "add")
    slopes = [
        graphc.gradients(ops.sum(updated * weights), x),
        graphc.gradients(ops.sum(ops.sort(-x, -1) * weights), x),
        graphc.gradients(ops.sum(ops.top_k(x, 2)[0]), x),
    ]
    with graphc.Session() as session:
        scattered, ordered, largest = session.run(slopes, {x: X})
    expected = weights.copy()
    expected[0] += 2 * weights[1]
    np.testing.assert_allclose(scattered, expected, rtol=1e-6)
    np.testing.assert_allclose(ordered, -weights[:, ::-1], rtol=1e-6)
    np.testing.assert_array_equal(largest, np.float32([[0, 0, 0, 1, 1]] * 4))


def test_an_op_with_several_results_waits_for_control_dependencies() -> None:
    v = graphc.Variable(np.float32([1, 2, 3]))
    with graphc.control_dependencies([v.assign(np.float32([9, 7, 8]))]):
        values, positions = ops.top_k(v, 2)
    with graphc.Session() as session:
        found = session.run([values, positions])
    np.testing.assert_array_equal(found, [[9, 8], [0, 2]])

"""Sorting, quantiles, searching and counting: what is refused and why, unknown sizes, gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import DTypeError, GraphcError, ShapeError
from tests.ops.evaluation import called, value_of
from tests.ops.numpy_cases import floats, whole


@pytest.mark.parametrize(
    ("function", "fix"),
    [(ops.nonzero, "size=n"), (ops.unique, "size=n"), (ops.bincount, "length=n")],
)
def test_results_of_an_unknown_number_are_refused_with_the_way_out(
    function: Callable[..., Any], fix: str
) -> None:
    x = graphc.placeholder("int32", [4])
    with pytest.raises(ShapeError, match="not known before it runs") as caught:
        function(x)
    assert fix in str(caught.value)
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__


def test_numbers_that_are_known_are_counted_without_a_length() -> None:
    np.testing.assert_array_equal(value_of(ops.bincount([1, 2, 2])), [0, 1, 2])
    np.testing.assert_array_equal(value_of(ops.bincount([1], minlength=4)), [0, 1, 0, 0])
    with pytest.raises(GraphcError, match="negative"):
        ops.bincount([-1])


def test_numbers_that_cannot_be_counted_are_left_out() -> None:
    x = np.int32([-1, 5, 2, 0])
    np.testing.assert_array_equal(called(lambda x: ops.bincount(x, length=3), x), [1, 0, 1])


def test_what_is_no_bin_or_edge_is_refused() -> None:
    with pytest.raises(ShapeError, match="vector"):
        ops.histogram(np.zeros((2, 2), np.float32))
    with pytest.raises(GraphcError, match="at least 1"):
        ops.histogram(np.zeros(2, np.float32), 0)
    with pytest.raises(GraphcError, match="in order"):
        ops.histogram(np.zeros(2, np.float32), 2, (1.0, 0.0))
    with pytest.raises(GraphcError, match="sparse"):
        ops.bincount([1], sparse=True)


def test_nan_is_in_no_bin() -> None:
    x = np.float32([0.5, np.nan, 1.5, -3])
    counts, _ = called(lambda x: ops.histogram(x, 2, (0.0, 2.0)), x)
    np.testing.assert_array_equal(counts, [1, 1])


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_vector_of_unknown_size_is_searched(side: Any) -> None:
    sequence, values = np.sort(whole(9)).astype(np.float32), floats(3, 4) * 4
    found = called(lambda s, v: ops.searchsorted(s, v, side), sequence, values, symbolic=True)
    np.testing.assert_array_equal(found, np.searchsorted(sequence, values, side))


def test_arguments_of_searches_that_do_not_fit_are_refused() -> None:
    with pytest.raises(GraphcError, match="side is 'middle'"):
        ops.searchsorted([1.0], 1.0, "middle")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="vector"):
        ops.searchsorted([[1.0]], 1.0)
    with pytest.raises(ShapeError, match="no position 3"):
        ops.argpartition(np.zeros(3, np.float32), 3)
    with pytest.raises(ShapeError, match="scalar"):
        ops.unravel_index(1, ())


def test_positions_beyond_a_shape_are_moved_to_its_edge() -> None:
    rows, columns = called(lambda x: ops.unravel_index(x, (3, 4)), np.int32([-1, 99, -99]))
    np.testing.assert_array_equal(rows, [2, 2, 0])
    np.testing.assert_array_equal(columns, [3, 3, 0])


def test_positions_in_a_shape_of_unknown_size() -> None:
    with graphc.Session(graph=graphc.Graph()) as session:
        x = graphc.placeholder("float32", [None, None])
        rows, columns = ops.unravel_index(ops.argmax(x), ops.shape(x))
        at = session.run([rows, columns], {x: np.float32([[1, 2, 3], [4, 9, 5]])})
    assert [int(each) for each in at] == [1, 1]


# -- quantiles -------------------------------------------------------------------------------------


def test_what_is_no_fraction_or_method_is_refused() -> None:
    x = np.zeros(3, np.float32)
    with pytest.raises(GraphcError, match="0 to 1"):
        ops.quantile(x, 1.5)
    with pytest.raises(GraphcError, match="no method 'weibull'"):
        ops.quantile(x, 0.5, method="weibull")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="no elements"):
        ops.median(np.zeros((0, 2), np.float32), axis=0)
    with pytest.raises(DTypeError, match="no quantiles"):
        ops.median(np.zeros(2, np.complex64))


@pytest.mark.parametrize("function", [ops.quantile, ops.nanquantile])
@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_fractions_that_are_computed(function: Any, method: Any) -> None:
    x, q = floats(3, 7), np.float32([0.0, 0.3, 0.77, 1.0])
    found = called(lambda x, q: function(x, q, 1, method), x, q, symbolic=True)
    np.testing.assert_allclose(found, np.quantile(x, q, 1, method=method), rtol=1e-5, atol=1e-6)


def test_the_gradient_of_a_median_goes_to_the_middle_elements() -> None:
    with graphc.Session(graph=graphc.Graph()) as session:
        x = graphc.placeholder("float32", [None, None])
        gradient = graphc.gradients(ops.sum(ops.median(x, axis=1)), x)
        found = session.run(gradient, {x: np.float32([[4, 1, 3, 2], [9, 8, 7, 6]])})
    np.testing.assert_allclose(found, [[0, 0, 0.5, 0.5], [0, 0.5, 0.5, 0]])


# -- distinct elements -----------------------------------------------------------------------------


def test_distinct_elements_give_the_elements_back() -> None:
    x = whole(3, 5, low=-2, high=2)
    values, inverse = called(lambda x: ops.unique(x, return_inverse=True, size=15), x)
    np.testing.assert_array_equal(values[inverse], x)


def test_what_is_missing_is_filled() -> None:
    x = np.int32([3, 1, 3])
    np.testing.assert_array_equal(
        called(lambda x: ops.unique(x, size=4, fill_value=-5), x), [1, 3, -5, -5]
    )


def test_slices_of_unknown_length_are_not_compared() -> None:
    with pytest.raises(ShapeError, match="element by element"):
        ops.unique(graphc.placeholder("int32", [3, None]), axis=0, size=2)


def test_a_target_that_is_nan_is_the_least() -> None:
    scores = np.float32([[np.nan, 1.0, 2.0], [1.0, np.nan, np.nan]])
    found = called(lambda p: ops.in_top_k(np.int32([0, 0]), p, 1), scores)
    np.testing.assert_array_equal(found, [False, True])

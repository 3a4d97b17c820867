"""x[...] against NumPy, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import DTypeError, GraphcError, ShapeError
from tests.ops.evaluation import called, check_declared, value_of, values_of

X = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)
ROWS = np.array([[0, 3], [-1, 2]])
COLUMNS = np.array([1, -2])
MASK = X[:, :, 0] % 3 == 0

BASIC: list[Any] = [
    0, -1, (1, 2), (1, 2, 3), (-4, -5, -6), ..., (..., 0), (0, ...), (1, ..., -1), None,
    (None, 0), (0, None), (..., None), (slice(None), None, 1), slice(1, 3), slice(None, None, -1),
    slice(None, None, 2), slice(3, None, -2), slice(3, 0, -1), slice(-3, -1), slice(2, 2),
    slice(10, 20), slice(None, -10), slice(3, 1), (slice(None), slice(None, None, -2)),
    (slice(1, 4, 2), slice(4, 1, -3), slice(-2, None)), (slice(None), 2, slice(None, None, -1)),
    (np.int64(2), np.uint8(1)), (None, ..., None, 3, None), (), np.array(2),
]  # fmt: skip
ADVANCED: list[Any] = [
    [0, 2], [[0, 1], [2, 3]], ROWS, (ROWS, COLUMNS), (slice(None), ROWS), (ROWS, slice(1, 4)),
    (ROWS, slice(None), COLUMNS), (0, slice(None), [1, 2]), (slice(None), 1, [1, 2]),
    (slice(None), [0, 1], 2), ([0, 1], None, [1, 2]), (None, [0, 1], [1, 2]),
    ([0, 1], [1, 2], None),
    (slice(None), None, [0, 1], [1, 2]), (slice(None), [0, 1], [1, 2], None),
    (slice(None, None, -1), [0, 1]), ([0, 1], ..., [1, 2]), (..., [0, -6]), [],
    ROWS.astype(np.uint8) % 4,
    (np.array([[0], [1]]), np.array([0, 1, 2])), MASK, (MASK, 0), (MASK, slice(None, 2)),
    (slice(None), [True, False, True, False, True]), [True, False, False, True], (0, ROWS[0], 1),
]  # fmt: skip


@pytest.mark.parametrize("key", [*BASIC, *ADVANCED], ids=repr)
def test_a_key_selects_what_numpy_selects(key: Any) -> None:
    np.testing.assert_array_equal(called(lambda x: x[key], X), X[key])


@pytest.mark.parametrize("key", ADVANCED[:20], ids=repr)
def test_index_tensors_select_what_index_arrays_select(key: Any) -> None:
    parts = key if isinstance(key, tuple) else (key,)
    feeds: dict[Any, Any] = {}

    def fed(part: Any) -> Any:
        if not isinstance(part, (list, np.ndarray)) or np.asarray(part).size == 0:
            return part
        tensor = graphc.placeholder("int32", np.shape(part))
        feeds[tensor] = np.asarray(part, np.int32)
        return tensor

    made = graphc.constant(X)[tuple([fed(part) for part in parts])]
    found = value_of(made, feeds)
    check_declared(made, found)
    np.testing.assert_array_equal(found, X[key])


SYMBOLIC: list[Any] = [
    0, -1, (1, 2), slice(1, 3), slice(1, None), slice(None, -1), slice(None, None, 2),
    slice(None, None, -1), slice(None, None, -2), slice(-3, None), slice(3, 0, -1),
    slice(3, None, -3), slice(-2, 0, -2), (..., 0), (None, 0, ..., slice(0, 2)), [0, -1], ROWS,
    (ROWS, slice(None), COLUMNS), (slice(None), [0, -1], None),
]  # fmt: skip


@pytest.mark.parametrize("key", SYMBOLIC, ids=repr)
def test_a_key_selects_along_axes_whose_sizes_are_not_known(key: Any) -> None:
    np.testing.assert_array_equal(called(lambda x: x[key], X, symbolic=True), X[key])


def test_a_scalar_tensor_selects_one_part_and_counts_from_the_end() -> None:
    index = graphc.placeholder("int32", [])
    x = graphc.constant(X)
    made = [x[index], x[:, index], x[index, 1:3, index], x[None, index]]
    for number in (0, 2, -1, -4):
        expected = [X[number], X[:, number], X[number, 1:3, number], X[None, number]]
        for found, array in zip(values_of(made, {index: number}), expected, strict=True):
            np.testing.assert_array_equal(found, array)


def test_a_computed_index_outside_takes_the_nearest_element() -> None:
    index = graphc.placeholder("int32", [2])
    found = value_of(graphc.constant(X)[index], {index: np.int32([99, -99])})
    np.testing.assert_array_equal(found, X[[3, 0]])


def test_sizes_are_bounds_and_positions() -> None:
    x = graphc.placeholder("float32", [None, 6])
    made = [x[: x.shape[0] // 2], x[ops.shape(x)[0] - 1], x[x.shape[0] // 2]]
    array = X[0]
    for found, expected in zip(
        values_of(made, {x: array}), [array[:2], array[4], array[2]], strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_a_loop_over_a_tensor_gives_its_parts() -> None:
    parts = values_of(list(graphc.constant(X)))
    assert len(parts) == 4
    np.testing.assert_array_equal(np.stack(parts), X)


def test_a_loop_over_an_unknown_number_of_parts_is_refused() -> None:
    with pytest.raises(ShapeError, match="number of parts"):
        iter(graphc.placeholder("float32", [None, 2]))


@pytest.mark.parametrize(
    ("key", "error", "words"),
    [
        (4, IndexError, "index 4 is outside"),
        ((0, -6), ShapeError, "index -6 is outside"),
        ([0, 4], IndexError, "index 4 is outside"),
        ((0, 0, 0, 0), IndexError, "4 indices for 3 axes"),
        ((..., ...), GraphcError, "one ... at most"),
        ("a", DTypeError, "this is no index"),
        ([0.5], DTypeError, "this is no index"),
        (True, DTypeError, "single truth value"),
        ([True, False], IndexError, "the mask has 2 elements"),
        (slice(None, None, 0), ShapeError, "step"),
    ],
)
def test_a_key_that_fits_nothing_is_refused_with_the_users_line(
    key: Any, error: type[Exception], words: str
) -> None:
    x = graphc.constant(X)
    with pytest.raises(error, match=words) as caught:
        x[key]
    assert isinstance(caught.value, GraphcError)
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__


def test_a_computed_mask_is_refused_and_the_error_teaches_where() -> None:
    x = graphc.constant(X)
    with pytest.raises(DTypeError, match=r"ops\.where"):
        x[x > 3]


def test_an_identity_is_no_mask_and_the_error_says_what_compares_numbers() -> None:
    x = graphc.constant(X)
    with pytest.raises(DTypeError, match=r"ops\.equal"):
        x[x == 3]  # type: ignore[index]


def test_a_slice_up_to_a_computed_number_is_refused() -> None:
    x, count = graphc.constant(X), graphc.placeholder("int32", [])
    with pytest.raises(ShapeError, match="bound of a slice"):
        x[:count]


def test_gradients_go_to_the_selected_elements() -> None:
    x = graphc.placeholder("float32", [4, 5, 6])
    picked = [x[1:3, ::-2], x[ROWS, :, 1], x[MASK]]
    slopes = [graphc.gradients(ops.sum(ops.square(part)), x) for part in picked]
    with graphc.Session() as session:
        found = session.run(slopes, {x: X})
    for slope, key in zip(found, [np.s_[1:3, ::-2], np.s_[ROWS, :, 1], MASK], strict=True):
        expected = np.zeros_like(X)
        np.add.at(expected, key, 2 * X[key])
        np.testing.assert_allclose(slope, expected)


class TestTake:
    """`take` and `take_along_axis`, with their modes."""

    @pytest.mark.parametrize("axis", [None, 0, 1, -1])
    @pytest.mark.parametrize("indices", [2, [0, -1], ROWS])
    def test_take_gives_what_numpy_gives(self, axis: int | None, indices: Any) -> None:
        found = called(lambda x: ops.take(x, indices, axis), X)
        np.testing.assert_array_equal(found, np.take(X, indices, axis))

    @pytest.mark.parametrize(
        ("mode", "expected"),
        [
            ("clip", [0.0, 3.0, 3.0, 0.0]),
            ("fill", [np.nan, 3.0, np.nan, 0.0]),
            ("wrap", [3, 3, 3, 0]),
        ],
    )
    def test_the_mode_says_what_an_index_outside_gives(self, mode: Any, expected: Any) -> None:
        indices = graphc.placeholder("int32", [4])
        taken = ops.take(np.arange(4, dtype=np.float32), indices, mode=mode)
        found = value_of(taken, {indices: np.int32([-5, -1, 7, 0])})
        np.testing.assert_array_equal(found, np.float32(expected))

    @pytest.mark.parametrize("axis", [0, 1, -1])
    def test_take_along_axis_gives_what_numpy_gives(self, axis: int) -> None:
        order = np.argsort(np.sin(X), axis)
        found = called(lambda x: ops.take_along_axis(x, order, axis), X)
        np.testing.assert_array_equal(found, np.take_along_axis(X, order, axis))
        negative = order - X.shape[axis]
        found = called(lambda x, i: ops.take_along_axis(x, i, axis), X, negative)
        np.testing.assert_array_equal(found, np.take_along_axis(X, order, axis))

    def test_take_along_axis_broadcasts_the_other_axes(self) -> None:
        indices = np.int32([[[0, 5]]])
        found = called(lambda x: ops.take_along_axis(x, indices, -1), X)
        np.testing.assert_array_equal(found, np.take_along_axis(X, indices, -1))

    def test_an_unknown_mode_is_refused(self) -> None:
        with pytest.raises(GraphcError, match="no mode"):
            ops.take(X, 0, mode="raise")  # type: ignore[arg-type]

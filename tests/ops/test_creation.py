"""Tensors made of nothing, casts, encodings and complex numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.errors import DTypeError, ShapeError
from tests.ops.evaluation import called, check_declared, value_of, values_of

MADE: list[tuple[Any, Any]] = [
    (lambda: ops.zeros((2, 3)), np.zeros((2, 3), np.float32)),
    (lambda: ops.ones(3, "int32"), np.ones(3, np.int32)),
    (lambda: ops.full((2,), 7), np.full(2, 7, np.float32)),
    (lambda: ops.full((2, 3), np.int32([1, 2, 3])), np.full((2, 3), [1, 2, 3], np.int32)),
    (lambda: ops.zeros_like(np.int32([1, 2])), np.zeros(2, np.int32)),
    (lambda: ops.ones_like(np.int32([1, 2]), dtype="float32"), np.ones(2, np.float32)),
    (lambda: ops.full_like(np.float32([1, 2]), 5), np.full(2, 5, np.float32)),
    (lambda: ops.arange(5), np.arange(5, dtype=np.int32)),
    (lambda: ops.arange(2, 11, 3), np.arange(2, 11, 3, dtype=np.int32)),
    (lambda: ops.arange(5, 0, -2), np.arange(5, 0, -2, dtype=np.int32)),
    (lambda: ops.arange(3, 3), np.zeros(0, np.int32)),
    (lambda: ops.arange(0.5, 2.0, 0.25), np.arange(0.5, 2.0, 0.25, dtype=np.float32)),
    (lambda: ops.arange(4, dtype="float32"), np.arange(4, dtype=np.float32)),
    (lambda: ops.linspace(0, 1, 5), np.linspace(0, 1, 5, dtype=np.float32)),
    (lambda: ops.linspace(0, 1, 4, endpoint=False), np.linspace(0, 1, 4, False, dtype=np.float32)),
    (lambda: ops.linspace(2.0, 3.0, 1), np.float32([2.0])),
    (lambda: ops.logspace(0, 2, 3), np.float32([1, 10, 100])),
    (lambda: ops.geomspace(1, 8, 4), np.float32([1, 2, 4, 8])),
    (lambda: ops.erfinv(np.float32([0, 0.5, -0.5])), np.float32([0, 0.47693628, -0.47693628])),
    (lambda: ops.eye(3), np.eye(3, dtype=np.float32)),
    (lambda: ops.eye(2, 4, 1, "int32"), np.eye(2, 4, 1, np.int32)),
    (lambda: ops.identity(2), np.eye(2, dtype=np.float32)),
    (lambda: ops.tri(3, 4, -1), np.tri(3, 4, -1, np.float32)),
    (lambda: ops.one_hot(np.int32([[0, 2], [5, -1]]), 3), np.float32(
        [[[1, 0, 0], [0, 0, 1]], [[0, 0, 0], [0, 0, 0]]])),
    (lambda: ops.one_hot(np.int32([0, 2]), 3, axis=0, dtype="int32"),
     np.int32([[1, 0], [0, 0], [0, 1]])),
    (lambda: ops.multi_hot(np.int32([[0, 2], [1, 1]]), 3), np.float32([[1, 0, 1], [0, 1, 0]])),
    (lambda: ops.array([1, 2.5]), np.float32([1, 2.5])),
    (lambda: ops.convert_to_tensor([1, 2], "float64"), np.float64([1, 2])),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(MADE)))
def test_a_tensor_made_of_nothing_is_what_numpy_makes(case: int) -> None:
    make, expected = MADE[case]
    tensor = make()
    found = value_of(tensor)
    check_declared(tensor, found)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_linspace_between_tensors_gives_both_ends_exactly() -> None:
    start, stop = np.float32([0.1, 2.0]), np.float32([0.7, -1.0])
    found = called(lambda a, b: ops.linspace(a, b, 7, axis=-1), start, stop)
    np.testing.assert_allclose(found, np.linspace(start, stop, 7, axis=-1), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found[:, [0, -1]], np.stack([start, stop], 1))


def test_a_shape_may_be_computed_from_sizes() -> None:
    x = graphc.placeholder("float32", [None, None, 4])
    first, second, third = ops.shape(x)
    assert third == 4
    made = [
        ops.zeros((first, 2)),
        ops.reshape(x, (first * second, 4)),
        ops.reshape(x, (-1, x.shape[1] * 2, 2)),
        ops.ones((ops.shape(x)[1] + 1,)),
        ops.arange(first),
        ops.eye(x.shape[0]),
        ops.size(x),
        ops.broadcast_to(ops.zeros((1, 4)), (x.shape[0], 4)),
    ]
    array = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    expected = [
        np.zeros((2, 2)), array.reshape(6, 4), array.reshape(2, 6, 2), np.ones(4), np.arange(2),
        np.eye(2), 24, np.zeros((2, 4)),
    ]  # fmt: skip
    for found, wanted in zip(values_of(made, {x: array}), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_a_shape_that_depends_on_numbers_is_refused() -> None:
    count = graphc.placeholder("int32", [])
    with pytest.raises(ShapeError, match="not known while the graph is built") as caught:
        ops.zeros((count, 2))
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((5,), "equal"),
        ((-1, 4), "do not divide"),
        ((-1, -1), "only one size"),
        ((-1, 0), "size of 0"),
    ],
)
def test_a_reshape_that_loses_elements_is_refused(shape: Any, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        ops.reshape(graphc.placeholder("float32", [2, 3]), shape)


def test_a_reshape_that_may_not_divide_is_checked_when_fed() -> None:
    x = graphc.placeholder("float32", [None])
    pairs = ops.reshape(x, (-1, 2))
    with graphc.Session() as session:
        assert session.run(pairs, {x: np.zeros(6, np.float32)}).shape == (3, 2)
        with pytest.raises(graphc.errors.GraphcError):
            session.run(pairs, {x: np.zeros(5, np.float32)})


CASTS: list[tuple[Any, str, Any]] = [
    (np.float32([1.7, -1.7, np.nan, 1e20]), "int32", np.int32([1, -1, 0, 2**31 - 1])),
    (np.int32([0, 3]), "bool", [False, True]),
    (np.int32([300]), "uint8", np.uint8([44])),
    (np.complex64([1 + 2j]), "float32", np.float32([1])),
    (np.array([True, False]), "float64", np.float64([1, 0])),
]


@pytest.mark.parametrize(("array", "dtype", "expected"), CASTS)
def test_cast_converts_as_xla_does(array: Any, dtype: str, expected: Any) -> None:
    found = called(lambda x: ops.cast(x, dtype), array)
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found, expected)


def test_saturate_cast_stops_at_the_limits() -> None:
    found = called(lambda x: ops.saturate_cast(x, "uint8"), np.int32([-5, 300, 7]))
    np.testing.assert_array_equal(found, np.uint8([0, 255, 7]))
    found = called(lambda x: ops.saturate_cast(x, "int8"), np.float32([-500, 300.5, 7.9]))
    np.testing.assert_array_equal(found, np.int8([-128, 127, 7]))
    found = called(lambda x: ops.saturate_cast(x, "float16"), np.float32([1e9, -1e9, 1]))
    np.testing.assert_array_equal(found, np.float16([65504, -65504, 1]))


def test_asking_for_element_types() -> None:
    assert ops.dtype(graphc.constant(1.0)) == "float32"
    assert ops.dtype(np.int64(3)) == "int64"
    assert ops.dtype(2) == "int32"
    assert ops.is_tensor(graphc.constant(1)) is True
    assert ops.is_tensor(np.zeros(2)) is False


def test_classes_that_are_no_integers_are_refused() -> None:
    with pytest.raises(DTypeError, match="classes are integers"):
        ops.one_hot(np.float32([1.0]), 3)


def test_complex_numbers_come_apart_and_together() -> None:
    x, y = np.float32([1, -2]), np.float32([3, 0.5])
    made = ops.complex(x, y)
    found = values_of([made, ops.real(made), ops.imag(made), ops.conj(made), ops.angle(made)])
    expected = x + 1j * y
    for array, wanted in zip(
        found, [expected, x, y, expected.conj(), np.angle(expected)], strict=True
    ):
        np.testing.assert_allclose(array, wanted, rtol=1e-6)
    assert made.dtype == "complex64"
    pairs = ops.view_as_real(made)
    both = values_of(
        [pairs, ops.view_as_complex(pairs), ops.polar(ops.absolute(made), ops.angle(made))]
    )
    np.testing.assert_array_equal(both[0], np.stack([x, y], -1))
    np.testing.assert_array_equal(both[1], expected)
    np.testing.assert_allclose(both[2], expected, rtol=1e-6)
    assert ops.complex(np.float64(1), 2.0).dtype == "complex128"

"""Types: one object per element type and shape, exact text, sizes that are sizes."""

from __future__ import annotations

import copy
import pickle

import ml_dtypes
import numpy as np
import pytest

from graphc.dimensions import symbol
from graphc.dtypes import BF16, F32, I32, STRING, TOKEN
from graphc.errors import DTypeError, ShapeError
from graphc.ir.types import TOKEN_TYPE, as_type, tensor_type, type_of_array

n = symbol("n")


def test_equal_types_are_one_object() -> None:
    made = tensor_type(F32, (2, n))
    same = [
        as_type("float32", (2, n)),
        as_type(np.float32, [2, symbol("n")]),
        tensor_type(F32, (np.int64(2), n)),
        as_type("i32", (2, n)).with_dtype(F32),
        as_type("f32").with_shape((2, n)),
        pickle.loads(pickle.dumps(made)),
        copy.deepcopy(made),
    ]
    assert all(other is made for other in same)
    assert tensor_type(F32, (2, 3)) is not tensor_type(F32, (3, 2))
    assert tensor_type(F32, (2,)) is not tensor_type(I32, (2,))


def test_sizes_given_by_numpy_are_kept_as_python_integers() -> None:
    type_ = tensor_type(F32, (np.int32(5), np.uint8(7)))
    assert [type(size) for size in type_.shape] == [int, int]


@pytest.mark.parametrize(
    ("shape", "text", "rank", "size", "byte_size"),
    [
        ((), "f32[]", 0, 1, 4),
        ((0, 3), "f32[0, 3]", 2, 0, 0),
        ((n, 2), "f32[n, 2]", 2, 2 * n, 8 * n),
        ((2 * n + 1,), "f32[2*n + 1]", 1, 2 * n + 1, 8 * n + 4),
    ],
)
def test_the_text_and_the_counts_of_a_type(shape, text, rank, size, byte_size) -> None:
    type_ = as_type("float32", shape)
    assert (str(type_), type_.rank, type_.size, type_.byte_size) == (text, rank, size, byte_size)
    assert type_.is_static == (n not in type_.shape and rank != 1)


def test_symbols_are_replaced_and_static_types_left_alone() -> None:
    symbolic, static = as_type("i8", (n, n * 2)), as_type("i8", (3,))
    assert symbolic.substituted({"n": 4}) is as_type("i8", (4, 8))
    assert symbolic.substituted({"m": 4}) is symbolic
    assert static.substituted({"n": 4}) is static


@pytest.mark.parametrize("size", [-1, 1.5, "2", None, False, 2**63, np.float32(7.5), (2,)])
def test_what_is_no_size_is_refused(size) -> None:
    with pytest.raises(ShapeError):
        tensor_type(F32, (4321, size))


def test_the_largest_size_is_accepted() -> None:
    assert tensor_type(F32, (2**63 - 1,)).shape == (2**63 - 1,)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.zeros((2, 3), np.float32), as_type("f32", (2, 3))),
        (np.zeros((), ml_dtypes.bfloat16), tensor_type(BF16, ())),
        (np.array(["a", "b"]), tensor_type(STRING, (2,))),
        (np.array([b"a"]), tensor_type(STRING, (1,))),
    ],
)
def test_the_type_of_an_array(array, expected) -> None:
    assert type_of_array(array) is expected


def test_an_array_of_no_element_type_is_refused() -> None:
    with pytest.raises(DTypeError):
        type_of_array(np.array([np.datetime64("2020-01-01")]))


def test_a_token_has_a_type_of_its_own() -> None:
    assert TOKEN_TYPE is tensor_type(TOKEN, ())
    assert str(TOKEN_TYPE) == "token[]"
    assert TOKEN_TYPE.byte_size == 0

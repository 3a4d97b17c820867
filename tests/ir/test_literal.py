"""Constants: every bit survives text, small ones stand in it, large ones by their hash."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.dtypes import ALL, F32, I32, STRING, DType
from graphc.errors import DTypeError
from graphc.ir.literal import (
    Literal,
    as_literal,
    format_literal,
    is_repeated,
    parse_literal,
    stacked,
)
from graphc.ir.types import as_type

NUMBERS = [dtype for dtype in ALL if not dtype.is_host]
by_name = pytest.mark.parametrize("dtype", NUMBERS, ids=str)

# Bits of NaNs that are not the one that a number's text stands for.
ODD_NANS = {
    "float16": [0x7E01, 0xFE00, 0x7C01],
    "bfloat16": [0x7FC1, 0xFFC0, 0x7F81],
    "float32": [0x7FC00001, 0xFFC00000, 0x7F800001],
    "float64": [0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001],
    "float8_e4m3fn": [0xFF],
    "float8_e5m2": [0xFE, 0x7D, 0x7F],
}


def bits(array: np.ndarray) -> list[bytes]:
    return [item.tobytes() for item in np.ascontiguousarray(array).ravel()]


def read_back(literal: Literal) -> Literal:
    """From text, and with the elements that text names by hash."""
    again = parse_literal(format_literal(literal))
    if again.is_detached:
        assert again.digest == literal.digest
        return literal
    return again


def notable(dtype: DType) -> np.ndarray:
    if dtype.kind == "bool":
        return np.array([True, False])
    if dtype.is_integer:
        limits = np.iinfo(dtype.numpy)
        return np.array([limits.min, 0, 1, limits.max], dtype.numpy)
    parts = [0.0, -0.0, 1.0, -1.5, 0.1, 1e-3, np.inf, -np.inf, np.nan]
    if dtype.is_complex:
        pairs = [complex(a, b) for a, b in zip(parts, reversed(parts), strict=True)]
        return np.array(pairs, dtype.numpy)
    return np.array(parts).astype(dtype.numpy)


@by_name
def test_every_element_stands_in_the_text_with_all_its_bits(dtype: DType) -> None:
    array = notable(dtype)
    for each in (array, array.reshape(1, -1), *array.reshape(-1, 1), array[:0], array[0]):
        literal = as_literal(each)
        text = format_literal(literal)
        assert "sha256" not in text or dtype.name == "float8_e4m3fn", "whose -inf is an odd NaN"
        again = read_back(literal)
        assert again.type is literal.type
        assert bits(again.array) == bits(literal.array)
        assert again.key == literal.key


@given(st.data())
def test_any_bits_of_a_float_are_read_back(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([d for d in NUMBERS if d.is_inexact]))
    raw = data.draw(st.binary(min_size=3 * dtype.itemsize, max_size=3 * dtype.itemsize))
    literal = as_literal(np.frombuffer(raw, dtype.numpy))
    assert literal.array.tobytes() == raw
    assert read_back(literal).array.tobytes() == raw


@pytest.mark.parametrize("name", ODD_NANS)
def test_a_nan_with_a_payload_is_not_written_as_a_number(name: str) -> None:
    (dtype,) = [d for d in NUMBERS if d.name == name]
    for pattern in ODD_NANS[name]:
        array = np.array(pattern, f"u{dtype.itemsize}").view(dtype.numpy)
        literal = as_literal(array)
        assert bits(literal.array) == bits(array)
        text = format_literal(literal)
        plain = np.array([np.nan]).astype(dtype.numpy)
        assert ("sha256:" in text) == (bits(plain) != bits(array)), text
        assert read_back(literal).key == literal.key


@pytest.mark.parametrize(
    "given_array",
    [
        np.array(complex(0.0, -np.nan), np.complex64),
        np.array([1.0, -np.nan], np.complex128),
        np.full(100, -np.nan, np.float32),
    ],
)
def test_a_sign_of_a_nan_is_not_lost_in_parts_and_repeats(given_array) -> None:
    assert "sha256:" in format_literal(as_literal(given_array))


@pytest.mark.parametrize(
    ("given_value", "text"),
    [
        (np.float32(0.1), "f32[] 0.1"),
        (np.float64(0.1), "f64[] 0.1"),
        (np.float32(1e20), "f32[] 1e+20"),
        (-0.0, "f64[] -0.0"),
        (True, "bool[] true"),
        (np.uint8([[200]]), "u8[1, 1] 200"),
        (np.int32([1, -2]), "i32[2] [1, -2]"),
        (np.complex64(complex(-0.0, np.inf)), "c64[] (-0.0, inf)"),
        (np.zeros((4, 5), np.int8), "i8[4, 5] 0"),
        (np.full(17, -0.0, np.float32), "f32[17] -0.0"),
        (np.zeros((0, 2), np.float32), "f32[0, 2] []"),
        (np.arange(16, dtype=np.int8), f"i8[16] {list(range(16))}"),
        ('a "quoted" word', r'string[] "a \"quoted\" word"'),
        (b"\x00\"'\\", r'string[] b"\x00\"' + "\\'" + r'\\"'),
        (["a", b"a"], 'string[2] ["a", b"a"]'),
    ],
)
def test_the_text_of_a_constant(given_value, text: str) -> None:
    literal = as_literal(given_value)
    assert format_literal(literal) == text
    again = parse_literal(text)
    assert again.key == literal.key
    assert format_literal(again) == text


_strings = st.text(st.characters(exclude_categories=()), max_size=6) | st.binary(max_size=6)


@given(st.lists(_strings, max_size=4), st.booleans())
def test_any_strings_are_read_back(items: list[str | bytes], as_column: bool) -> None:
    array = np.empty(len(items), object)
    array[:] = items
    literal = as_literal(array.reshape(-1, 1) if as_column else array, STRING)
    text = format_literal(literal)
    again = parse_literal(text)
    assert again.type is literal.type
    assert [(type(x), x) for x in again.array.ravel()] == [(type(x), x) for x in items]
    assert len(text.splitlines()) == 1, "one node is one line of text"


@pytest.mark.parametrize(
    "item", ["", "\n", '"', "\\", '\\"', "],", "\u2028", "\ud800", b'"', b"'", b"\\\"'\n", b""]
)
def test_a_string_that_looks_like_syntax_is_read_back(item) -> None:
    literal = as_literal(item)
    assert literal.scalar == item
    again = parse_literal(format_literal(literal))
    assert again.scalar == item
    assert again.key == literal.key


def test_bytes_and_text_of_the_same_letters_are_two_constants() -> None:
    assert as_literal("a").key != as_literal(b"a").key
    assert as_literal("a").digest != as_literal(b"a").digest


def test_what_python_calls_equal_is_kept_apart() -> None:
    given_values = [0.0, -0.0, np.float32(0), np.float16(0), 0, False, [0.0], [[0.0]]]
    literals = [as_literal(value) for value in given_values]
    assert len({literal.key for literal in literals}) == len(literals)
    assert len({literal.digest for literal in literals}) == len(literals)


def test_a_large_constant_is_named_by_its_content() -> None:
    array = np.arange(17, dtype=np.float32)
    literal = as_literal(array)
    content = hashlib.sha256(b"f32[17]" + array.tobytes()).hexdigest()[:32]
    assert format_literal(literal) == f"f32[17] sha256:{content}"
    assert as_literal(array.reshape(1, 17)).digest != content
    assert as_literal(array.view(np.int32)).digest != content
    assert as_literal(np.arange(34, dtype=np.float32)[:17]).digest == content
    assert as_literal(np.asfortranarray(np.arange(40.0).reshape(5, 8))).digest == (
        as_literal(np.arange(40.0).reshape(5, 8)).digest
    )


def test_a_detached_constant_prints_the_same_and_cannot_be_computed_with() -> None:
    text = format_literal(as_literal(np.arange(1000)))
    detached = parse_literal(text)
    assert detached.is_detached
    assert format_literal(detached) == text
    assert detached.scalar is None
    with pytest.raises(DTypeError, match="content hash only") as caught:
        _ = detached.array
    assert detached.digest in str(caught.value)


def test_a_constant_larger_than_text_may_ask_for_can_still_be_named_by_its_hash() -> None:
    text = f"f32[100000, 100000] sha256:{'0' * 32}"
    assert format_literal(parse_literal(text)) == text


def test_a_constant_is_a_copy_and_read_only() -> None:
    array = np.array([1.0, 2.0])
    literal = as_literal(array)
    array[0] = 5
    assert literal.array[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        literal.array[0] = 5


def test_a_wanted_element_type_is_taken() -> None:
    assert as_literal([1, 2], F32).type is as_type("f32", (2,))
    assert as_literal(1.0, I32).scalar.dtype == np.int32
    assert as_literal([], STRING).type is as_type("string", (0,))
    literal = as_literal(3)
    assert as_literal(literal) is literal


@pytest.mark.parametrize("items", [["a\0", "b"], [b"a\0"], np.array(["x", "yz"]), np.array([b"x"])])
def test_strings_come_in_whatever_numpy_makes_of_them(items) -> None:
    literal = as_literal(items)
    assert literal.type.dtype is STRING
    assert literal.array.tolist() == list(items)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([1, "a"], None),
        ({"a": 1}, None),
        (object(), None),
        ([None], None),
        (2**70, None),
        ([[1], [2, 3]], None),
        (np.array("2020", "M8"), None),
        ("1.5", F32),
        (["one"], F32),
        (2**40, I32),
        (5, STRING),
    ],
)
def test_what_is_no_array_of_one_element_type_is_refused(value, dtype) -> None:
    with pytest.raises(DTypeError):
        as_literal(value, dtype)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1.0", "expected a type"),
        ("f33[] 1.0", "expected a type"),
        ("f32 1.0", "expected a type"),
        ("f32[-1] []", "not a shape"),
        ("f32[n] 1.0", "invalid literal"),
        ("f32[2] [1.0]", "reshape"),
        ("f32[] [1.0, 2.0]", "reshape"),
        ("f32[2] []", "reshape"),
        ("f32[] one", "could not convert"),
        ("f32[] ", "could not convert"),
        ("f32[2] [1.0", "list in brackets"),
        ("i8[] 200", "not a int8"),
        ("u8[] -1", "not a uint8"),
        ("i32[] 1.5", "invalid literal"),
        ("bool[] True", "not a bool"),
        ("c64[] 1.0", "not enough values"),
        ("string[] 5", "double quotes"),
        ("string[] ['a']", "double quotes"),
        ('string[] b"a", b"b"', "double quotes"),
        ('string[] b"a" b"b"', "double quotes"),
        ('string[] b"a" + 1', "double quotes"),
        ('string[] b"', "double quotes"),
        ('string[] "a', "double quotes"),
        (r'string[] "\x"', "escape"),
        (r'string[] b"\x"', "not a string"),
        ("token[] 1", "no value"),
        ("f32[20] sha256:1234", "32 hexadecimal digits"),
        ("f32[20] sha256:../../../../../../etc/passwd12", "32 hexadecimal digits"),
        ("f32[65536, 65536] 0.0", "more than text may ask for"),
        ("f64[99999999999999999] 0.0", "more than text may ask for"),
        ("f32[99999999999999999999] 0.0", "too large"),
        ("i32[] " + "9" * 5000, "Exceeds the limit"),
        ("string[] " + "[" * 10_000 + "]" * 10_000, "double quotes"),
    ],
)
def test_malformed_text_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_literal(text)


def test_one_number_shown_many_times_is_kept_once() -> None:
    number = np.float32(0.1)
    repeated = as_literal(np.broadcast_to(number, (300, 400)))
    plain = as_literal(np.full((300, 400), number))
    assert is_repeated(repeated.array)
    assert not is_repeated(plain.array)
    assert repeated.key == plain.key
    assert format_literal(repeated) == format_literal(plain)
    source = np.ones((), np.float32)
    kept = as_literal(np.broadcast_to(source, (3, 3)), I32)
    source[()] = 2
    np.testing.assert_array_equal(kept.array, np.ones((3, 3), np.int32))
    assert not is_repeated(as_literal(np.broadcast_to(np.arange(3), (4, 3))).array)


def test_equal_numbers_are_stacked_without_memory() -> None:
    zeros, ones = (np.broadcast_to(np.float32(number), (2, 3)) for number in (0, 1))
    assert is_repeated(stacked([zeros, zeros, zeros]))
    for rows in ([zeros, zeros], [zeros, ones], [zeros, -zeros], [ones, np.ones((2, 3), "f")]):
        found = stacked(rows)
        assert found.tobytes() == np.stack(rows).tobytes()
        assert found.shape == (2, 2, 3)

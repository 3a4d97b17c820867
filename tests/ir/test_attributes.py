"""Attributes: what each kind takes, its text, and one object for equal sets."""

from __future__ import annotations

import gc
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.dimensions import symbol
from graphc.dtypes import F32
from graphc.errors import AttributeValueError
from graphc.ir.attributes import (
    AXES,
    DIMENSION,
    DTYPE,
    FLOAT,
    INTEGER,
    INTEGERS,
    LITERAL,
    NO_ATTRIBUTES,
    NUMBERS,
    PAIRS,
    REQUIRED,
    SHAPE,
    STRING,
    STRINGS,
    TRUTH,
    Attribute,
    AttributeKind,
    Schema,
    choice,
    optional,
)
from graphc.ir.literal import as_literal, format_literal, parse_literal

n = symbol("n")
SIDE = choice("left", "right")

ACCEPTED = [
    (INTEGER, np.int8(-3), -3, "-3"),
    (INTEGER, 2**80, 2**80, str(2**80)),
    (FLOAT, 1, 1.0, "1.0"),
    (FLOAT, np.float64(0.1), 0.1, "0.1"),
    (FLOAT, -0.0, -0.0, "-0.0"),
    (FLOAT, -math.inf, -math.inf, "-inf"),
    (TRUTH, np.bool_(True), True, "true"),
    (TRUTH, False, False, "false"),
    (STRING, 'a "b"\n', 'a "b"\n', r'"a \"b\"\n"'),
    (STRING, "none", "none", '"none"'),
    (DIMENSION, 2 * n, 2 * n, "2*n"),
    (DTYPE, "float32", F32, "f32"),
    (DTYPE, np.float32, F32, "f32"),
    (INTEGERS, np.array([1, 2]), (1, 2), "[1, 2]"),
    (INTEGERS, range(0), (), "[]"),
    (SHAPE, [2, n + 1], (2, n + 1), "[2, n + 1]"),
    (STRINGS, ["a,b", "]"], ("a,b", "]"), '["a,b", "]"]'),
    (PAIRS, [[1, 2], ()], ((1, 2), ()), "[[1, 2], []]"),
    (AXES, [2, 0], (0, 2), "[0, 2]"),
    (AXES, {1}, (1,), "[1]"),
    (NUMBERS, {"b": 2, "a": 0.1}, (("a", 0.1), ("b", 2.0)), "[a=0.1, b=2.0]"),
    (NUMBERS, [("a", -0.0)], (("a", 0.0),), "[a=0.0]"),
    (SIDE, "left", "left", '"left"'),
    (optional(FLOAT), None, None, "none"),
    (optional(FLOAT), 2, 2.0, "2.0"),
    (optional(STRING), "none", "none", '"none"'),
    (optional(SHAPE), (n,), (n,), "[n]"),
]

REFUSED = [
    *[(INTEGER, value) for value in (True, 1.0, "1", None, np.float32(1), [1])],
    *[(FLOAT, value) for value in (True, "one", None, 1j, 10**400)],
    *[(TRUTH, value) for value in (1, 0, "true", None)],
    *[(STRING, value) for value in (1, b"a", None)],
    *[(DIMENSION, value) for value in (1.0, "n", True)],
    *[(DTYPE, value) for value in ("float33", None, 3)],
    *[(INTEGERS, value) for value in (1, "12", b"12", [1.5], None, np.array(1))],
    *[(kind, value) for kind in (INTEGERS, SHAPE) for value in ((1, True), (1, 2.0), (1, None))],
    *[(STRINGS, value) for value in ("ab", [1])],
    *[(PAIRS, value) for value in ([1, 2], "ab")],
    *[(NUMBERS, value) for value in ({1: 2}, {"a": True}, [1], 3)],
    *[(SIDE, value) for value in ("top", "", None, [], 1)],
    *[(optional(INTEGER), value) for value in ("none", 1.5)],
    (LITERAL, [[1], [2, 3]]),
    (LITERAL, object()),
]

MALFORMED = [
    *[(INTEGER, text) for text in ("", "1.5", "n", "9" * 5000)],
    *[(FLOAT, text) for text in ("", "one")],
    *[(TRUTH, text) for text in ("True", "", "1")],
    *[(STRING, text) for text in ("a", '"a', "5", "none", "", "[" * 9999 + "]" * 9999)],
    *[(DIMENSION, text) for text in ("", "n +", "2 n")],
    *[(INTEGERS, text) for text in ("", "1, 2", "[1", "[1, [2]]", "[1, , 2]")],
    *[(SHAPE, text) for text in ("[n", "[1.5]")],
    *[(NUMBERS, text) for text in ("[a]", "[a=b]", "a=1")],
    (LITERAL, "1.5"),
]


def schema_of(kind: AttributeKind) -> Schema:
    return Schema(x=kind)


@pytest.mark.parametrize(("kind", "value", "normal", "text"), ACCEPTED)
def test_a_kind_normalises_prints_and_reads_back(kind, value, normal, text) -> None:
    made = schema_of(kind).make({"x": value}, "op")["x"]
    assert made == normal
    assert type(made) is type(normal)
    assert kind.format(made) == text
    assert kind.format(kind.parse(text)) == text
    assert kind.normalise(kind.parse(text)) == normal


@pytest.mark.parametrize(("kind", "value"), REFUSED)
def test_a_value_of_another_kind_is_refused_by_name(kind, value) -> None:
    with pytest.raises(AttributeValueError, match="op: attribute 'x' does not fit") as caught:
        schema_of(kind).make({"x": value}, "op")
    assert caught.value.expected == kind.name
    assert caught.value.given == repr(value)


@pytest.mark.parametrize(("kind", "text"), MALFORMED)
def test_text_of_no_value_is_refused(kind, text) -> None:
    with pytest.raises(ValueError):  # noqa: PT011, each kind says it in its own words
        schema_of(kind).make({"x": kind.parse(text)}, "op")


@given(st.lists(st.text(max_size=5), max_size=4))
def test_any_strings_are_read_back(items: list[str]) -> None:
    assert STRINGS.parse(STRINGS.format(STRINGS.normalise(items))) == tuple(items)


@given(st.floats())
def test_any_float_is_read_back(number: float) -> None:
    again = FLOAT.parse(FLOAT.format(number))
    assert math.isnan(again) if math.isnan(number) else again.hex() == number.hex()


def test_equal_sets_are_one_object_and_others_are_not() -> None:
    schema = Schema(shape=SHAPE, dtype=Attribute(DTYPE, "float32"))
    first = schema.make({"shape": [2, n]}, "op")
    assert schema.make({"dtype": np.float32, "shape": (2, n)}, "op") is first
    assert schema.make({"shape": (n, 2)}, "op") is not first
    assert Schema(shape=SHAPE, dtype=DTYPE).make(dict(first), "op") is not first
    assert dict(first) == {"shape": (2, n), "dtype": F32}
    assert len(first) == 2
    assert first != dict(first), "compared by identity alone"


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (FLOAT, [0.0, -0.0, math.nan, 1.0]),
        (optional(FLOAT), [None, 0.0, -0.0]),
        (LITERAL, [np.float32(0), np.float32(-0.0), np.float64(0), np.int32(0), False, "", b""]),
        (LITERAL, [np.zeros(2), np.zeros((1, 2)), np.zeros((2, 1))]),
    ],
)
def test_what_python_calls_equal_is_kept_apart(kind, values) -> None:
    schema = schema_of(kind)
    made = [schema.make({"x": value}, "op") for value in values]
    assert len({id(attributes) for attributes in made}) == len(values)
    again = [schema.make({"x": value}, "op") for value in values]
    assert all(one is other for one, other in zip(made, again, strict=True))


def test_a_constant_is_not_interned_with_its_hash_alone() -> None:
    schema, literal = schema_of(LITERAL), as_literal(np.arange(100))
    attached = schema.make({"x": literal}, "op")
    detached = schema.make({"x": parse_literal(format_literal(literal))}, "op")
    assert attached["x"].array.size == 100
    assert detached["x"].is_detached


def test_attributes_that_nobody_uses_are_forgotten() -> None:
    schema = schema_of(INTEGER)
    kept = schema.make({"x": 1}, "op")
    for number in range(100):
        schema.make({"x": number}, "op")
    gc.collect()
    assert len(schema._interned) == 1
    assert schema.make({"x": 1}, "op") is kept


@pytest.mark.parametrize(
    ("given_attributes", "words"),
    [
        ({}, "attribute 'axis' is missing"),
        ({"axis": 1, "axes": 2}, "unknown attribute axes"),
        ({"axis": 1, "b": 2, "a": 3}, "unknown attribute a, b"),
        ({"keep": True}, "attribute 'axis' is missing"),
    ],
)
def test_missing_and_unknown_attributes_are_refused(given_attributes, words: str) -> None:
    schema = Schema(axis=INTEGER, keep=Attribute(TRUTH, False))
    with pytest.raises(AttributeValueError, match=words) as caught:
        schema.make(given_attributes, "sum")
    assert caught.value.message.startswith("sum: ")
    assert caught.value.expected == "axis: a whole number, keep: a truth value (optional)"


def test_an_op_without_attributes_takes_none() -> None:
    assert Schema().make({}, "op") is NO_ATTRIBUTES
    with pytest.raises(AttributeValueError, match="unknown attribute axis") as caught:
        Schema().make({"axis": 1}, "op")
    assert caught.value.expected == "no attributes"


def test_defaults_are_filled_in_as_normal_values() -> None:
    schema = Schema(axes=Attribute(AXES, [1, 0]), dtype=Attribute(DTYPE, "float32"), x=INTEGER)
    made = schema.make({"x": 1}, "op")
    assert (made["axes"], made["dtype"]) == ((0, 1), F32)
    assert schema.fields["x"].default is REQUIRED
    with pytest.raises(TypeError):
        Attribute(AXES, 1.5)


def test_symbols_are_replaced_where_a_kind_holds_them() -> None:
    schema = Schema(shape=SHAPE, size=optional(DIMENSION), rank=INTEGER)
    symbolic = schema.make({"shape": (n, 2 * n), "size": None, "rank": 2}, "op")
    concrete = schema.make({"shape": (3, 6), "size": None, "rank": 2}, "op")
    assert schema.substitute(symbolic, {"n": 3}) is concrete
    assert schema.substitute(symbolic, {"m": 3}) is symbolic
    assert schema.substitute(concrete, {"n": 5}) is concrete
    sized = schema.make({"shape": (), "size": n, "rank": 0}, "op")
    assert schema.substitute(sized, {"n": 0})["size"] == 0
    without = Schema(rank=INTEGER)
    kept = without.make({"rank": 1}, "op")
    assert without.substitute(kept, {"n": 3}) is kept

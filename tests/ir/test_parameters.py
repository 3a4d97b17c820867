"""Parameters of foreign operations: exact text for plain data, numbers for all else."""

from __future__ import annotations

import enum
import gc
import math
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.ir.parameters import (
    Parameters,
    parse_parameters,
    register_enumeration,
    register_record,
)


class Colour(enum.Enum):
    RED = 0
    BLUE = 1


class Window(NamedTuple):
    sizes: tuple[int, ...]
    colour: Colour | None = None


register_enumeration(Colour)
register_record(Window)

PLAIN: dict[str, Any] = {
    "none": None,
    "truth": True,
    "whole": -3,
    "fraction": 0.1,
    "infinite": -math.inf,
    "imaginary": 1 - 2j,
    "words": 'a "quoted", {bracketed} text',
    "sizes": (1, (2, ()), [3]),
    "dtype": np.dtype("float32"),
    "scalar": np.float32(1.5),
    "array": np.array([1, 2], np.int32),
    "colour": Colour.BLUE,
    "window": Window((2, 3), Colour.RED),
    "nested": {"a": 1, "b": {"c": (Colour.RED,)}},
}


def test_the_text_of_plain_data() -> None:
    parameters = Parameters(PLAIN)
    assert parameters.is_plain
    assert parameters.text == (
        "{array=i32[2] [1, 2], colour=Colour.BLUE, dtype=f32, fraction=0.1, "
        "imaginary=complex(1.0, -2.0), infinite=-inf, nested={a=1, b={c=[Colour.RED]}}, none=none, "
        "scalar=f32[] 1.5, sizes=[1, [2, []], [3]], truth=true, whole=-3, "
        "window=Window(sizes=[2, 3], colour=Colour.RED), "
        r'words="a \"quoted\", {bracketed} text"}'
    )


def test_plain_data_is_read_back() -> None:
    again = parse_parameters(Parameters(PLAIN).text)
    assert again == Parameters(PLAIN)
    assert again["window"] == PLAIN["window"]
    assert isinstance(again["window"], Window)
    assert again["dtype"] == np.float32
    assert again["scalar"].dtype == np.float32
    assert again["sizes"] == (1, (2, ()), (3,))


_data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from([Colour.RED, np.dtype("int8")]),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
        | st.builds(Window, inner)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["x", "y_1", "name"]), _data, max_size=3))
def test_any_plain_data_is_read_back(values: dict[str, Any]) -> None:
    parameters = Parameters(values)
    again = parse_parameters(parameters.text)
    assert again.text == parameters.text
    assert dict(again) == values


def test_what_python_calls_equal_is_kept_apart() -> None:
    kinds = [1, True, 1.0, 0, 0.0, -0.0, np.float32(1), np.float64(1)]
    assert len({Parameters({"x": kind}) for kind in kinds}) == len(kinds)
    assert Parameters({"a": 1, "b": 2}) == Parameters({"b": 2, "a": 1})


def test_opaque_objects_are_told_apart_and_known_again() -> None:
    def one() -> None: ...

    def other() -> None: ...

    first, again, second = (Parameters({"f": (f,)}) for f in (one, one, other))
    assert first == again
    assert first != second
    assert first.text.startswith("{f=[opaque[#")
    assert not first.is_plain
    assert first["f"] == (one,)


def test_the_number_of_an_unhashable_object_is_its_own_while_it_lives() -> None:
    class Unhashable:
        __hash__ = None  # type: ignore[assignment]

    thing = Unhashable()
    assert Parameters({"x": thing}) == Parameters({"x": thing})
    first = Parameters({"x": Unhashable()})
    number = first.text
    del first
    gc.collect()
    assert Parameters({"x": Unhashable()}).text != number, "numbers are not used again"


def test_an_array_too_large_for_text_is_not_plain() -> None:
    parameters = Parameters({"table": np.arange(100)})
    assert not parameters.is_plain
    assert parameters != Parameters({"table": np.arange(1, 101)})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{f=opaque[#3]}", "no text, such as a function"),
        ("{f=[1, [opaque[#12]]]}", "no text, such as a function"),
        ("[1]", "in braces"),
        ("{a}", "name=value"),
        ("{a=Colour.GREEN}", "no member 'GREEN'"),
        ("{a=Popen(args=[1])}", "no record named 'Popen'"),
        ("{a=os.system}", "could not convert"),
        ("{a=__import__}", "could not convert"),
        ("{a=" + "[" * 80 + "]" * 80 + "}", "nest more than"),
    ],
)
def test_malformed_text_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_parameters(text)


def test_names_are_identifiers() -> None:
    with pytest.raises(ValueError, match="cannot name a parameter"):
        Parameters({"a b": 1})

"""The parameters of a foreign operation: plain data with exact text, and things that have none.

Plain are None, truth values, numbers, strings, element types, arrays, and tuples, mappings,
registered enumerations and registered records of plain data. Anything else is *opaque*: it is
kept as it is, prints as `opaque[#7]`, and cannot be read back. The number stands for one object in
one process, so text with opaque parts is no key beyond the process that wrote it.
"""

from __future__ import annotations

import enum
import itertools
import json
import re
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

import numpy as np

from graphc.dtypes import as_dtype, is_short_name
from graphc.errors import DTypeError
from graphc.ir.attributes import AttributeKind
from graphc.ir.lexing import split_list, split_top_level
from graphc.ir.literal import as_literal, format_literal, parse_literal

_ENUMERATIONS: Final[dict[str, type[enum.Enum]]] = {}
_RECORDS: Final[dict[str, type[Any]]] = {}
_DEEPEST: Final = 50
_OPAQUE: Final = re.compile(r"opaque\[#\d+\]$")
_MEMBER: Final = re.compile(r"([A-Za-z_]\w*)\.([A-Za-z_]\w*)$")
_CALL: Final = re.compile(r"([A-Za-z_]\w*)\((.*)\)$", re.DOTALL)
_WHOLE: Final = re.compile(r"-?\d+$")


def register_enumeration(enumeration: type[enum.Enum]) -> None:
    """Let the members of an enumeration count as plain data, by its name and theirs."""
    _ENUMERATIONS[enumeration.__name__] = enumeration


def register_record(record: type[Any]) -> None:
    """Let a NamedTuple of plain data count as plain data, by its name and its fields'."""
    _RECORDS[record.__name__] = record


class _Opaque:
    """Keeps an object, so that its number stays its own."""

    __slots__ = ("__weakref__", "number", "value")

    def __init__(self, value: Any, number: int) -> None:
        self.value = value
        self.number = number


_numbers: Final = itertools.count(1)
_opaque: Final[weakref.WeakValueDictionary[Any, _Opaque]] = weakref.WeakValueDictionary()


def _opaque_of(value: Any) -> _Opaque:
    try:
        key: Any = (type(value), value)
        hash(key)
    except TypeError:
        key = (type(value), id(value))  # of an object that lives as long as its number
    found = _opaque.get(key)
    if found is None:
        found = _opaque.setdefault(key, _Opaque(value, next(_numbers)))
    return found


class Parameters(Mapping[str, Any]):
    """Parameters by name, as they were given; equal where their text is equal.

    Attributes:
        text: `{axis=0, reverse=false}`, sorted by name.
        is_plain: whether `parse_parameters` reads the text back.
    """

    __slots__ = ("_kept", "_values", "is_plain", "text")

    def __init__(self, values: Mapping[str, Any]) -> None:
        for name in values:
            if not name.isidentifier():
                raise ValueError(f"{name!r} cannot name a parameter")
        self._values = dict(values)
        writer = _Writer()
        self.text = writer.mapping(self._values)
        self._kept = writer.opaque
        self.is_plain = writer.is_plain

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parameters) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Parameters({self.text})"


class _Writer:
    """Writes values as text, and keeps what has none."""

    def __init__(self) -> None:
        self.opaque: list[_Opaque] = []
        self.is_plain = True

    def mapping(self, values: Mapping[str, Any]) -> str:
        return "{" + self.fields(sorted(values.items())) + "}"

    def fields(self, pairs: Any) -> str:
        return ", ".join([f"{name}={self.value(value)}" for name, value in pairs])

    def value(self, value: Any) -> str:
        if value is None:
            return "none"
        kind = cast(Any, type(value))  # pyright: ignore[reportUnknownArgumentType]
        if kind is bool:
            return str(value).lower()
        if kind is int or kind is float:
            return repr(value)
        if kind is str:
            return json.dumps(value)
        if kind is complex:
            return f"complex({value.real!r}, {value.imag!r})"
        if kind is tuple or kind is list:
            return "[" + ", ".join([self.value(item) for item in value]) + "]"
        if kind is dict and all(_is_name(name) for name in value):
            return self.mapping(value)
        if _ENUMERATIONS.get(kind.__name__) is kind:
            return f"{kind.__name__}.{value.name}"
        if _RECORDS.get(kind.__name__) is kind:
            return f"{kind.__name__}({self.fields(value._asdict().items())})"
        return self.dtype_or_array(value)

    def dtype_or_array(self, value: Any) -> str:
        try:
            if isinstance(value, np.dtype):
                return as_dtype(cast(object, value)).short
            if isinstance(value, (np.generic, np.ndarray)):
                text = format_literal(as_literal(value))
                self.is_plain = self.is_plain and "sha256:" not in text
                return text
        except DTypeError:
            pass  # an element type that only JAX has
        kept = _opaque_of(value)
        self.opaque.append(kept)
        self.is_plain = False
        return f"opaque[#{kept.number}]"


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and name.isidentifier()


def parse_parameters(text: str) -> Parameters:
    """The inverse of `Parameters.text`.

    Raises:
        ValueError: it is not such text, or a part of it is opaque.
    """
    if not text.startswith("{"):
        raise ValueError(f"expected parameters in braces, got {text!r}")
    return Parameters(_parse(text, 0))


def _parse_fields(text: str, depth: int) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for item in split_top_level(text):
        name, equals, value = item.partition("=")
        if not equals or not name.strip().isidentifier():
            raise ValueError(f"expected name=value, got {item!r}")
        fields[name.strip()] = _parse(value.strip(), depth + 1)
    return fields


def _parse(text: str, depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError(f"parameters nest more than {_DEEPEST} deep")
    if text in _WORDS:
        return _WORDS[text]
    if text.startswith('"'):
        return str(json.loads(text))
    if text.startswith("["):
        return tuple([_parse(item, depth + 1) for item in split_list(text)])
    if text.startswith("{") and text.endswith("}"):
        return _parse_fields(text[1:-1], depth)
    if _OPAQUE.match(text):
        raise ValueError(
            f"{text} stood for an object that has no text, such as a function; text cannot bring "
            "it back: build this part of the graph from JAX again"
        )
    if _WHOLE.match(text):
        return int(text)
    if is_short_name(text):
        if as_dtype(text).is_host:
            raise ValueError(f"{text} is no element type of JAX")
        return as_dtype(text).numpy
    if is_short_name(text.partition("[")[0]):
        return parse_literal(text).array
    return _parse_named(text, depth)


def _parse_named(text: str, depth: int) -> Any:
    if (member := _MEMBER.match(text)) and member[1] in _ENUMERATIONS:
        found = _ENUMERATIONS[member[1]].__members__.get(member[2])
        if found is None:
            raise ValueError(f"{member[1]} has no member {member[2]!r}")
        return found
    if call := _CALL.match(text):
        if call[1] == "complex":
            real, imaginary = call[2].split(",")
            return complex(float(real), float(imaginary))
        if call[1] in _RECORDS:
            record: Callable[..., Any] = _RECORDS[call[1]]
            return record(**_parse_fields(call[2], depth))
        raise ValueError(f"there is no record named {call[1]!r}")
    return float(text)


_WORDS: Final[dict[str, bool | None]] = {"none": None, "true": True, "false": False}


NO_PARAMETERS: Final = Parameters({})


def _normalise(value: Any) -> Parameters:
    if isinstance(value, Parameters):
        return value
    if not isinstance(value, Mapping):
        raise TypeError(f"{value!r} is no mapping of parameters")
    return Parameters(value)  # pyright: ignore[reportUnknownArgumentType]


def _format(value: Parameters) -> str:
    return value.text


PARAMETERS: Final = AttributeKind(
    "the parameters of a foreign operation, by name", _normalise, _format, parse_parameters
)

"""Attributes of a node: a schema per op, and interned mappings that hold to it.

An attribute *kind* knows how to normalise what a caller gives, to print it and to read it back.
Two equal sets of attributes of one op are the same object, so memo keys compare by identity.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np

from graphc.dimensions import Dim, Dimension, format_dimension, parse_dimension, substitute
from graphc.dtypes import as_dtype
from graphc.errors import AttributeValueError, DTypeError
from graphc.ir.lexing import split_list
from graphc.ir.literal import Literal, as_literal, format_literal, parse_literal


@dataclass(frozen=True, eq=False)
class AttributeKind:
    """What values an attribute takes.

    Attributes:
        name: what errors call it.
        normalise: gives the hashable canonical value, or raises `TypeError`/`ValueError`.
        format: the text form.
        parse: its inverse.
        substitute: replaces symbols by sizes; None where the kind holds none.
    """

    name: str
    normalise: Callable[[Any], Any]
    format: Callable[[Any], str]
    parse: Callable[[str], Any]
    substitute: Callable[[Any, Mapping[str, int]], Any] | None = None


# NumPy's classes are generic to a type checker, which would take what they narrow to for unknown.
_TRUTHS: Final = cast("tuple[type[Any], ...]", (bool, np.bool_))
_WHOLES: Final = cast("tuple[type[Any], ...]", (int, np.integer))


def _whole(value: Any) -> int:
    if isinstance(value, _TRUTHS) or not isinstance(value, _WHOLES):
        raise TypeError(f"{value!r} is not a whole number")
    return int(value)


def _dimension(value: Any) -> Dimension:
    return value if isinstance(value, Dim) else _whole(value)


def _number(value: Any) -> float:
    if isinstance(value, _TRUTHS):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


def _truth(value: Any) -> bool:
    if not isinstance(value, _TRUTHS):
        raise TypeError(f"{value!r} is neither True nor False")
    return bool(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _list_of(kind: AttributeKind, name: str) -> AttributeKind:
    element_substitute = kind.substitute
    # Nearly all lists come as tuples of plain integers, which are as they should be.
    of_integers = kind in (INTEGER, DIMENSION)
    only_integers = frozenset({int}).issuperset

    def normalise(value: Any) -> tuple[Any, ...]:
        if of_integers and value.__class__ is tuple and only_integers(map(type, value)):
            return value
        if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
            raise TypeError(f"{value!r} is not a sequence")
        return tuple(kind.normalise(item) for item in value)

    return AttributeKind(
        name,
        normalise,
        lambda value: f"[{', '.join(kind.format(item) for item in value)}]",
        lambda text: tuple(kind.parse(item) for item in split_list(text)),
        None
        if element_substitute is None
        else lambda value, sizes: tuple(element_substitute(item, sizes) for item in value),
    )


def _parse_truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"expected true or false, got {text!r}")
    return text == "true"


def _parse_string(text: str) -> str:
    if not text.startswith('"'):
        raise ValueError(f"expected a string in double quotes, got {text!r}")
    return _text(json.loads(text))


INTEGER: Final = AttributeKind("a whole number", _whole, str, int)
FLOAT: Final = AttributeKind("a number", _number, repr, float)
TRUTH: Final = AttributeKind("a truth value", _truth, lambda v: str(v).lower(), _parse_truth)
STRING: Final = AttributeKind("a string", _text, json.dumps, _parse_string)
DIMENSION: Final = AttributeKind(
    "a size", _dimension, format_dimension, parse_dimension, substitute
)
DTYPE: Final = AttributeKind("an element type", as_dtype, lambda d: d.short, as_dtype)
INTEGERS: Final = _list_of(INTEGER, "a sequence of whole numbers")
SHAPE: Final = _list_of(DIMENSION, "a shape")
STRINGS: Final = _list_of(STRING, "a sequence of strings")
PAIRS: Final = _list_of(INTEGERS, "a sequence of sequences of whole numbers")
LITERAL: Final = AttributeKind("a constant", as_literal, format_literal, parse_literal)
AXES: Final = AttributeKind(  # a set: sorted, so that equal sets are equal attributes
    "axes",
    lambda value: tuple(sorted(INTEGERS.normalise(value))),
    INTEGERS.format,
    INTEGERS.parse,
)


def _numbers(value: Any) -> tuple[tuple[str, float], ...]:
    pairs: Iterable[Any] = value
    if isinstance(value, Mapping):
        pairs = cast(Mapping[Any, Any], value).items()
    # plus zero: -0.0 would be interned as 0.0, and print as whichever of them came first
    return tuple(sorted((_text(name), _number(number) + 0.0) for name, number in pairs))


def _parse_numbers(text: str) -> tuple[tuple[str, float], ...]:
    pairs = [item.partition("=") for item in split_list(text)]
    return _numbers([(name.strip(), float(number)) for name, _, number in pairs])


NUMBERS: Final = AttributeKind(
    "names with numbers",
    _numbers,
    lambda value: f"[{', '.join(f'{name}={number!r}' for name, number in value)}]",
    _parse_numbers,
)


def choice(*options: str) -> AttributeKind:
    """The kind of a string that is one of `options`."""

    def normalise(value: Any) -> str:
        if value not in options:
            raise ValueError(f"{value!r} is not one of {', '.join(options)}")
        return str(value)

    return AttributeKind("one of " + ", ".join(options), normalise, json.dumps, _parse_string)


def optional(kind: AttributeKind) -> AttributeKind:
    """The same kind, or None."""
    inner_substitute = kind.substitute
    return AttributeKind(
        f"{kind.name}, or None",
        lambda value: None if value is None else kind.normalise(value),
        lambda value: "none" if value is None else kind.format(value),
        lambda text: None if text == "none" else kind.parse(text),
        None
        if inner_substitute is None
        else lambda value, sizes: None if value is None else inner_substitute(value, sizes),
    )


class Attributes(Mapping[str, Any]):
    """The attributes of one node: read-only, interned, compared by identity."""

    __slots__ = ("__weakref__", "_values")

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    # By identity, in C: every new node looks its types up under its attributes.
    __eq__ = object.__eq__
    __hash__ = object.__hash__  # pyright: ignore[reportAssignmentType]

    def __repr__(self) -> str:
        return f"Attributes({self._values!r})"


NO_ATTRIBUTES: Final = Attributes({})
REQUIRED: Final = object()


@dataclass(frozen=True)
class Attribute:
    """One line of a schema: the kind, and the default of an attribute that may be left out."""

    kind: AttributeKind
    default: Any = REQUIRED

    def __post_init__(self) -> None:
        if self.default is not REQUIRED:  # what a caller may write, a schema may too: "int32"
            object.__setattr__(self, "default", self.kind.normalise(self.default))


def identity_key(value: Any) -> Any:
    """Keeps apart what Python's equality merges: 0.0 and -0.0, and one NaN from another.

    And a literal from one that is known by its hash alone: only the first can be computed with.
    """
    if isinstance(value, float):
        return value.hex()
    return (value.key, value.is_detached) if isinstance(value, Literal) else value


class Schema:
    """The attributes of an op, in the order they print.

    `schema.make(shape=(2, 3))` checks, fills in defaults and interns.
    """

    def __init__(self, **fields: Attribute | AttributeKind) -> None:
        self.fields: dict[str, Attribute] = {
            name: field if isinstance(field, Attribute) else Attribute(field)
            for name, field in fields.items()
        }
        self._interned: weakref.WeakValueDictionary[tuple[Any, ...], Attributes] = (
            weakref.WeakValueDictionary()
        )
        self._symbolic = [
            name for name, field in self.fields.items() if field.kind.substitute is not None
        ]

    def make(self, given: Mapping[str, Any], op_name: str) -> Attributes:
        """The interned attributes.

        Raises:
            AttributeValueError: one is unknown, missing, or not of its kind.
        """
        if not self.fields and not given:
            return NO_ATTRIBUTES
        values: dict[str, Any] = {}
        for name, field in self.fields.items():
            value = given.get(name, field.default)
            if value is REQUIRED:
                raise self._error(op_name, f"attribute {name!r} is missing", given)
            try:
                values[name] = field.kind.normalise(value)
            except (TypeError, ValueError, OverflowError, DTypeError) as error:
                raise AttributeValueError(
                    f"{op_name}: attribute {name!r} does not fit: {error}",
                    given=repr(value),
                    expected=field.kind.name,
                ) from None
        if not given.keys() <= values.keys():
            unknown = sorted(set(given) - set(values))
            raise self._error(op_name, f"unknown attribute {', '.join(unknown)}", given)
        return self._intern(values)

    def _intern(self, values: dict[str, Any]) -> Attributes:
        key = tuple([identity_key(value) for value in values.values()])
        found = self._interned.get(key)
        return found if found is not None else self._interned.setdefault(key, Attributes(values))

    def substitute(self, attributes: Attributes, sizes: Mapping[str, int]) -> Attributes:
        """These attributes with symbols replaced by sizes."""
        if not self._symbolic:
            return attributes
        values = dict(attributes)
        for name in self._symbolic:
            values[name] = self.fields[name].kind.substitute(values[name], sizes)  # type: ignore[misc]
        return self._intern(values)

    def _error(self, op_name: str, problem: str, given: Mapping[str, Any]) -> AttributeValueError:
        expected = ", ".join(
            f"{name}: {field.kind.name}{'' if field.default is REQUIRED else ' (optional)'}"
            for name, field in self.fields.items()
        )
        return AttributeValueError(
            f"{op_name}: {problem}", given=dict(given), expected=expected or "no attributes"
        )

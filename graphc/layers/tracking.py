"""The layers and variables that an object holds in its attributes, at any depth of containers.

They are looked for when they are asked for, so a list that grows after it was assigned is seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

T = TypeVar("T")

_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
"""Types of attributes that hold nothing, as most do."""

_HIDDEN: Final = frozenset({"_given", "_weights", "_parent"})


def held(owner: object, kind: type[T]) -> list[T]:
    """The objects of this class in the attributes of `owner`, each once, in order of assignment."""
    attributes = vars(owner).items()
    values = [v for name, v in attributes if type(v) not in _PLAIN and name not in _HIDDEN]
    return unique(item for value in values for item in _within(value, kind))


def _within(value: Any, kind: type[T]) -> Iterator[T]:
    if isinstance(value, kind):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _within(item, kind)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _within(item, kind)


def unique(things: Iterable[T]) -> list[T]:
    """Each of them once, by identity, in the order in which they come first."""
    found: dict[int, T] = {}
    for thing in things:
        found.setdefault(id(thing), thing)
    return list(found.values())

"""The layers and variables that an object holds in its attributes, at any depth of containers.

They are looked for when they are asked for, so a list that grows after it was assigned is seen.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, TypeVar

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
    match _role(type(value), kind):
        case "found":
            yield value
        case "sequence":
            for item in value:
                yield from _within(item, kind)
        case "mapping":
            for item in value.values():
                yield from _within(item, kind)
        case _:
            return


@functools.lru_cache(maxsize=4096)
def _role(type_: type, kind: type) -> Literal["found", "sequence", "mapping", "nothing"]:
    """What objects of a class are when others are looked for; asking abstract classes is slow."""
    if issubclass(type_, kind):
        return "found"
    if issubclass(type_, (list, tuple)):
        return "sequence"
    return "mapping" if issubclass(type_, Mapping) else "nothing"


def unique(things: Iterable[T]) -> list[T]:
    """Each of them once, by identity, in the order in which they come first."""
    found: dict[int, T] = {}
    for thing in things:
        found.setdefault(id(thing), thing)
    return list(found.values())

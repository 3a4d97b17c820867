"""The names of keras.ops 3.15, from a record beside this file, and namespaces made of them.

`graphc.ops.nn`, `numpy` and `linalg` list what Keras lists under those names: the same functions
as in `graphc.ops`, found by name when they are asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

RECORD: Final = Path(__file__).with_name("keras_signatures.txt")


class KerasFunction(NamedTuple):
    """A function of Keras.

    Attributes:
        name: of the function.
        signature: with its name: "relu(x)".
        places: where Keras lists it: "ops", "nn", "numpy", "linalg", "image".
    """

    name: str
    signature: str
    places: tuple[str, ...]


@lru_cache(1)
def keras_functions() -> tuple[KerasFunction, ...]:
    """All functions of keras.ops and its namespaces, by name."""
    found: list[KerasFunction] = []
    for line in RECORD.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            places, signature = line.split(": ", 1)
            name = signature[: signature.index("(")]
            found.append(KerasFunction(name, signature, tuple(places.split())))
    return tuple(found)


def names_in(place: str) -> list[str]:
    """The names that Keras lists in a place, sorted."""
    return sorted(each.name for each in keras_functions() if place in each.places)


def namespace(module: str, place: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a module that lists functions of graphc.ops as Keras does.

    Args:
        module: its full name.
        place: Keras's name for it.
    """

    def listed() -> list[str]:
        functions = vars(sys.modules["graphc.ops"])
        return [name for name in names_in(place) if name in functions]

    def find(name: str) -> Any:
        if name not in listed():
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return vars(sys.modules["graphc.ops"])[name]

    return find, listed

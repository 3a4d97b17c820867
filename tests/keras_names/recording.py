"""The signatures of Keras's public names: as recorded, and of the Keras that is installed.

A line of the record is "layers: ReLU(max_value=None, …)": the family, and a function or the
constructor of a class with all its names: "layers: Conv2D = Convolution2D(filters, …)". When a new
Keras changes them, `python -m tests.keras_names.recording` writes the record again.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from tests.ops.keras_signatures import Argument, recorded_arguments

RECORD = Path(__file__).with_name("signatures.txt")
FAMILIES = (
    *("layers", "losses", "metrics", "optimizers", "optimizers.schedules", "regularizers"),
    *("constraints", "initializers", "activations", "callbacks", "random", "utils"),
    *("backend", "config"),
)


class KerasName(NamedTuple):
    """What Keras lists in one of its modules.

    Attributes:
        family: "layers", "optimizers.schedules", …
        names: all that it has there, its own first.
        arguments: of the function, or of the constructor.
    """

    family: str
    names: tuple[str, ...]
    arguments: tuple[Argument, ...]


@lru_cache(1)
def recorded() -> tuple[KerasName, ...]:
    """All lines of the record."""
    found: list[KerasName] = []
    for line in RECORD.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            family, rest = line.split(": ", 1)
            written, _, arguments = rest.partition("(")
            names = tuple(written.split(" = "))
            given = recorded_arguments(f"{names[-1]}({arguments}")
            found.append(KerasName(family, names, tuple(given)))
    return tuple(found)


def of_family(family: str) -> list[KerasName]:
    """What the record has of one family."""
    return [each for each in recorded() if each.family == family]


def names_of(family: str) -> set[str]:
    """All names of one family."""
    return {name for each in of_family(family) for name in each.names}


def signature_of(thing: Callable[..., Any]) -> inspect.Signature:
    """Of a function, or of the constructor of a class."""
    if not isinstance(thing, type):
        return inspect.signature(thing)
    if thing.__init__ is object.__init__:
        return inspect.Signature()
    signature = inspect.signature(thing.__init__)  # not that of a `__new__` which takes all
    return signature.replace(parameters=list(signature.parameters.values())[1:])


def installed_lines() -> list[str]:
    """The record's lines, from the Keras that is installed."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    lines = [f"# Keras {keras.__version__}: in which module, under which names, its signature."]
    for family in FAMILIES:
        by_thing: dict[int, list[str]] = {}
        module = vars(attrgetter(family)(keras))
        listed = {n: t for n, t in module.items() if not n.startswith("_") and callable(t)}
        for name in sorted(listed):
            if not isinstance(listed[name], ModuleType):
                by_thing.setdefault(id(listed[name]), []).append(name)
        for names in by_thing.values():
            thing = listed[names[0]]
            names.sort(key=lambda name, own=thing.__name__: (name != own, name))
            lines.append(f"{family}: {' = '.join(names)}{_written(signature_of(thing))}")
    return lines


def _written(signature: inspect.Signature) -> str:
    """Names and defaults alone; a default that is no plain data is written as its text."""
    plain = (bool, int, float, str, type(None), tuple, list)
    parameters = [
        each.replace(annotation=each.empty)
        if each.default is each.empty or isinstance(each.default, plain)
        else each.replace(annotation=each.empty, default=repr(each.default))
        for each in signature.parameters.values()
    ]
    return str(inspect.Signature(parameters))


def main() -> None:
    text = "\n".join(installed_lines()) + "\n"
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(text)
    else:
        RECORD.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

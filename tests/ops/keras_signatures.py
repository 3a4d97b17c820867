"""The signatures of keras.ops: as recorded beside graphc.ops, and as the installed Keras has them.

A line of the record is "ops nn: relu(x)": where Keras lists the function, and its signature. When a
new Keras changes them, `python -m tests.ops.keras_signatures` writes the record again.
"""

from __future__ import annotations

import ast
import inspect
import os
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphc.ops import keras_names

NAMESPACES = ("nn", "numpy", "linalg", "image")


@dataclass(frozen=True)
class Argument:
    """One argument: `kind` is one of Python's, `default` is `REQUIRED` where there is none."""

    name: str
    kind: str
    default: Any


REQUIRED = "required"


def arguments_of(function: Callable[..., Any]) -> list[Argument]:
    return [
        Argument(
            each.name,
            each.kind.name,
            REQUIRED if each.default is inspect.Parameter.empty else each.default,
        )
        for each in inspect.signature(function).parameters.values()
    ]


def recorded_arguments(signature: str) -> list[Argument]:
    """The arguments that a recorded signature such as "clip(x, x_min, x_max)" has."""
    parsed = ast.parse(f"def {signature}: pass").body[0]
    assert isinstance(parsed, ast.FunctionDef)
    given = parsed.args
    missing = len(given.args) - len(given.defaults)
    defaults = [REQUIRED] * missing + [ast.literal_eval(each) for each in given.defaults]
    found = [
        Argument(each.arg, "POSITIONAL_OR_KEYWORD", default)
        for each, default in zip(given.args, defaults, strict=True)
    ]
    if given.vararg:
        found.append(Argument(given.vararg.arg, "VAR_POSITIONAL", REQUIRED))
    for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        value = REQUIRED if default is None else ast.literal_eval(default)
        found.append(Argument(each.arg, "KEYWORD_ONLY", value))
    if given.kwarg:
        found.append(Argument(given.kwarg.arg, "VAR_KEYWORD", REQUIRED))
    return found


def installed_lines() -> list[str]:
    """The record's lines, from the Keras that is installed."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    modules = {"ops": keras.ops} | {name: getattr(keras.ops, name) for name in NAMESPACES}
    places: dict[str, list[str]] = {}
    functions: dict[str, Callable[..., Any]] = {}
    for place, module in modules.items():
        for name, function in vars(module).items():
            if name.startswith("_") or isinstance(function, types.ModuleType):
                continue
            places.setdefault(name, []).append(place)
            assert functions.setdefault(name, function) is function, name
    lines = [
        f"{' '.join(places[name])}: {name}{inspect.signature(functions[name])}"
        for name in sorted(functions)
    ]
    return [f"# Keras {keras.__version__}: where a function is listed, and its signature.", *lines]


def main() -> None:
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write("\n".join(installed_lines()) + "\n")
    else:
        Path(keras_names.RECORD).write_text("\n".join(installed_lines()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Every public name of Keras is here with its arguments, or absent for a reason.

Recorded signatures stand beside this file; see `recording`. Functions of keras.ops have a record of
their own beside graphc.ops, from which graphc makes namespaces.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import pytest

import graphc
from tests.keras_names.differences import ABSENT, EXTRA, LACKING
from tests.keras_names.recording import FAMILIES, RECORD, KerasName, of_family, signature_of
from tests.ops.keras_signatures import REQUIRED, Argument, arguments_of


def found(name: KerasName) -> Callable[..., Any] | None:
    """What graphc has under the name."""
    return getattr(attrgetter(name.family)(graphc), name.names[0], None)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_name_is_here_or_absent_for_a_reason(family: str) -> None:
    names = [name for each in of_family(family) for name in each.names]
    module = attrgetter(family)(graphc)
    here = [name for name in names if hasattr(module, name)]
    absent = {name: why for key, why in ABSENT.get(family, {}).items() for name in key.split()}
    sys.stdout.write(f"{len(here)} of {len(names)} names of keras.{family} are here\n")
    for name, reason in absent.items():
        sys.stdout.write(f"  without {name}: {reason}\n")
    assert sorted(set(names) - set(here) - set(absent)) == [], "neither here nor accounted for"
    assert sorted(set(here) & set(absent)) == [], "here, but accounted for as absent"
    assert sorted(set(absent) - set(names)) == [], "not a name of Keras"


@pytest.mark.parametrize("family", FAMILIES)
def test_names_of_one_thing_are_names_of_one_thing_here(family: str) -> None:
    module = attrgetter(family)(graphc)
    for each in of_family(family):
        things = [getattr(module, name) for name in each.names if hasattr(module, name)]
        assert all(_is_same(thing, things[0]) for thing in things), each.names


def _is_same(one: Any, other: Any) -> bool:
    return one is other or one == other  # methods of one registry are equal


@pytest.mark.parametrize("family", FAMILIES)
def test_arguments_have_keras_names_order_and_defaults(family: str) -> None:
    problems = []
    for each in of_family(family):
        ours = found(each)
        if ours is not None:
            problems += [f"{family}.{each.names[0]}: {text}" for text in _unlike(each, ours)]
    assert not problems, "\n".join(problems)


def _unlike(name: KerasName, ours: Callable[..., Any]) -> list[str]:
    """What is not as in Keras and stands in no table, and what stands in one without need."""
    key = f"{name.family}.{name.names[0]}"
    lacking, extra = LACKING.get(key, {}), EXTRA.get(key, {})
    expected = [each for each in map(_neutral, name.arguments) if each.name not in lacking]
    known = {each.name for each in expected}
    given = [_neutral(each) for each in _arguments(ours)]
    said = [f"{each.name} is here" for each in given if each.name in lacking]
    for each in given:
        if each.name not in known:
            if each.name not in extra and not (each.name == "name" and not _is_class(ours)):
                said.append(f"no {each.name} in Keras")
            elif each.default == REQUIRED and "VAR_" not in each.kind and not lacking:
                said.append(f"{each.name} cannot be left out")
    said += [f"{each} is no argument" for each in set(extra) - {each.name for each in given}]
    shared = [each for each in given if each.name in known]
    if shared != expected:
        said.append(f"{_shown(shared)} instead of {_shown(expected)}")
    return said


def _arguments(thing: Callable[..., Any]) -> list[Argument]:
    return arguments_of(_Signed(signature_of(thing)))


class _Signed:
    """What `inspect.signature` reads a signature off."""

    def __init__(self, signature: Any) -> None:
        self.__signature__ = signature

    def __call__(self) -> None: ...


def _is_class(thing: Any) -> bool:
    return isinstance(thing, type)


def _neutral(argument: Argument) -> Argument:
    """However a dictionary of further arguments is called, it is the same."""
    if argument.kind in ("VAR_KEYWORD", "VAR_POSITIONAL"):
        return argument.__class__(f"*{argument.kind}", argument.kind, argument.default)
    if isinstance(argument.default, (list, tuple)):
        return argument.__class__(argument.name, argument.kind, tuple(argument.default))
    return argument


def _shown(arguments: list[Argument]) -> str:
    return ", ".join(f"{each.name}={each.default!r}" for each in arguments)


def test_tables_name_what_is_there() -> None:
    keys = {f"{each.family}.{each.names[0]}" for f in FAMILIES for each in of_family(f)}
    assert sorted((set(EXTRA) | set(LACKING)) - keys) == []


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed")
def test_the_record_is_that_of_the_installed_keras() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.keras_names.recording", "--print"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = run.stdout.splitlines()
    recorded = RECORD.read_text(encoding="utf-8").splitlines()
    if lines[0].split()[2].rsplit(".", 1)[0] != recorded[0].split()[2].rsplit(".", 1)[0]:
        pytest.skip("another version of Keras")
    assert lines[1:] == recorded[1:]

"""Names that people look for in the wrong place."""

from __future__ import annotations

import importlib

import pytest

import graphc
from graphc.missing_names import _FROM_TENSORFLOW


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("matmul", "it is graphc.ops.matmul"),
        ("reduce_mean", "it is graphc.ops.mean"),
        ("relu", "it is graphc.ops.relu"),
        ("Dense", "it is graphc.layers.Dense"),
        ("Adam", "it is graphc.optimizers.Adam"),
        ("to_categorical", "it is graphc.utils.to_categorical"),
        ("InteractiveSession", "it is graphc.Session"),
        ("sesion", "Session"),
    ],
)
def test_a_name_in_another_module_is_found(name: str, said: str) -> None:
    with pytest.raises(AttributeError, match=said):
        getattr(graphc, name)
    assert not hasattr(graphc, name)


def test_the_places_that_hints_name_are_there() -> None:
    for place in _FROM_TENSORFLOW.values():
        module = graphc
        for part in place.replace("(", " ").replace(",", " ").split()[0].split("."):
            module = getattr(module, part)


def test_submodules_are_imported_as_ever() -> None:
    assert importlib.import_module("graphc.tools").__name__ == "graphc.tools"
    from graphc.config import floatx

    assert floatx() == graphc.config.floatx()

"""Names that people look for in the wrong place."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import pytest

import graphc
from graphc.missing_names.tensorflow_names import PLACES, SENTENCES


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


@pytest.mark.parametrize(
    ("module", "name", "said"),
    [
        ("nn", "conv2d", "it is graphc.ops.conv"),
        ("optimizers", "AdamOptimizer", "it is graphc.optimizers.Adam"),
        ("layers", "conv2d", "it is graphc.layers.Conv2D"),
        ("layers", "dense", "it is graphc.layers.Dense(units)(x)"),
        ("ops", "reduce_mean", "it is graphc.ops.mean"),
        ("ops", "placeholder", "it is graphc.placeholder"),
        ("losses", "softmax_cross_entropy", "from_logits=True"),
        ("random", "nromal", "did you mean 'normal'"),
        ("metrics", "Acuracy", "did you mean 'Accuracy'"),
    ],
)
def test_a_name_that_a_module_has_not_is_found(module: str, name: str, said: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(said)):
        getattr(getattr(graphc, module), name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("GraphKeys", "trainable_variables()"),
        ("local_variables_initializer", "at first use"),
        ("datasets", "scikit-learn"),
        ("random_normal_initializer", "graphc.initializers.RandomNormal"),
        ("to_float", 'ops.cast(x, "float32")'),
    ],
)
def test_what_stands_for_a_name_of_tensorflow_is_said(name: str, said: str) -> None:
    with pytest.raises(AttributeError, match=re.escape(said)):
        getattr(graphc, name)


def test_the_places_that_hints_name_are_there() -> None:
    for place in [place for table in PLACES.values() for place in table.values()]:
        module = graphc
        for part in re.split(r"[ (,:;]", place)[0].split("."):
            module = getattr(module, part)


def test_no_hint_is_for_a_name_that_is_there() -> None:
    for module, table in PLACES.items():
        holder = getattr(graphc, module) if module else graphc
        assert [name for name in table if hasattr(holder, name)] == []
    assert [name for name in SENTENCES if hasattr(graphc, name)] == []


def test_submodules_are_imported_as_ever() -> None:
    assert importlib.import_module("graphc.tools").__name__ == "graphc.tools"
    from graphc.config import floatx

    assert floatx() == graphc.config.floatx()


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert graphc.__version__ == project["project"]["version"]


def test_the_default_session_is_the_innermost_open_one() -> None:
    with graphc.Session() as session:
        assert graphc.get_default_session() is session

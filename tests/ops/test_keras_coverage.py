"""Every function of keras.ops is in graphc.ops with its signature, or is absent for a reason."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from graphc import ops
from graphc.ops.keras_names import RECORD, KerasFunction, keras_functions, names_in
from tests.ops.keras_signatures import NAMESPACES, Argument, arguments_of, recorded_arguments

# Why a function of Keras is not here.
ABSENT: dict[str, str] = {
    "elastic_transform": "draws: compose random.normal, image.gaussian_blur, image.map_coordinates",
}

# What other functions take beyond Keras's arguments, and why; `name=` is everywhere.
EXTRA: dict[str, dict[str, str]] = {
    "bincount": {"length": "the number of results, which Keras finds out and XLA cannot"},
    "nonzero": {
        "size": "the number of results, which Keras finds out and XLA cannot",
        "fill_value": "what stands where there are fewer results",
    },
    "dot_product_attention": {
        "local_window_size": "as in jax.nn",
        "query_seq_lengths": "as in jax.nn",
        "key_value_seq_lengths": "as in jax.nn",
    },
    "cond": {"operands": "arguments of both branches, as those of switch()"},
    "cumsum": {"reverse": "sums from the end, which XLA has"},
    "cumprod": {"reverse": "products from the end, which XLA has"},
    "take": {"mode": "what an index outside stands for, as in numpy.take"},
    "take_along_axis": {"mode": "as for take()"},
}

# Arguments of Keras that name what it does with them: nothing on any back end, or what is old.
SWALLOWED = {"einsum", "layer_normalization", "multi_hot"}

FLOOR = 0.97  # of Keras's names


def here(function: KerasFunction) -> Callable[..., Any] | None:
    """The function of graphc that has Keras's name."""
    if "ops" in function.places:
        return getattr(ops, function.name, None)
    module = f"graphc.ops.{function.places[0]}"
    if importlib.util.find_spec(module) is None:
        return None
    return getattr(importlib.import_module(module), function.name, None)


def test_every_name_of_keras_is_here_or_absent_for_a_reason() -> None:
    names = [function.name for function in keras_functions()]
    found = [function.name for function in keras_functions() if here(function) is not None]
    sys.stdout.write(f"{len(found)} of {len(names)} names of keras.ops are in graphc.ops\n")
    for name, reason in ABSENT.items():
        sys.stdout.write(f"  without {name}: {reason}\n")
    assert sorted(set(names) - set(found) - set(ABSENT)) == [], "neither here nor accounted for"
    assert sorted(set(found) & set(ABSENT)) == [], "here, but accounted for as absent"
    assert sorted(set(ABSENT) - set(names)) == [], "not a name of Keras"
    assert len(found) / len(names) >= FLOOR


HERE = [function for function in keras_functions() if here(function) is not None]


@pytest.mark.parametrize("function", HERE, ids=lambda each: each.name)
def test_arguments_have_keras_names_order_and_defaults(function: KerasFunction) -> None:
    ours = here(function)
    assert ours is not None
    expected = [
        each
        for each in recorded_arguments(function.signature)
        if not (each.kind == "VAR_KEYWORD" and function.name in SWALLOWED)
    ]
    known = {each.name for each in expected}
    given = arguments_of(ours)
    if "name" not in known:
        given = [each for each in given if each.name != "name"]
    extra = [each for each in given if each.name not in known]
    assert [each for each in given if each.name in known] == expected
    assert {each.name for each in extra} == set(EXTRA.get(function.name, {}))
    assert all(may_be_left_out(each) for each in extra)


def may_be_left_out(argument: Argument) -> bool:
    return argument.kind.startswith("VAR_") or argument.default != "required"


@pytest.mark.parametrize("place", [each for each in NAMESPACES if each != "image"])
def test_a_namespace_lists_the_same_functions_as_in_keras(place: str) -> None:
    module = importlib.import_module(f"graphc.ops.{place}")
    expected = [name for name in names_in(place) if name not in ABSENT]
    expected = [name for name in expected if name not in ABSENT]
    assert [name for name in dir(module) if not name.startswith("_")] == expected
    for name in expected:
        shared = getattr(ops, name, None)
        assert shared is None or getattr(module, name) is shared
    with pytest.raises(AttributeError, match="no_such_function"):
        _ = module.no_such_function


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed")
def test_the_record_is_that_of_the_installed_keras() -> None:
    command = [sys.executable, "-m", "tests.ops.keras_signatures", "--print"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    recorded = RECORD.read_text(encoding="utf-8")
    if run.stdout.split()[2].rsplit(".", 1)[0] != recorded.split()[2].rsplit(".", 1)[0]:
        pytest.skip("another version of Keras")
    assert run.stdout.splitlines()[1:] == recorded.splitlines()[1:]

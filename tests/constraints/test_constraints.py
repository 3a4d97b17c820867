"""Constrained values are Keras's, and constraints can be named, written and read."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import constraints, errors
from tests.keras_names.recording import names_of
from tests.keras_process import Case, KerasProcess, assert_same, our_results

W = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32) * 3
W[:, 1] = 0
KERNEL = np.random.default_rng(2).normal(size=(2, 3, 2, 4)).astype(np.float32)
CASES = {
    f"{name} {config} {w.shape}": Case(f"constraints.{name}", (w,), config)
    for name, w, config in (
        ("MaxNorm", W, {}),
        ("max_norm", W, {"max_value": 1, "axis": 1}),
        ("MaxNorm", KERNEL, {"axis": (0, 1, 2)}),
        ("NonNeg", W, {}),
        ("non_neg", KERNEL, {}),
        ("UnitNorm", W, {}),
        ("unit_norm", KERNEL, {"axis": (0, 1, 2)}),
        ("MinMaxNorm", W, {}),
        ("min_max_norm", W, {"min_value": 0.5, "max_value": 3.0, "rate": 0.3, "axis": 1}),
        ("MinMaxNorm", W / 100, {"min_value": 0.5}),
    )
}


def test_constrained_values_are_those_of_keras(keras_process: KerasProcess, capsys) -> None:
    theirs = names_of("constraints")
    assert theirs <= set(constraints.__all__)
    assert_same(our_results(CASES), keras_process.results(CASES))
    with capsys.disabled():
        sys.stdout.write(
            f"\nconstraints: {len(theirs)} names in Keras, all here; "
            f"{len(CASES)} configurations compared\n"
        )


def test_a_constraint_keeps_the_type_of_its_variable() -> None:
    w = graphc.Variable(np.float16([[3.0, -4.0]]), name="w")
    made = [
        make(w)
        for make in (
            constraints.MaxNorm(axis=1),
            constraints.NonNeg(),
            constraints.UnitNorm(1),
            constraints.MinMaxNorm(),
        )
    ]
    assert {(str(each.dtype), each.shape) for each in made} == {("float16", (1, 2))}
    with graphc.Session() as session:
        np.testing.assert_allclose(session.run(made[0]), [[1.2, -1.6]], rtol=1e-3)
        session.run(w.assign(made[1]))
        assert session.run(w).tolist() == [[3, 0]]


def test_names_data_and_functions_mean_constraints() -> None:
    for name in set(constraints.__all__) - {"Constraint", "get", "serialize", "deserialize"}:
        made = constraints.get(name)
        again = constraints.deserialize(constraints.serialize(made))
        assert type(again) is type(made) is getattr(constraints, name)
        assert again.get_config() == made.get_config()
    assert constraints.get(None) is None
    assert constraints.get(np.abs) is np.abs
    theirs = {"module": "keras.constraints", "class_name": "UnitNorm", "config": {"axis": [0, 1]}}
    assert constraints.get(theirs).axis == [0, 1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: constraints.get("nonneg"), "did you mean 'non_neg'"),
        (lambda: constraints.MaxNorm(axis=2)(W), "no axis 2"),
        (lambda: constraints.get(1.5), "no constraint"),
    ],
)
def test_mistakes_are_told(make: Any, words: str) -> None:
    with pytest.raises(errors.GraphcError, match=words) as caught:
        make()
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__

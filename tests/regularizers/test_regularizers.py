"""Penalties have Keras's numbers, and can be named, written and read."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import errors, regularizers
from tests.keras_names.recording import names_of
from tests.keras_process import Case, KerasProcess, assert_same, our_results

X = np.random.default_rng(1).normal(size=(4, 5)).astype(np.float32)
CASES = {
    f"{name} {config} {x.shape}": Case(f"regularizers.{name}", (x,), config, gradient=0)
    for name, x, config in (
        ("L1", X, {}),
        ("l1", X[0], {"l1": 0.3}),
        ("L2", X, {}),
        ("l2", X[None], {"l2": 0.3}),
        ("L1L2", X, {"l1": 0.1, "l2": 0.2}),
        ("L1L2", X, {"l1": 0.1}),
        ("l1_l2", X, {"l2": 0.2}),
        ("OrthogonalRegularizer", X, {}),
        ("OrthogonalRegularizer", X, {"factor": 0.5, "mode": "columns"}),
        ("orthogonal_regularizer", X[:2], {"mode": "rows"}),
    )
} | {"L1L2 {}": Case("regularizers.L1L2", (X,), {})}


def test_penalties_and_their_gradients_are_those_of_keras(
    keras_process: KerasProcess, capsys
) -> None:
    theirs = names_of("regularizers")
    assert theirs <= set(regularizers.__all__)
    assert_same(our_results(CASES), keras_process.results(CASES))
    with capsys.disabled():
        sys.stdout.write(
            f"\nregularizers: {len(theirs)} names in Keras, all here; "
            f"{len(CASES)} configurations compared\n"
        )


def test_integers_halves_and_single_rows_have_a_penalty() -> None:
    with graphc.Session() as session:
        of_integers, of_halves, alone = session.run(
            [
                regularizers.L2(0.5)(np.int32([1, 2])),
                regularizers.L1(0.5)(np.float16([1, -2])),
                regularizers.OrthogonalRegularizer()(np.float32([[1, 2, 3]])),
            ]
        )
    assert (of_integers, of_halves, alone) == (2.5, 1.5, 0.0)
    assert of_halves.dtype == np.float16


def test_names_data_and_functions_mean_regularizers() -> None:
    for name in set(regularizers.__all__) - {"Regularizer", "get", "serialize", "deserialize"}:
        made = regularizers.get(name)
        again = regularizers.deserialize(regularizers.serialize(made))
        assert type(again) is type(made) is getattr(regularizers, name)
        assert again.get_config() == made.get_config()
    assert regularizers.get(None) is None
    assert regularizers.get(np.sum) is np.sum
    theirs = {"module": "keras.regularizers", "class_name": "L1", "config": {"l1": 0.25}}
    assert regularizers.get(theirs).l1 == 0.25


class Bounded(regularizers.Regularizer):
    """What users write, with another's constructor."""

    def __init__(self, bound: float) -> None:
        self.bound = bound

    def __call__(self, x: Any) -> Any:
        return graphc.ops.minimum(graphc.ops.sum(x), self.bound)


class MoreBounded(Bounded):
    pass


def test_a_class_of_a_user_is_written_and_read() -> None:
    data = regularizers.serialize(MoreBounded(2.0))
    assert data["config"] == {"bound": 2.0}
    assert regularizers.deserialize(data, {"MoreBounded": MoreBounded}).bound == 2.0
    with pytest.raises(errors.ModelFileError, match="custom_objects"):
        regularizers.get(data)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: regularizers.L1(-1), "argument l1"),
        (lambda: regularizers.L2(float("nan")), "argument l2"),
        (lambda: regularizers.L1L2(l2="big"), "'big'"),
        (lambda: regularizers.OrthogonalRegularizer(mode="row"), "columns"),
        (lambda: regularizers.OrthogonalRegularizer()(np.ones(3)), r"two axes"),
        (lambda: regularizers.get("l3"), "there are: L1, l1"),
    ],
)
def test_mistakes_are_told(make: Any, words: str) -> None:
    with pytest.raises(errors.GraphcError, match=words) as caught:
        make()
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__

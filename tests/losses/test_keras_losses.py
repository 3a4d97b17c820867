"""Losses have Keras's names, signatures and numbers, and what Keras's own tests expect."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import losses
from tests.keras_names.recording import names_of
from tests.keras_process import KerasProcess, assert_same, our_results
from tests.losses.loss_cases import CALLS, CASES, HALF

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "keras_losses.json"
OWN = {"reduction", "name", "dtype"}  # of all: reductions are compared in a table of their own


def test_losses_are_those_of_keras(keras_process: KerasProcess, capsys: Any) -> None:
    theirs = names_of("losses")
    assert theirs <= set(losses.__all__)
    assert_same(our_results(CASES), keras_process.results(CASES))
    assert_same(our_results(HALF), keras_process.results(HALF), 2e-3)
    with capsys.disabled():
        sys.stdout.write(
            f"\nlosses: {len(theirs)} names in Keras, all here; "
            f"{len(CASES) + len(HALF)} configurations compared\n"
        )


def test_every_argument_of_every_loss_is_compared_with_two_values() -> None:
    for name in losses.__all__:
        thing = getattr(losses, name)
        if not inspect.isclass(thing) or name in ("Loss", "LossFunctionWrapper"):
            continue
        defaults = {
            key: parameter.default
            for key, parameter in inspect.signature(thing).parameters.items()
            if key not in OWN
        }
        configs = [config for other, _, _, config in CALLS if other == name]
        for key, default in defaults.items():
            values = {repr(config.get(key, default)) for config in configs}
            assert len(values) > 1, f"{name}: {key} is {values} everywhere"


def test_signatures_are_those_of_keras() -> None:
    keras_order = {
        "Huber": "delta reduction name dtype",
        "SparseCategoricalCrossentropy": "from_logits ignore_class reduction axis name dtype",
        "Dice": "reduction name axis dtype",
        "Tversky": "alpha beta reduction name axis dtype",
        "Circle": "gamma margin remove_diagonal reduction name dtype",
        "CategoricalFocalCrossentropy": "alpha gamma from_logits label_smoothing axis reduction "
        "name dtype",
    }
    for name, order in keras_order.items():
        signature = inspect.signature(getattr(losses, name).__init__)
        assert list(signature.parameters)[1:] == order.split()
    assert list(inspect.signature(losses.Loss.__init__).parameters)[1:] == [
        "name",
        "reduction",
        "dtype",
    ]


def decoded(recorded: Any) -> Any:
    if isinstance(recorded, list):  # one recorded scalar per element
        return np.array([decoded(item) for item in recorded])
    if not isinstance(recorded, dict):
        return recorded
    return np.array(recorded["data"], recorded["dtype"]).reshape(recorded["shape"])


@pytest.mark.skipif(not BESIDE.exists(), reason="the recorded figures are not beside the checkout")
def test_all_cases_beside_the_checkout(capsys: pytest.CaptureFixture[str]) -> None:
    cases = json.loads(BESIDE.read_text())["cases"]
    with graphc.Graph().as_default(), graphc.Session() as session:
        made = [
            losses.deserialize({"class_name": case["cls"], "config": case["config"]})(
                *(decoded(case[key]) for key in ("y_true", "y_pred", "sample_weight"))
            )
            for case in cases
        ]
        found = session.run(made)
    for mine, case in zip(found, cases, strict=True):
        np.testing.assert_allclose(
            mine, decoded(case["expected"]), case["rtol"], case["atol"], err_msg=case["test"]
        )
    with capsys.disabled():
        sys.stdout.write(f"\n{len(cases)} of {len(cases)} cases of keras_losses.json passed\n")

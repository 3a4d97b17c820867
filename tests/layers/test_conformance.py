"""Figures of Keras's own layer tests, that stand beside a checkout, hold here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import layers

FIGURES = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "keras_layers.json"


def as_array(recorded: Any) -> Any:
    """An array; recorded scalars in lists are one too."""
    if isinstance(recorded, list):
        return np.stack([as_array(item) for item in recorded])
    return np.array(recorded["data"], recorded["dtype"]).reshape(recorded["shape"])


def as_input(recorded: Any) -> Any:
    if isinstance(recorded, list):
        return [as_input(item) for item in recorded]
    return as_array(recorded)


def as_keyword(recorded: Any) -> Any:
    return as_array(recorded) if isinstance(recorded, dict) and "data" in recorded else recorded


def inputs_of(case: dict[str, Any], cases: list[dict[str, Any]]) -> list[Any]:
    """Its inputs; tests of masks put a mask on the first of two, and then on both."""
    inputs = [as_input(each) for each in case["inputs"]]
    if "_with_mask" in case["test"] and isinstance(inputs[0], list):
        alike = [each for each in cases if each["test"] == case["test"]]
        count = 1 + [each is case for each in alike].index(True)
        masked = [layers.Masking()(array) for array in inputs[0][:count]]
        inputs[0] = masked + inputs[0][count:]
    return inputs


@pytest.mark.skipif(not FIGURES.exists(), reason="no conformance cases beside this checkout")
def test_the_figures_of_keras_tests_hold() -> None:
    cases = json.loads(FIGURES.read_text())["cases"]
    with graphc.Graph().as_default(), graphc.Session() as session:
        results = []
        for case in cases:
            layer = layers.deserialize({"class_name": case["cls"], "config": case["config"]})
            keywords = {name: as_keyword(value) for name, value in case["kwargs"].items()}
            results.append(layer(*inputs_of(case, cases), **keywords))
            layer.set_weights([as_array(weight) for weight in case["weights"]])
        found = session.run(results)
    for case, result in zip(cases, found, strict=True):
        np.testing.assert_allclose(
            result,
            as_array(case["expected"]),
            rtol=case["rtol"],
            atol=case["atol"],
            err_msg=case["test"],
        )
    sys.stdout.write(f"{len(cases)} figures hold\n")

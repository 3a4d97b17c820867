"""Whole models learn what Keras's learn: the histories of fits and what they predict then."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import graphc
from tests.training.trained_networks import NETWORKS, RECORDED

ROOT = Path(__file__).resolve().parents[2]


def assert_same(found: Any, expected: Any) -> None:
    assert found.keys() == expected.keys()
    assert found["history"] == {
        name: pytest.approx(values, rel=1e-5, abs=1e-5)
        for name, values in expected["history"].items()
    }
    for name in found.keys() - {"history"}:
        assert found[name] == pytest.approx(expected[name], rel=5e-5, abs=2e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_model_learns_what_that_of_keras_learns(name: str) -> None:
    recorded = json.loads(RECORDED.read_text())
    with graphc.Graph().as_default():
        assert_same(NETWORKS[name](graphc), recorded[name])


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed")
def test_the_record_is_what_keras_gives(tmp_path: Path) -> None:
    answered = tmp_path / "answered.json"
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.training.trained_networks", str(answered)],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    recorded = json.loads(RECORDED.read_text())
    for name, learned in json.loads(answered.read_text()).items():
        assert_same(learned, recorded[name])

"""Tests of what CPUs do are skipped elsewhere, and only these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import pytest

CONFTEST = Path(__file__).with_name("conftest.py")


@pytest.fixture
def conftest(request: pytest.FixtureRequest) -> Any:
    return request.config.pluginmanager.get_plugin(str(CONFTEST))


def test_what_is_of_cpus_is_skipped_elsewhere(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, conftest: Any
) -> None:
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    request.node.add_marker("cpu")
    with pytest.raises(pytest.skip.Exception, match="JAX runs on gpu"):
        conftest.pytest_runtest_setup(request.node)


def test_what_is_of_cpus_runs_there(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, conftest: Any
) -> None:
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
    request.node.add_marker("cpu")
    conftest.pytest_runtest_setup(request.node)


def test_other_tests_run_everywhere(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, conftest: Any
) -> None:
    monkeypatch.setattr(jax, "default_backend", lambda: pytest.fail("asked for no reason"))
    conftest.pytest_runtest_setup(request.node)

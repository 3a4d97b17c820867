"""The doctor finds what is wrong, and says so in its exit status."""

from __future__ import annotations

import stat

import jax
import numpy as np
import pytest

from graphc import settings
from graphc.tools import doctor
from tests.tools.command_line import call


def test_a_sound_installation_is_in_order():
    called = call("doctor")
    assert called.status == 0, called.output
    assert "everything is in order" in called.output
    assert jax.__version__ in called.output
    assert np.__version__ in called.output
    assert "/device:CPU:0" in called.output
    for name in settings.ALL:
        assert name in called.output
        assert f"GRAPHC_{name.upper()}" in called.output
    assert "tanh(x @ w) and its gradient are off by" in called.output


def test_wrong_numbers_are_found(monkeypatch):
    def distorted(graph, arrays, *, precise):
        return [array + 1e-3 for array in evaluate(graph, arrays, precise=precise)]

    evaluate = doctor.evaluate
    monkeypatch.setattr(doctor, "evaluate", distorted)
    called = call("doctor")
    assert called.status == 1
    assert "not in order: self-test" in called.output


def test_a_failing_examination_does_not_hide_the_others(monkeypatch):
    def fail() -> None:
        raise RuntimeError("no driver")

    monkeypatch.setattr(doctor, "examine_devices", fail)
    called = call("doctor")
    assert called.status == 1
    assert "RuntimeError: no driver" in called.output
    assert "its gradient are off by" in called.output


def test_settings_say_where_they_come_from(monkeypatch):
    monkeypatch.setenv("GRAPHC_FLOATX", "float32")
    monkeypatch.setenv("GRAPHC_FLOATS", "float64")
    findings = {finding.subject: finding for finding in doctor.examine_settings()}
    assert findings["floatx"].text == "'float32' (from GRAPHC_FLOATX)"
    assert "not set" in findings["epsilon"].text
    assert findings["GRAPHC_FLOATS"].verdict == "note"
    with settings.override(floatx="float64"):
        found = {finding.subject: finding for finding in doctor.examine_settings()}
        assert found["floatx"].text.startswith("'float64'")


@pytest.mark.parametrize(
    ("mode", "verdict", "words"),
    [
        (None, "good", "will be made"),
        (0o700, "good", "2 programs, 12 bytes"),
        (0o770, "bad", "others can write"),
        (0o702, "bad", "chmod 700"),
    ],
)
def test_the_folder_of_programs_is_looked_at_and_not_touched(tmp_path, mode, verdict, words):
    folder = tmp_path / "programs"
    if mode is not None:
        folder.mkdir()
        folder.joinpath("a.xla").write_bytes(b"12345")
        folder.joinpath("b.xla").write_bytes(b"1234567")
        folder.joinpath("c.part").write_bytes(b"1234567")
        folder.chmod(mode)
    with settings.override(cache_dir=str(folder)):
        finding = doctor.examine_cache()
    assert finding.verdict == verdict
    assert words in finding.text
    assert folder.exists() == (mode is not None)
    if mode is not None:
        assert stat.S_IMODE(folder.stat().st_mode) == mode


def test_a_file_is_no_folder_of_programs(tmp_path):
    path = tmp_path / "programs"
    path.write_text("")
    with settings.override(cache_dir=str(path)):
        assert doctor.examine_cache().verdict == "bad"
    with settings.override(cache_dir=str(path / "below")):
        assert doctor.examine_cache().verdict == "bad"


def test_without_a_folder_the_cache_is_off():
    with settings.override(cache_dir=""):
        finding = doctor.examine_cache()
    assert (finding.verdict, finding.text[:4]) == ("good", "off;")


def test_devices_are_listed():
    called = call("devices")
    assert called.status == 0
    assert len([line for line in called.output.splitlines() if "/device:" in line]) >= 1
    assert "/device:CPU:0" in called.output
    assert "CPU" in called.output

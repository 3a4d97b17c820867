"""The demo learns, repeats itself bit for bit, and shows what it compiled."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from rich.console import Console

from graphc.tools.demo import load_digits, run_demo
from tests.tools.command_line import call


def recorded() -> Console:
    return Console(file=io.StringIO(), width=120)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_digits_are_split_always_alike_and_evenly():
    digits, again = load_digits(), load_digits()
    assert digits.train_images.shape == (1437, 64)
    assert digits.test_images.shape == (360, 64)
    assert digits.train_images.dtype == np.float32
    assert digits.train_labels.dtype == np.int32
    assert digits.train_images.max() == 1
    np.testing.assert_array_equal(digits.test_labels, again.test_labels)
    assert np.bincount(digits.test_labels).min() >= 34


def test_a_few_epochs_learn_and_equal_seeds_give_equal_weights():
    console = recorded()
    first = run_demo(console, epochs=2, seed=1, show=False)
    again = run_demo(recorded(), epochs=2, seed=1, show=False)
    assert first.accuracy > 0.85
    assert first.kernel.tobytes() == again.kernel.tobytes()
    assert first.loss == again.loss
    assert f"held-out accuracy {first.accuracy:.2%}" in written(console)
    assert "graphc opset" not in written(console)


def test_the_command_shows_graph_and_report():
    called = call("demo", "--epochs", 1)
    assert called.status == 0, called.errors
    assert "held-out accuracy" in called.output
    assert "graphc opset" in called.output
    assert "compile report" in called.output


def test_short_and_seed_reach_the_demo(monkeypatch):
    seen: list[tuple[object, ...]] = []
    monkeypatch.setattr("graphc.tools.demo.run_demo", lambda console, *rest: seen.append(rest))
    call("demo")
    call("demo", "--short", "--seed", 5)
    call("demo", "--no-show")
    assert seen == [(40, 0, True), (3, 5, True), (40, 0, False)]


def test_without_scikit_learn_the_demo_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    called = call("demo")
    assert called.status == 1
    assert 'pip install "graphc-xla[demo]"' in called.errors


@pytest.mark.slow
def test_the_whole_demo_reaches_its_accuracy_with_other_weights_for_another_seed():
    first = run_demo(recorded(), show=False)
    assert first.accuracy >= 0.97
    other = run_demo(recorded(), epochs=1, seed=1, show=False)
    assert not np.allclose(first.kernel, other.kernel, atol=1e-2)

"""A disk that is full ends a training with the callback and the file named, and nothing lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import callbacks, errors, layers

X = np.linspace(-1, 1, 24, dtype=np.float32).reshape(8, 3)
FULL = Path("/dev/full")


def make_model() -> graphc.Model:
    model = graphc.Sequential([graphc.Input((3,)), layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def fit(model: graphc.Model, epochs: int, **options: Any) -> None:
    model.fit(X, X[:, :1], batch_size=4, epochs=epochs, shuffle=False, verbose=0, **options)


@pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")
@pytest.mark.parametrize("kind", ["CSVLogger", "TensorBoard"])
def test_a_full_disk_is_told_of_and_training_goes_on_from_there(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "TensorBoard":  # its files have names of their own
        opened = Path.open
        monkeypatch.setattr(Path, "open", lambda self, mode: opened(FULL, mode.replace("x", "a")))
        callback: Any = callbacks.TensorBoard(tmp_path / "logs")
    else:
        callback = callbacks.CSVLogger(FULL)
    model, expected = make_model(), make_model()
    expected.set_weights(model.get_weights())
    with pytest.raises(errors.GraphcError, match=f"{kind} cannot write its file") as caught:
        fit(model, 3, callbacks=[callback])
    assert "No space left" in str(caught.value)
    assert ("full" if kind == "CSVLogger" else "logs") in caught.value.given
    assert caught.value.origin.file == __file__
    done = int(model.optimizer.iterations.numpy()) // 2
    assert 1 <= done <= 3
    fit(model, 5, initial_epoch=done)
    fit(expected, 5)
    for mine, theirs in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("kind", ["CSVLogger", "TensorBoard"])
def test_a_place_that_cannot_be_written_is_told_of(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    with pytest.raises(errors.GraphcError, match=f"{kind} cannot write its file"):
        fit(make_model(), 1, callbacks=[getattr(callbacks, kind)(place / "inside")])

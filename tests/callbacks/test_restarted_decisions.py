"""Callbacks that decide go on as if nothing had happened when a training is taken up again."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import callbacks, layers

RNG = np.random.default_rng(4)
X, HELD = RNG.normal(size=(2, 24, 3)).astype("f")
Y, HELD_Y = RNG.normal(size=(2, 24, 1)).astype("f")


class StoppedError(Exception):
    pass


class Interrupting(callbacks.Callback):
    """Fails in the middle of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch, self.is_there = epoch, False

    def on_epoch_begin(self, epoch, logs=None):
        self.is_there = epoch == self.epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.is_there and batch == 1:
            raise StoppedError


def trained(folder, *more):
    """Where a training ended, what decided it, and the model that was best."""
    with graphc.Graph().as_default():
        model = graphc.Sequential(
            [graphc.Input((3,)), layers.Dense(8, activation="tanh"), layers.Dense(1)]
        )
        model.compile(graphc.optimizers.Adam(0.03), "mse")
        stopping = callbacks.EarlyStopping(patience=5, restore_best_weights=True)
        slowing = callbacks.ReduceLROnPlateau(patience=2, factor=0.5, min_delta=1e-3)
        keeping = callbacks.ModelCheckpoint(folder / "best.graphc", save_best_only=True)
        given = [stopping, slowing, keeping, *more]
        history = model.fit(
            *(X, Y), batch_size=8, epochs=40, validation_data=(HELD, HELD_Y), verbose=0,
            callbacks=given,
        ).history  # fmt: skip
        best = graphc.load_model(folder / "best.graphc")
        return {
            "history": history,
            "stopped": stopping.stopped_epoch,
            "best": (stopping.best, stopping.best_epoch, slowing.best, keeping.best),
            "rate": history["learning_rate"][-1],
            "weights": [each.tolist() for each in model.get_weights()],
            "kept": [each.tolist() for each in best.get_weights()],
            "best loss": best.evaluate(HELD, HELD_Y, verbose=0),
        }


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("whole"))


def test_the_file_of_the_best_model_holds_the_best_epoch(uninterrupted) -> None:
    losses = uninterrupted["history"]["val_loss"]
    best, epoch, *_ = uninterrupted["best"]
    assert 0 < uninterrupted["stopped"] < 39
    assert (best, epoch) == (min(losses), losses.index(min(losses)))
    assert uninterrupted["best loss"] == pytest.approx(best, rel=1e-6)
    assert uninterrupted["kept"] == uninterrupted["weights"]  # EarlyStopping has set them, too
    assert uninterrupted["rate"] < 0.03


@pytest.mark.parametrize("back", [0, 2])
def test_after_a_restart_the_same_is_decided(tmp_path, uninterrupted, back) -> None:
    backup = callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(StoppedError):
        trained(tmp_path, backup, Interrupting(uninterrupted["stopped"] - back))
    again = trained(tmp_path, callbacks.BackupAndRestore(tmp_path / "backup"))
    assert again == uninterrupted

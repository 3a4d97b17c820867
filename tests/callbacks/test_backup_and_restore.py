"""Training that goes on after an interruption: nothing is lost, and nothing is done twice."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.callbacks import BackupAndRestore, Callback
from graphc.errors import CheckpointError, GraphcError
from graphc.session import writing_aside

RNG = np.random.default_rng(2)
X = RNG.normal(size=(40, 3)).astype("f")
Y = RNG.normal(size=(40, 1)).astype("f")
LATEST = "training_state.safetensors"


class StoppedError(Exception):
    pass


class Interrupting(Callback):
    """Fails once, at a batch of an epoch or at an epoch's end."""

    is_told_last = True

    def __init__(self, epoch, batch=None):
        super().__init__()
        self._where = epoch, batch
        self._epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self._epoch, batch) == self._where:
            raise StoppedError

    def on_epoch_end(self, epoch, logs=None):
        if (epoch, None) == self._where:
            raise StoppedError


def made(width=1):
    """A model in a graph and a session of its own, as in a process of its own."""
    graphc.reset_default_graph()
    model = graphc.Sequential([graphc.Input((3,)), layers.Dense(width)])
    model.compile("adam", "mse")
    model.set_weights([np.full((3, width), 0.1), np.zeros(width)])
    return model


def fitted(model, *callbacks, data=None, epochs=4, **arguments):
    given = (X, Y) if data is None else (data,)
    history = model.fit(*given, batch_size=None if data else 8, epochs=epochs, verbose=0,
                        callbacks=list(callbacks), **arguments)  # fmt: skip
    return history.history, model.get_weights()


def assert_equal(found, expected):
    assert found[0] == expected[0]
    for mine, other in zip(found[1], expected[1], strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize(("save_freq", "where"), [("epoch", (1, 2)), (3, (2, 1)), (1, (1, 4))])
def test_a_model_built_anew_ends_like_one_that_was_never_interrupted(tmp_path, save_freq, where):
    expected = fitted(made())
    backup = tmp_path / "backup"
    with pytest.raises(StoppedError):
        fitted(made(), Interrupting(*where), BackupAndRestore(backup, save_freq))
    again = made()
    again.set_weights([np.full((3, 1), 9.0), np.ones(1)])
    assert_equal(fitted(again, BackupAndRestore(backup, save_freq)), expected)
    assert not backup.exists()


def test_batches_of_a_generator_that_were_trained_on_are_left_out(tmp_path):
    def batches():
        while True:
            for start in range(0, 40, 7):
                yield X[start : start + 7], Y[start : start + 7]

    expected = fitted(made(), data=batches(), steps_per_epoch=4)
    with pytest.raises(StoppedError):
        fitted(made(), Interrupting(2, 1), BackupAndRestore(tmp_path, 1), data=batches(),
               steps_per_epoch=4)  # fmt: skip
    assert_equal(
        fitted(made(), BackupAndRestore(tmp_path, 1), data=batches(), steps_per_epoch=4), expected
    )


def test_a_checkpoint_that_is_kept_lets_a_training_be_longer(tmp_path):
    keeping = BackupAndRestore(tmp_path, delete_checkpoint=False)
    fitted(made(), keeping, epochs=2)
    assert (tmp_path / LATEST).exists()
    assert_equal(fitted(made(), keeping), fitted(made()))


def test_a_damaged_state_is_refused_or_replaced_by_the_one_before(tmp_path):
    backup = BackupAndRestore(tmp_path, double_checkpoint=True, delete_checkpoint=False)
    fitted(made(), backup, epochs=3)
    whole = (tmp_path / LATEST).read_bytes()
    for length in (0, 7, 100, len(whole) - 1):
        (tmp_path / LATEST).write_bytes(whole[:length])
        with pytest.warns(UserWarning, match="the one before"):
            found = fitted(made(), backup, epochs=2)
        assert len(found[0]["loss"]) == 2
        (tmp_path / "alone").mkdir(exist_ok=True)
        (tmp_path / "alone" / LATEST).write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="damaged"):
            fitted(made(), BackupAndRestore(tmp_path / "alone"))


def test_a_write_cut_at_any_byte_leaves_the_state_before(tmp_path, monkeypatch):
    backup = BackupAndRestore(tmp_path, 1, delete_checkpoint=False)
    fitted(made(), backup, epochs=1)
    before = (tmp_path / LATEST).read_bytes()
    opened = os.fdopen

    def cut_after(length):
        def fdopen(*args):
            file = opened(*args)
            write = file.write

            def partly(content):
                write(content[:length])
                file.flush()
                raise StoppedError  # as a kill: nobody cleans up

            file.write = partly
            return file

        return fdopen

    model = made()
    for length in range(0, len(before), len(before) // 5):
        with monkeypatch.context() as patch:
            patch.setattr(writing_aside.os, "fdopen", cut_after(length))
            with pytest.raises(StoppedError):
                fitted(model, backup, epochs=2)
        assert (tmp_path / LATEST).read_bytes() == before
    assert len(list(tmp_path.iterdir())) > 1, "what a kill leaves behind"
    assert_equal(fitted(model, backup), fitted(made()))
    assert [path.name for path in tmp_path.iterdir()] == [LATEST]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_is_a_clear_error_and_leaves_the_state_before(tmp_path, monkeypatch):
    backup = BackupAndRestore(tmp_path, delete_checkpoint=False)
    fitted(made(), backup, epochs=1)
    before = (tmp_path / LATEST).read_bytes()

    def on_full_disk(dir, prefix):
        return os.open("/dev/full", os.O_WRONLY), str(dir / f"{prefix}x")

    with monkeypatch.context() as patch:
        patch.setattr(writing_aside.tempfile, "mkstemp", on_full_disk)
        with pytest.raises(CheckpointError, match="No space left"):
            fitted(made(), backup, epochs=2)
    assert (tmp_path / LATEST).read_bytes() == before
    assert_equal(fitted(made(), backup), fitted(made()))


def test_a_state_of_another_model_is_refused_and_nothing_is_changed(tmp_path):
    backup = BackupAndRestore(tmp_path, delete_checkpoint=False)
    fitted(made(), backup, epochs=1)
    model = made(width=2)
    weights = model.get_weights()
    with pytest.raises(CheckpointError, match="does not"):
        model.fit(X, np.hstack([Y, Y]), verbose=0, callbacks=[backup])
    for mine, other in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("save_freq", ["batch", 0, -3, True, 2.5, None])
def test_a_frequency_out_of_range_is_refused(tmp_path, save_freq):
    with pytest.raises(GraphcError, match="save_freq"):
        BackupAndRestore(tmp_path, save_freq)


def test_fits_killed_at_random_moments_end_with_the_same_bits(tmp_path):
    """`GRAPHC_KILLS=50` kills more often."""
    kills = int(os.environ.get("GRAPHC_KILLS", "3"))
    (tmp_path / "compiled").mkdir(mode=0o700)
    environment = {**os.environ, "GRAPHC_CACHE_DIR": str(tmp_path / "compiled"), "PYTHONPATH": "."}
    program = [sys.executable, "-W", "ignore", "-m", "tests.callbacks.killed_fits"]
    found = subprocess.run(
        [*program, str(kills), str(tmp_path), "1"], env=environment, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout.splitlines()[-1])
    assert told["kills"] == kills
    assert told["ended"] >= 1
    assert told["different"] == 0

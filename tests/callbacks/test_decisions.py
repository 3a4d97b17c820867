"""What callbacks decide on scripted numbers, beside Keras's own on the same."""

import importlib.util
import json
import subprocess
import sys
import warnings

import numpy as np
import pytest

from graphc.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from graphc.errors import GraphcError

FALLING = [1.0, 0.8, 0.81, 0.79, 0.795, 0.79, 0.7901, 0.5, 0.51, 0.52, 0.53, 0.54, 0.55, 0.4]
RISING = [0.1, 0.3, 0.29, 0.31, 0.31, 0.31, 0.305, 0.6, 0.6, 0.6, 0.59, 0.58, 0.61, 0.61]
BROKEN = [1.0, float("nan"), 0.9, 0.95, float("inf"), 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.1]

STOPPING = [
    {"patience": patience, "min_delta": delta, "baseline": baseline, "start_from_epoch": first,
     "restore_best_weights": restore}
    for patience, delta, baseline, first, restore in [
        (0, 0, None, 0, False), (1, 0, None, 0, True), (2, 0.02, None, 0, True),
        (3, 0, 0.75, 0, False), (2, 0, 0.3, 2, True), (4, 0.1, None, 3, True),
        (5, 0, None, 0, True),
    ]
]  # fmt: skip
PLATEAU = [
    {"patience": patience, "factor": factor, "min_delta": delta, "cooldown": cooldown,
     "min_lr": least}
    for patience, factor, delta, cooldown, least in [
        (1, 0.5, 1e-4, 0, 0.0), (2, 0.1, 0, 1, 0.0), (1, 0.5, 0.05, 2, 0.03), (3, 0.9, 0, 0, 0.09),
        (1, 0.1, 0.0, 3, 0.001),
    ]
]  # fmt: skip
NUMBERS = [("loss", "auto", FALLING), ("val_loss", "auto", BROKEN), ("score", "max", RISING),
           ("score", "min", FALLING), ("loss", "max", RISING)]  # fmt: skip

# Runs here with our classes and in Keras's process with theirs.
SCRIPT = """
class Rates:
    def __init__(self):
        self.learning_rate = 0.1
    def current_learning_rate(self):
        return self.learning_rate
class Model:
    metrics = []
    def __init__(self):
        self.optimizer, self.stop_training, self.weights = Rates(), False, None
    def get_weights(self):
        return self.epoch
    def set_weights(self, weights):
        self.weights = weights
def decisions(make, config, monitor, mode, numbers):
    callback, model, found = make(monitor=monitor, mode=mode, **config), Model(), []
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, number in enumerate(numbers):
        model.epoch = epoch
        callback.on_epoch_end(epoch, {monitor: number})
        found.append([model.optimizer.learning_rate, model.stop_training])
        if model.stop_training:
            break
    callback.on_train_end()
    return [found, model.weights]
def all_decisions(stopping, plateau, cases, numbers):
    asked = [(stopping, config) for config in cases[0]] + [(plateau, config) for config in cases[1]]
    return [decisions(make, config, *each) for make, config in asked for each in numbers]
"""
KERAS = """
import json, sys, keras
asked = json.loads(sys.stdin.read())
from keras.callbacks import EarlyStopping, ReduceLROnPlateau
print("answer", json.dumps(all_decisions(EarlyStopping, ReduceLROnPlateau, *asked)))
"""


@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed")
def test_stopping_and_learning_rates_are_those_that_keras_chooses():
    asked = [[STOPPING, PLATEAU], NUMBERS]
    process = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT + KERAS], input=json.dumps(asked), text=True,
        env={"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PATH": ""}, stdout=subprocess.PIPE,
    )  # fmt: skip
    (line,) = [line for line in process.stdout.splitlines() if line.startswith("answer ")]
    expected = json.loads(line.removeprefix("answer "))
    space: dict = {}
    exec(SCRIPT, space)
    found = space["all_decisions"](EarlyStopping, ReduceLROnPlateau, *asked)
    assert len(found) == len(expected) == (len(STOPPING) + len(PLATEAU)) * len(NUMBERS)
    for mine, theirs in zip(found, expected, strict=True):
        assert mine[1] == theirs[1]
        assert [row[1] for row in mine[0]] == [row[1] for row in theirs[0]]
        np.testing.assert_allclose([r[0] for r in mine[0]], [r[0] for r in theirs[0]], rtol=1e-7)
    stops = [run for run in found if run[0][-1][1]]
    falls = [run for run in found if run[0][-1][0] < 0.1]
    assert len(stops) > 5
    assert len(falls) > 5


class Saved:
    """A model that notes where it would be saved."""

    metrics = ()

    def __init__(self):
        self.saved = []

    def save(self, path, overwrite=True):
        self.saved.append(path)

    def save_weights(self, path, overwrite=True):
        self.saved.append(f"weights {path}")


def saved(numbers, **arguments):
    model, callback = Saved(), ModelCheckpoint(**arguments)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, number in enumerate(numbers):
        callback.on_epoch_begin(epoch)
        batch = 0
        while batch < 5:  # as the fit loop does: as many batches as are not asked for
            batch = min(5, batch + (callback.batches_until_due("train") or 5))
            callback.on_train_batch_end(batch - 1, {"loss": number})
        callback.on_epoch_end(epoch, {"loss": number, "val_loss": number})
    return model.saved


def test_a_checkpoint_is_saved_when_it_is_due_and_when_it_is_better(tmp_path):
    name = str(tmp_path / "new" / "{epoch:02d}-{loss:.1f}.keras")
    short = [path.rsplit("/", 1)[1] for path in saved([3.0, 2.0, 2.5], filepath=name)]
    assert short == ["01-3.0.keras", "02-2.0.keras", "03-2.5.keras"]
    assert (tmp_path / "new").is_dir()
    best = saved([3.0, 2.0, 2.5, 1.0], filepath=name, save_best_only=True)
    assert [path.rsplit("/", 1)[1] for path in best] == [
        "01-3.0.keras", "02-2.0.keras", "04-1.0.keras"]  # fmt: skip
    above = {"save_best_only": True, "initial_value_threshold": 1.5}
    assert len(saved([3.0, 2.0, 1.0], filepath=name, **above)) == 1
    assert len(saved([3.0, 2.0, 4.0], filepath=name, save_best_only=True, mode="max")) == 2
    weights = saved([1.0], filepath=name, save_weights_only=True)
    assert weights[0].startswith("weights ")
    # 5 batches an epoch: batches 3, 6, 9, 12, 15 of all
    found = saved([1.0] * 3, filepath=str(tmp_path / "{epoch}-{batch}.keras"), save_freq=3)
    assert [path.rsplit("/", 1)[1] for path in found] == [
        "1-3.keras", "2-1.keras", "2-4.keras", "3-2.keras", "3-5.keras"]  # fmt: skip


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda: EarlyStopping(mode="mim"), ["mim", "min"]),
        (lambda: ReduceLROnPlateau(factor=1.5), ["factor=1.5"]),
        (lambda: saved([1.0], filepath="{epok}.keras"), ["epok", "epoch"]),
        (lambda: saved([1.0], filepath="a.keras", save_freq="epok"), ["save_freq"]),
        (lambda: saved([1.0], filepath="a.keras", save_best_only=True, monitor="los"),
         ["los", "loss, val_loss"]),
        (lambda: EarlyStopping(monitor="thing").improves(1.0, 2.0), ["thing", 'mode="max"']),
    ],
)  # fmt: skip
def test_unknown_names_and_modes_are_explained(use, words):
    with pytest.raises(GraphcError) as caught:
        use()
    for word in words:
        assert word in str(caught.value)


def test_a_validation_that_comes_later_is_waited_for_and_a_missing_one_is_told_of():
    callback = EarlyStopping(patience=0)
    callback.set_model(Saved())
    with pytest.warns(UserWarning, match="val_loss.*no validation yet"):
        callback.on_epoch_end(0, {"loss": 1.0})
    callback.on_epoch_end(1, {"loss": 1.0, "val_loss": 2.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        callback.on_epoch_end(2, {"loss": 1.0})

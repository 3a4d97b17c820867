"""Epochs that are one run of the device give the same numbers as one after another."""

import numpy as np
import pytest

import graphc
from graphc.callbacks import Callback, History
from graphc.errors import NumericsError
from graphc.session.step_loop import StepLoop
from graphc.training.step_times import StepTimes

RNG = np.random.default_rng(4)
X = RNG.normal(size=(30, 3)).astype("f")
Y = RNG.normal(size=(30, 1)).astype("f")


class Looking(Callback):
    """Does nothing, but might."""


class Counting(History):
    """A history that does more; what it inherits does not say that it only records."""

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.model.stop_training = epoch == 1


class NotingSteps(graphc.Model):
    """Its logs hold a number of the last step too, beside results of metrics."""

    def __init__(self):
        super().__init__()
        self.dense = graphc.layers.Dense(1)

    def call(self, inputs):
        return self.dense(inputs)

    def train_step(self, data):
        logs = super().train_step(data)
        return {**logs, "sum": graphc.ops.sum(data[0])}


class SeeingAll(NotingSteps):
    """Each sample sees the others."""

    def call(self, inputs):
        return self.dense(graphc.ops.sort(inputs, axis=0))


def sequential():
    return graphc.Sequential([graphc.Input((3,)), graphc.layers.Dense(1)])


def fitted(*callbacks, x=X, epochs=4, metrics=("mae",), make=sequential, **given):
    with graphc.Graph().as_default():
        model = make()
        model(graphc.Input((3,)))
        model.compile("adam", "mse", metrics=list(metrics))
        model.set_weights([np.full((3, 1), 0.5), np.zeros(1)])
        given = {"batch_size": 8, **given}
        history = model.fit(x, Y, epochs=epochs, verbose=0, callbacks=list(callbacks), **given)
        return history, model.get_weights()


@pytest.fixture
def spans(monkeypatch):
    """As many epochs together as possible from the first run on; how many each run had."""
    found = []
    run = StepLoop.run

    def counted(self, arrays, spans):
        found.append(len(spans))
        return run(self, arrays, spans)

    monkeypatch.setattr(StepLoop, "run", counted)
    monkeypatch.setattr(StepTimes, "steps_in", lambda self, seconds, most: most)
    return found


@pytest.mark.parametrize(
    ("given", "runs"),
    [
        ({"make": NotingSteps, "metrics": ["mae", "r2_score", "AUC"]}, [2, 8, 1]),
        ({"batch_size": 10}, [2, 8, 1]),
        ({"shuffle": False, "steps_per_epoch": 2}, [2, 8, 1]),
        ({"make": SeeingAll}, [1] * 22),  # the last batch is compiled by itself
    ],
)
def test_a_fit_that_nobody_looks_at_gives_the_same_history_and_weights(spans, given, runs):
    together = fitted(epochs=11, **given)
    assert spans == runs
    in_turn = fitted(Looking(), epochs=11, **given)
    assert together[0].history == in_turn[0].history
    assert together[0].epoch == in_turn[0].epoch == list(range(11))
    for mine, other in zip(together[1], in_turn[1], strict=True):
        np.testing.assert_array_equal(mine, other)


def test_epochs_that_take_long_are_told_of_one_by_one(spans, monkeypatch):
    monkeypatch.setattr(StepTimes, "steps_in", lambda self, seconds, most: 1)
    fitted(epochs=3)
    assert spans == [1, 1, 1]


def test_a_class_below_history_is_told_before_the_next_epoch_begins():
    assert fitted(Counting())[0].epoch == [0, 1]


def test_bad_data_are_named_there_too():
    with pytest.raises(NumericsError, match=r"x\[2, 1\] is nan"):
        fitted(x=np.where(X[2, 1] == X, np.nan, X))

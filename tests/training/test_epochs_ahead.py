"""Epochs that begin before the last one's logs are read: the same numbers as one after another."""

import numpy as np
import pytest

import graphc
from graphc.callbacks import Callback, History
from graphc.errors import NumericsError

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


def fitted(*callbacks, x=X, epochs=4):
    with graphc.Graph().as_default():
        model = graphc.Sequential([graphc.Input((3,)), graphc.layers.Dense(1)])
        model.compile("adam", "mse", metrics=["mae"])
        model.set_weights([np.full((3, 1), 0.5), np.zeros(1)])
        history = model.fit(x, Y, batch_size=8, epochs=epochs, verbose=0, callbacks=list(callbacks))
        return history, model.get_weights()


def test_a_fit_that_nobody_looks_at_gives_the_same_history_and_weights():
    ahead, in_turn = fitted(), fitted(Looking())
    assert ahead[0].history == in_turn[0].history
    assert ahead[0].epoch == in_turn[0].epoch == [0, 1, 2, 3]
    for mine, other in zip(ahead[1], in_turn[1], strict=True):
        np.testing.assert_array_equal(mine, other)


def test_a_class_below_history_is_told_before_the_next_epoch_begins():
    assert fitted(Counting())[0].epoch == [0, 1]


def test_bad_data_are_named_there_too():
    with pytest.raises(NumericsError, match=r"x\[2, 1\] is nan"):
        fitted(x=np.where(X[2, 1] == X, np.nan, X))

"""Data that other libraries hold: tables of pandas, and tensors that NumPy can read."""

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import FeedError

RNG = np.random.default_rng(6)
X = RNG.normal(size=(20, 3)).astype("f")
Y = RNG.normal(size=20).astype("f")


def dense():
    model = graphc.Sequential([graphc.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.set_weights([np.full((3, 1), 0.1), np.zeros(1)])
    return model


def by_columns():
    inputs = {name: graphc.Input((1,), name=name) for name in "abc"}
    outputs = layers.Dense(1)(layers.Concatenate()(list(inputs.values())))
    model = graphc.Model(inputs, outputs)
    model.compile("sgd", "mse")
    model.set_weights([np.full((3, 1), 0.1), np.zeros(1)])
    return model


def learned(model, *data, **given):
    history = model.fit(*data, batch_size=8, epochs=2, shuffle=False, verbose=0, **given)
    return history.history


def test_tables_of_pandas_are_arrays_of_their_numbers():
    pandas = pytest.importorskip("pandas")
    table, labels = pandas.DataFrame(X, columns=list("abc")), pandas.Series(Y)
    expected = learned(dense(), X, Y, sample_weight=np.arange(20.0), validation_data=(X, Y))
    table["c"] = table["c"].astype("float64")  # columns of several types
    found = learned(
        dense(), table, labels, sample_weight=pandas.Series(np.arange(20.0)),
        validation_data=(table, labels),
    )  # fmt: skip
    assert found == expected
    assert learned(by_columns(), dict(table), labels)["loss"] == pytest.approx(
        learned(dense(), X, Y)["loss"]
    )
    batches = [(table[i : i + 8], labels[i : i + 8]) for i in (0, 8, 16)]
    assert learned(dense(), (batch for batch in batches * 2), steps_per_epoch=3)["loss"]
    np.testing.assert_array_equal(dense().predict(table), dense().predict(X))


def test_text_in_a_table_is_refused_with_a_way_out():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X).assign(word="a")
    with pytest.raises(FeedError, match="astype"):
        dense().fit(table, Y)


def test_columns_without_a_last_axis_fit_inputs_of_one_number():
    columns = {name: X[:, place] for place, name in enumerate("abc")}
    expected = learned(by_columns(), {name: column[:, None] for name, column in columns.items()}, Y)
    assert learned(by_columns(), columns, Y) == expected
    assert by_columns()({name: graphc.constant(c) for name, c in columns.items()}).shape[-1] == 1


class TensorOfAnotherLibrary:
    def __init__(self, array, needs_detaching=False):
        self._array, self._needs_detaching = array, needs_detaching
        self.ndim, self.shape = array.ndim, array.shape

    def __len__(self):
        return len(self._array)

    def __getitem__(self, index):
        return TensorOfAnotherLibrary(self._array[index], self._needs_detaching)

    def __iter__(self):
        return (self[index] for index in range(len(self)))

    def __array__(self, dtype=None, copy=None):
        if self._needs_detaching:
            raise RuntimeError("Use tensor.detach().numpy() instead.")
        return self._array


def test_tensors_of_other_libraries_are_arrays_and_their_loaders_give_batches():
    x, y = TensorOfAnotherLibrary(X), TensorOfAnotherLibrary(Y)
    expected = learned(dense(), X, Y)
    assert learned(dense(), x, y) == expected

    class Loader:
        def __len__(self):
            return 3

        def __iter__(self):
            return ([x[i : i + 8], y[i : i + 8]] for i in (0, 8, 16))

    found = dense().fit(Loader(), epochs=2, verbose=0).history
    assert found["loss"] == pytest.approx(expected["loss"])
    with pytest.raises(FeedError, match="detach"):
        dense().fit(TensorOfAnotherLibrary(X, needs_detaching=True), Y)

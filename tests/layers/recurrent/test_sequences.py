"""What recurrent layers do beside numbers: states that stay, dropout, cells of users, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import layers, ops
from graphc.errors import GraphcError, ShapeError

GENERATOR = np.random.default_rng(3)
SEQUENCE = GENERATOR.uniform(-1, 1, (2, 6, 3)).astype(np.float32)


@pytest.fixture
def session():
    with graphc.Graph().as_default(), graphc.Session(seed=5) as opened:
        yield opened


class Counter(layers.Layer):
    """A user's cell: counts steps, and adds a penalty in each."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, 1]
        self.project = layers.Dense(units, activity_regularizer="l2")

    def call(self, inputs, states):
        total, count = states
        total = total + self.project(inputs)
        return total * count, [total, count + 1]


class Plain:
    """A cell that is no layer, with one state."""

    state_size = 3

    def call(self, inputs, states):
        return inputs + states[0], inputs + states[0]


def test_a_stateful_layer_goes_on_where_it_stopped(session):
    for name in ("SimpleRNN", "LSTM", "GRU"):
        whole = layers.deserialize({"class_name": name, "config": {"units": 4}})
        half = layers.deserialize({"class_name": name, "config": {"units": 4, "stateful": True}})
        x = graphc.placeholder("float32", [2, None, 3])
        expected, found = whole(x), half(x)
        half.set_weights(whole.get_weights())
        assert len(half.weights) == 3
        session.run(found, {x: SEQUENCE[:, :2]})
        second = session.run(found, {x: SEQUENCE[:, 2:]})
        np.testing.assert_allclose(second, session.run(expected, {x: SEQUENCE}), atol=1e-6)
        half.reset_state()
        again = session.run(found, {x: SEQUENCE})
        np.testing.assert_allclose(again, session.run(expected, {x: SEQUENCE}), atol=1e-6)


def test_a_stateful_layer_needs_the_size_of_its_batch(session):
    unknown = graphc.placeholder("float32", [None, 4, 3])
    with pytest.raises(ShapeError, match="size is not known"):
        layers.LSTM(4, stateful=True)(unknown)
    layer = layers.LSTM(4, stateful=True)
    layer(graphc.placeholder("float32", [2, 4, 3]))
    with pytest.raises(ShapeError, match="keeps the states of a batch"):
        layer(graphc.placeholder("float32", [3, 4, 3]))


def test_one_mask_serves_all_steps_of_a_sequence(session):
    def run(**rates: Any) -> Any:
        layer = layers.SimpleRNN(
            64,
            activation=None,
            use_bias=False,
            kernel_initializer="identity",
            recurrent_initializer="zeros",
            return_sequences=True,
            **rates,
        )
        return layer(np.ones((3, 5, 64), np.float32), training=True)

    dropped, kept = session.run([run(dropout=0.5), run()])
    assert np.array_equal(kept, np.ones((3, 5, 64)))
    assert set(np.unique(dropped)) == {0.0, 2.0}
    assert np.array_equal(dropped, np.repeat(dropped[:, :1], 5, axis=1))
    assert not np.array_equal(dropped[0], dropped[1])
    assert abs((dropped[:, 0] == 0).mean() - 0.5) < 0.15


def test_each_run_drops_others_and_each_gate_has_its_own_mask(session):
    layer = layers.LSTM(16, recurrent_dropout=0.5, dropout=0.5)
    stack = layers.RNN([layers.GRUCell(16, dropout=0.5), layers.LSTMCell(8, dropout=0.5)])
    results = [layer(SEQUENCE, training=True), stack(SEQUENCE, training=True)]
    quiet = [layer(SEQUENCE), stack(SEQUENCE)]
    first, second = session.run(results), session.run(results)
    for one, other in zip(first, second, strict=True):
        assert not np.allclose(one, other)
    for one, other in zip(session.run(quiet), session.run(quiet), strict=True):
        np.testing.assert_array_equal(one, other)
    draws = [n for n in graphc.get_default_graph().nodes if n.op.name == "dropout"]
    assert len(draws) == 4 + 4 + 1 + 1


def test_a_cell_of_a_user_runs_and_its_penalties_are_summed_outside_the_loop(session):
    x = graphc.placeholder("float32", [None, None, 3])
    cell = Counter(4)
    outputs, total, count = layers.RNN(cell, return_state=True)(x)
    plain = layers.RNN(Plain(), return_sequences=True)(x)
    loss = ops.sum(ops.stack(cell.losses))
    slope = graphc.gradients(loss, cell.project.kernel)
    found = session.run([outputs, total, count, plain, loss, slope], {x: SEQUENCE})
    kernel, bias = cell.get_weights()
    products = SEQUENCE @ kernel + bias
    np.testing.assert_allclose(found[1], products.sum(1), atol=1e-5)
    np.testing.assert_allclose(found[0], products.sum(1) * 5, atol=1e-5)
    np.testing.assert_allclose(found[2], np.full((2, 1), 6.0))
    np.testing.assert_allclose(found[3], SEQUENCE.cumsum(1), atol=1e-5)
    np.testing.assert_allclose(found[4], 0.01 * (products**2).sum() / 2, rtol=1e-5)
    np.testing.assert_allclose(
        found[5], 0.01 * np.einsum("bti,btj->ij", SEQUENCE, products), rtol=1e-4, atol=1e-6
    )


def test_cells_in_a_list_are_a_stack(session):
    listed = layers.RNN([layers.LSTMCell(4), layers.GRUCell(2)])
    stacked = layers.RNN(layers.StackedRNNCells([layers.LSTMCell(4), layers.GRUCell(2)]))
    results = [listed(SEQUENCE), stacked(SEQUENCE)]
    stacked.set_weights(listed.get_weights())
    np.testing.assert_array_equal(*session.run(results))
    again = layers.deserialize(layers.serialize(listed))
    assert again.get_config() == listed.get_config()


def test_a_layer_that_averages_goes_from_step_to_step(session):
    class Averaging(layers.Layer):
        def build(self, input_shape):
            self.seen = self.add_weight((), "zeros", trainable=False, name="seen")

        def call(self, inputs):
            return inputs + self.seen.assign_add(1.0)

    layer = layers.TimeDistributed(Averaging())
    found = session.run(layer(np.zeros((2, 4, 1), np.float32)))
    np.testing.assert_array_equal(found[0, :, 0], [1, 2, 3, 4])
    assert session.run(layer.layer.seen) == 4


def test_initial_weights_of_both_directions_are_those_given(session):
    arrays = [
        np.full(shape, i + 1.0, np.float32) for i in range(2) for shape in ((3, 2), (2, 2), (2,))
    ]
    layer = layers.Bidirectional(layers.SimpleRNN(2), weights=arrays)
    layer(SEQUENCE)
    for given, found in zip(arrays, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(given, found)
    with pytest.raises(ShapeError, match="initial weights"):
        layers.Bidirectional(layers.SimpleRNN(2), weights=arrays[:3])(SEQUENCE)


def test_both_directions_keep_states(session):
    layer = layers.Bidirectional(layers.GRU(2, stateful=True))
    x = graphc.placeholder("float32", [2, 6, 3])
    y = layer(x)
    first, second = session.run(y, {x: SEQUENCE}), session.run(y, {x: SEQUENCE})
    assert not np.allclose(first, second)
    layer.reset_states()
    np.testing.assert_array_equal(session.run(y, {x: SEQUENCE}), first)
    assert len(layer.states) == 2
    with pytest.raises(GraphcError, match="keeps no states"):
        layers.Bidirectional(layers.GRU(2)).reset_state()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: layers.LSTM(0), "number of units"),
        (lambda: layers.LSTM(4, use_cudnn=True), "cuDNN"),
        (lambda: layers.RNN(object()), "no 'call'"),
        (lambda: layers.LSTM(4)(SEQUENCE, initial_state=[SEQUENCE[:, 0]]), "has 2 states"),
        (lambda: layers.LSTM(4)(SEQUENCE[0]), "does not fit"),
        (lambda: layers.Bidirectional(layers.LSTM(4), merge_mode="max"), "no merge mode"),
        (lambda: layers.Bidirectional(4), "goes around a layer"),
        (
            lambda: layers.Bidirectional(layers.LSTM(4), backward_layer=layers.LSTM(4)),
            "opposite ways",
        ),
        (lambda: layers.TimeDistributed(layers.Dense(4))(SEQUENCE[0]), "steps of a sequence"),
    ],
)
def test_mistakes_say_what_to_do(session, make, words):
    before = len(graphc.get_default_graph())
    with pytest.raises(GraphcError, match=words) as raised:
        make()
    assert len(graphc.get_default_graph()) == before
    assert raised.value.origin.file == __file__


def test_an_unknown_number_of_steps_cannot_be_written_out(session):
    x = graphc.placeholder("float32", [2, None, 3])
    with pytest.raises(ShapeError, match="unroll=False"):
        layers.GRU(4, unroll=True)(x)

"""Layers, losses, initializers and backend settings, as far as sessions need them."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import backend


@pytest.fixture
def session():
    with graphc.Graph().as_default(), graphc.Session(seed=1) as opened:
        yield opened


def test_dense_computes_what_it_says(session):
    x = graphc.placeholder("float32", [None, 3], name="x")
    layer = graphc.layers.Dense(2, activation="tanh", bias_initializer="ones")
    y = layer(x)
    data = np.arange(6, dtype=np.float32).reshape(2, 3) / 10
    kernel, bias, result = session.run([layer.kernel, layer.bias, y], {x: data})
    np.testing.assert_allclose(result, np.tanh(data @ kernel + bias), rtol=1e-6)
    assert bias.tolist() == [1, 1]
    assert [w.name for w in layer.weights] == ["dense/kernel", "dense/bias"]


def test_dense_shares_its_weights_between_calls(session):
    layer = graphc.layers.Dense(2, use_bias=False)
    x = graphc.constant(np.ones((1, 3), np.float32))
    first, second = session.run([layer(x), layer(x)])
    np.testing.assert_array_equal(first, second)
    assert len(layer.weights) == 1


def test_a_layer_stays_in_its_graph(session):
    layer = graphc.layers.Dense(2)
    layer(graphc.constant(np.ones((1, 3), np.float32)))
    with graphc.Graph().as_default(), pytest.raises(graphc.errors.GraphMixError):
        layer(graphc.constant(np.ones((1, 3), np.float32)))


@pytest.mark.parametrize(
    ("name", "spread"),
    [
        ("glorot_uniform", np.sqrt(2 / 700)),
        ("glorot_normal", np.sqrt(2 / 700)),
        ("he_uniform", np.sqrt(2 / 400)),
        ("he_normal", np.sqrt(2 / 400)),
    ],
)
def test_initializers_have_the_spread_of_their_paper(session, name, spread):
    value = session.run(graphc.Variable(graphc.initializers.get(name)((400, 300))))
    assert abs(value.mean()) < 0.01 * spread * 5
    np.testing.assert_allclose(value.std(), spread, rtol=0.02)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "none"])
def test_sparse_cross_entropy_on_logits_and_probabilities(session, reduction):
    logits = np.array([[1.0, 2.0, 0.5], [-1.0, 0.0, 3.0]], np.float32)
    labels = np.array([1, 0])
    log_probabilities = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    losses = -log_probabilities[[0, 1], labels]
    expected = {"sum_over_batch_size": losses.mean(), "sum": losses.sum(), "none": losses}
    for from_logits, given in ((True, logits), (False, np.exp(log_probabilities))):
        criterion = graphc.losses.SparseCategoricalCrossentropy(from_logits, reduction=reduction)
        value = session.run(criterion(labels, given))
        np.testing.assert_allclose(value, expected[reduction], rtol=1e-5)


def test_sample_weights_scale_losses(session):
    criterion = graphc.losses.MeanSquaredError(reduction="none")
    truth = np.zeros((3, 2), np.float32)
    value = session.run(criterion(truth, truth + 2, sample_weight=[1.0, 0.5, 0.0]))
    assert value.tolist() == [4, 2, 0]


@pytest.mark.parametrize("make", ["SGD", "RMSprop", "Adam"])
def test_optimizers_find_the_bottom_of_a_bowl(session, make):
    w = graphc.Variable([3.0, -2.0], name="w")
    loss = graphc.ops.sum((w - [1.0, 1.0]) ** 2)
    optimizer = getattr(graphc.optimizers, make)(0.05)
    step = optimizer.minimize(loss)
    for _ in range(400):
        session.run(step)
    np.testing.assert_allclose(session.run(w), [1, 1], atol=0.06)
    assert session.run(optimizer.iterations) == 400


def test_only_listed_variables_are_trained(session):
    a, b = graphc.Variable(1.0), graphc.Variable(1.0)
    step = graphc.optimizers.SGD(0.1).minimize(a * b, var_list=[a])
    session.run(step)
    assert session.run([a, b]) == [pytest.approx(0.9), 1.0]


def test_backend_settings_are_read_set_and_refused():
    assert (backend.epsilon(), backend.floatx()) == (1e-7, "float32")
    assert backend.image_data_format() == "channels_last"
    try:
        backend.set_floatx("float64")
        backend.set_epsilon(1e-3)
        backend.set_image_data_format("channels_first")
        with graphc.Graph().as_default():
            assert graphc.constant(1.0).dtype == "float64"
        assert graphc.config.epsilon() == 1e-3
    finally:
        backend.set_floatx("float32")
        backend.set_epsilon(1e-7)
        backend.set_image_data_format("channels_last")
    with pytest.raises(ValueError, match="float31"):
        backend.set_floatx("float31")

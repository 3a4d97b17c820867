"""Compiled metrics: what they are called in logs, and that none hides another."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import layers

RNG = np.random.default_rng(5)
X = RNG.normal(size=(8, 3)).astype(np.float32)
Y = RNG.normal(size=(8, 2)).astype(np.float32)


@pytest.fixture(autouse=True)
def _own_graph():
    with graphc.Graph().as_default():
        yield


def test_metrics_of_one_name_are_told_apart_as_in_keras() -> None:
    """The names are those that Keras 3.15 gives to the same arguments of `compile`."""
    model = graphc.Sequential([graphc.Input((3,)), layers.Dense(2)])
    loss = graphc.metrics.MeanSquaredError(name="loss")
    weighted = ["mse", "mse", "mae", "mae"]
    model.compile("sgd", "mse", metrics=["mse", "mae", "mse", loss], weighted_metrics=weighted)
    logs = model.evaluate(X, Y, sample_weight=np.arange(8.0), return_dict=True, verbose=0)
    error = model.predict(X) - Y
    plain = {"mse": (error**2).mean(), "mae": np.abs(error).mean()}
    rows = np.arange(8.0)
    weighted_mse, weighted_mae = (
        (each.mean(-1) * rows).sum() / rows.sum() for each in (error**2, np.abs(error))
    )
    expected = {
        **{"loss": weighted_mse * rows.mean(), "loss_1": plain["mse"]},
        **{"mse": plain["mse"], "mse_1": plain["mse"], "mae": plain["mae"]},
        **{"weighted_mse": weighted_mse, "weighted_mse_1": weighted_mse},
        **{"weighted_mae": weighted_mae, "weighted_mae_1": weighted_mae},
    }
    assert logs == pytest.approx(expected, rel=1e-5)
    assert set(model.metrics_names) == set(logs)


def test_metrics_of_one_name_of_several_outputs() -> None:
    entry = graphc.Input((3,))
    outputs = [layers.Dense(2, name="a")(entry), layers.Dense(2, name="b")(entry)]
    model = graphc.Model(entry, outputs)
    own = graphc.metrics.MeanSquaredError(name="mse")
    model.compile(
        *("sgd", "mse"),
        metrics=[["mse", own, "mse"], ["mse"]],
        weighted_metrics=[["mse", "mse", "mse"], []],
    )
    history = model.fit(X, [Y, Y], verbose=0).history
    assert sorted(history) == [
        *("a_loss", "a_mse", "a_mse_1", "a_mse_2"),
        *("a_weighted_mse", "a_weighted_mse_1", "a_weighted_mse_2", "b_loss", "b_mse", "loss"),
    ]
    assert own.name == "mse"
    assert history["a_mse"] == history["a_mse_1"]


def test_one_metric_of_two_outputs_gathers_both() -> None:
    entry = graphc.Input((3,))
    outputs = [layers.Dense(2, name="a")(entry), layers.Dense(2, name="b")(entry)]
    model = graphc.Model(entry, outputs)
    shared = graphc.metrics.MeanSquaredError(name="mse")
    model.compile("sgd", "mse", metrics=[[shared], [shared]])
    logs = model.evaluate(X, [Y, Y], return_dict=True, verbose=0)
    a, b = model.predict(X)
    expected = (((a - Y) ** 2).mean() + ((b - Y) ** 2).mean()) / 2
    np.testing.assert_allclose([logs["a_mse"], logs["b_mse"]], expected, rtol=1e-5)


def test_metrics_of_layers_with_one_name_are_both_in_the_logs() -> None:
    class Measured(graphc.layers.Layer):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.factor = factor
            self.size = graphc.metrics.Mean(name="size")

        def call(self, x):
            self.size.update_state(graphc.ops.abs(x) * self.factor)
            return x

    model = graphc.Sequential([graphc.Input((3,)), Measured(1.0), Measured(2.0)])
    model.compile("sgd", "mse")
    logs = model.evaluate(X, X, return_dict=True, verbose=0)
    np.testing.assert_allclose(logs["size"], np.abs(X).mean(), rtol=1e-5)
    np.testing.assert_allclose(logs["size_1"], 2 * np.abs(X).mean(), rtol=1e-5)

"""Noise and dropout: nothing outside of training, and inside what their formulas promise."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import GraphcError
from tests.layers.keras_layers import compare
from tests.layers.layer_cases import case

STEPS = np.array([[True, True, False], [True, False, False]])
X = (2, 3, 4)

CASES = [
    case("Dropout", X, rate=0.4, masks=(STEPS,)),
    case("Dropout", X, rate=0.0, call={"training": True}, noise_shape=[None, 1, 4], seed=3),
    case("AlphaDropout", X, rate=0.4, masks=(STEPS,)),
    case("AlphaDropout", X, rate=0, call={"training": True}, noise_shape=(2, 3, 1), seed=3),
    case("SpatialDropout1D", X, rate=0.4, masks=(STEPS,)),
    case("SpatialDropout1D", X, rate=0.0, call={"training": True}, name="d", dtype="float32"),
    case("SpatialDropout2D", (2, 2, 3, 4), rate=0.4, data_format="channels_first"),
    case("SpatialDropout2D", (2, 2, 3, 4), rate=0.4, name="d", dtype="float32"),
    case("SpatialDropout3D", (2, 2, 1, 3, 4), rate=0.4, data_format="channels_last"),
    case("SpatialDropout3D", (2, 2, 1, 3, 4), rate=0.4, name="d", dtype="float32"),
    case("GaussianNoise", X, stddev=0.5, masks=(STEPS,)),
    case("GaussianNoise", X, stddev=0, call={"training": True}),
    case("GaussianDropout", X, rate=0.5, masks=(STEPS,)),
    case("GaussianDropout", X, rate=0, call={"training": True}),
    case("ActivityRegularization", X, l1=0.2, l2=0.3, masks=(STEPS,)),
    case("ActivityRegularization", X),
]


def test_layers_outside_of_training_are_those_of_keras() -> None:
    compare("regularization", CASES)


SHAPE = (50, 4, 4, 4, 32)
LAYERS = {
    "dropout": lambda: layers.Dropout(0.3, seed=5),
    "the same": lambda: layers.Dropout(0.3, seed=5),
    "another": lambda: layers.Dropout(0.3, seed=6),
    "no seed": lambda: layers.Dropout(0.3),
    "one per row": lambda: layers.Dropout(0.3, noise_shape=(None, 1, 1, 1, 1)),
    "all": lambda: layers.Dropout(1.0),
    "alpha": lambda: layers.AlphaDropout(0.2),
    "alpha per row": lambda: layers.AlphaDropout(0.2, noise_shape=(None, 1, 1, 1, None)),
    "spatial": lambda: layers.SpatialDropout3D(0.3),
    "spatial first": lambda: layers.SpatialDropout3D(0.3, data_format="channels_first"),
    "noise": lambda: layers.GaussianNoise(0.7),
    "products": lambda: layers.GaussianDropout(0.36),
}


@pytest.fixture(scope="module")
def runs() -> list[dict[str, np.ndarray]]:
    """What all of `LAYERS` make of ones (of normal numbers: alpha) in training, in two runs."""
    normal = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    with graphc.Graph().as_default(), graphc.Session(seed=3) as session:
        x = graphc.placeholder("float32", [None, *SHAPE[1:]])
        z = graphc.placeholder("float32", [None, *SHAPE[1:]])
        made = {
            name: layer()(z if "alpha" in name else x, training=True)
            for name, layer in LAYERS.items()
        }
        twice = layers.Dropout(0.3, seed=5)
        made |= {"first call": twice(x, training=True), "second call": twice(x, training=True)}
        feeds = {x: np.ones(SHAPE, np.float32), z: normal}
        return [session.run(made, feeds) for _ in range(2)]


def test_dropout_keeps_its_share_and_the_mean(runs) -> None:
    found = runs[0]["no seed"]
    assert set(np.unique(found)) == {np.float32(0), np.float32(1) / np.float32(0.7)}
    assert abs((found == 0).mean() - 0.3) < 0.005
    assert abs(found.mean() - 1) < 0.01
    assert not runs[0]["all"].any()


def test_each_run_draws_anew_and_equal_seeds_draw_the_same(runs) -> None:
    first, second = runs
    for name in ("dropout", "no seed", "alpha", "noise", "products"):
        assert (first[name] != second[name]).any(), name
    np.testing.assert_array_equal(first["dropout"], first["the same"])
    np.testing.assert_array_equal(first["dropout"], first["first call"])
    assert (first["dropout"] != first["another"]).any()
    assert (first["first call"] != first["second call"]).any()


def test_whole_channels_or_rows_are_dropped(runs) -> None:
    for name, axes in (
        ("spatial", (1, 2, 3)),
        ("spatial first", (2, 3, 4)),
        ("one per row", (1, 2, 3, 4)),
    ):
        found = runs[0][name]
        np.testing.assert_array_equal(found.min(axes), found.max(axes))
        assert 0 < (found.min(axes) == 0).mean() < 0.6
    assert abs((runs[0]["spatial"].min((1, 2, 3)) == 0).mean() - 0.3) < 0.05


def test_alpha_dropout_keeps_mean_and_variance(runs) -> None:
    for name, tolerance in (("alpha", 0.02), ("alpha per row", 0.1)):
        assert abs(runs[0][name].mean()) < tolerance
        assert abs(runs[0][name].var() - 1) < tolerance


def test_noise_has_its_spread(runs) -> None:
    noise, products = runs[0]["noise"] - 1, runs[0]["products"]
    assert abs(noise.mean()) < 0.01
    assert abs(noise.std() - 0.7) < 0.01
    assert abs(products.mean() - 1) < 0.01
    assert abs(products.var() - 0.36 / 0.64) < 0.02


@pytest.mark.parametrize("rate", [-0.1, 1.1, "half", None, True])
def test_what_is_no_fraction_is_refused(rate) -> None:
    for layer in (layers.Dropout, layers.GaussianNoise, layers.GaussianDropout):
        with pytest.raises(GraphcError, match="from 0 to 1"):
            layer(rate)


def test_wrong_noise_is_refused() -> None:
    with pytest.raises(GraphcError, match="not 1 itself"):
        layers.GaussianDropout(1.0)
    for shape in ("ab", (0, 1), (1.5,), 3):
        with pytest.raises(GraphcError, match="noise_shape"):
            layers.Dropout(0.5, noise_shape=shape)

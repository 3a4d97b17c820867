"""Normalization under every argument, in training and outside of it, as in Keras."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import layers, ops
from graphc.errors import GraphcError, ShapeError
from tests.layers.keras_layers import compare
from tests.layers.layer_cases import case

STEPS = np.array([[True, True, False], [True, False, False]])
X, IMAGES = (2, 3, 4), (2, 2, 3, 4)
TRAINING = {"training": True}
PLAIN = {"beta_regularizer": "l2", "gamma_regularizer": "l1"}
HELD = {"beta_constraint": "non_neg", "gamma_constraint": "max_norm"}
BEGUN = {"beta_initializer": "ones", "gamma_initializer": "zeros"}

BATCH = [
    case("BatchNormalization", IMAGES),
    case("BatchNormalization", IMAGES, call=TRAINING),
    case("BatchNormalization", (5, 4), call=TRAINING, momentum=0.7, epsilon=0.1),
    case("BatchNormalization", IMAGES, call=TRAINING, axis=1, center=False),
    case("BatchNormalization", IMAGES, call=TRAINING, scale=False, **PLAIN),
    case("BatchNormalization", X, call=TRAINING, **BEGUN, **HELD),
    case(
        "BatchNormalization",
        X,
        moving_mean_initializer="ones",
        moving_variance_initializer="glorot_normal",
        synchronized=False,
    ),
    case("BatchNormalization", X, call=TRAINING, masks=(STEPS,)),
    case("BatchNormalization", X, call=TRAINING | {"mask": STEPS}, momentum=0.5),
    case("BatchNormalization", X, masks=(STEPS,)),
    case("BatchNormalization", X, call=TRAINING, trainable=False),
    case("BatchNormalization", X, call=TRAINING, renorm=True, renorm_momentum=0.8),
    case("BatchNormalization", X, renorm=True),
    case(
        "BatchNormalization",
        X,
        call=TRAINING,
        renorm=True,
        renorm_clipping={"rmin": 0.8, "rmax": 1.1, "dmax": 0.3},
        masks=(STEPS,),
    ),
    case("BatchNormalization", X, call=TRAINING, renorm=True, scale=False, center=False),
]

FEATURES = [
    case("LayerNormalization", X, masks=(STEPS,)),
    case("LayerNormalization", X, axis=[1, 2], epsilon=0.1),
    case("LayerNormalization", X, axis=1, center=False, **PLAIN),
    case("LayerNormalization", X, scale=False, **BEGUN),
    case("LayerNormalization", X, **HELD),
    case("LayerNormalization", X, axis=[-2, -1], rms_scaling=True),
    case("RMSNormalization", X),
    case("RMSNormalization", X, axis=[1, 2], epsilon=0.01),
    case("GroupNormalization", IMAGES, groups=2, masks=(None,)),
    case("GroupNormalization", IMAGES, groups=-1, axis=-1, epsilon=0.1),
    case("GroupNormalization", (2, 4, 3), groups=2, axis=1, center=False, **PLAIN),
    case("GroupNormalization", (2, 8), groups=4, scale=False, **HELD),
    case("GroupNormalization", X, groups=1, **BEGUN),
    case("UnitNormalization", X, masks=(STEPS,)),
    case("UnitNormalization", X, axis=[1, 2]),
    case("UnitNormalization", X, axis=1),
]

DENSE = {
    "module": "keras.layers",
    "class_name": "Dense",
    "config": {"units": 3, "name": "inside"},
    "registered_name": None,
}
SPECTRAL = [
    case("SpectralNormalization", (2, 4), call=TRAINING, layer=DENSE),
    case("SpectralNormalization", (2, 4), layer=DENSE),
    case("SpectralNormalization", (2, 4), call=TRAINING, layer=DENSE, power_iterations=3),
]


def test_batch_normalization_is_that_of_keras() -> None:
    compare("batch_normalization", BATCH)


def test_normalization_of_features_is_that_of_keras() -> None:
    compare("feature_normalization", FEATURES)


def test_spectral_normalization_is_that_of_keras() -> None:
    compare("spectral_normalization", SPECTRAL)


def test_a_step_moves_the_averages_of_what_its_loss_depends_on() -> None:
    data = np.float32([[1, 2], [3, 6], [5, 4]])
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("float32", [None, 2])
        used, unused = layers.BatchNormalization(momentum=0.5), layers.BatchNormalization()
        hidden = used(x, training=True)
        unused(x, training=True)
        step = graphc.optimizers.SGD(0.1).minimize(ops.sum(layers.Dense(1)(hidden)))
        session.run(step, {x: data})
        session.run(step, {x: data})
        means = session.run([used.moving_mean, used.moving_variance, unused.moving_mean])
        np.testing.assert_allclose(means[0], 0.75 * data.mean(0), rtol=1e-6)
        np.testing.assert_allclose(means[1], 0.25 + 0.75 * data.var(0), rtol=1e-6)
        assert means[2].tolist() == [0, 0]
        session.run(hidden, {x: data})
        np.testing.assert_array_equal(session.run(used.moving_mean), means[0])


def test_a_layer_that_is_called_twice_moves_its_averages_twice() -> None:
    first, second = np.float32([[4], [8]]), np.float32([[1], [3]])
    with graphc.Graph().as_default(), graphc.Session() as session:
        layer = layers.BatchNormalization(momentum=0.5)
        both = ops.sum(layer(first, training=True)) + ops.sum(layer(second, training=True))
        session.run(graphc.optimizers.SGD(0.1).minimize(both))
        assert session.run(layer.moving_mean).tolist() == [(0 * 0.5 + 6 * 0.5) * 0.5 + 2 * 0.5]


def test_wrong_normalizations_are_refused() -> None:
    x = graphc.constant(np.zeros((2, 6), np.float32))
    with pytest.raises(GraphcError, match="not synchronized"):
        layers.BatchNormalization(synchronized=True)
    with pytest.raises(GraphcError, match="renorm_clipping"):
        layers.BatchNormalization(renorm=True, renorm_clipping={"rmin": 2, "rmax": 1})
    with pytest.raises(ShapeError, match="mask"):
        layers.BatchNormalization()(x, mask=graphc.constant(np.ones((2, 6), bool)))
    with pytest.raises(GraphcError, match="number of groups"):
        layers.GroupNormalization(0)
    with pytest.raises(ShapeError):
        layers.GroupNormalization(4)(x)
    with pytest.raises(GraphcError, match="has no kernel"):
        layers.SpectralNormalization(layers.ReLU())(x)
    with pytest.raises(GraphcError, match="iteration"):
        layers.SpectralNormalization(layers.Dense(1), power_iterations=0)


def test_statistics_of_narrow_floats_are_wide() -> None:
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("float32", [None, 1])
        layer = layers.BatchNormalization(dtype="mixed_float16", momentum=0)
        y = layer(x, training=True)
        assert str(y.dtype) == "float16"
        step = graphc.optimizers.SGD(0.1).minimize(ops.sum(y))
        session.run(step, {x: np.float32([[300], [900]])})  # 300² is no float16
        assert session.run(layer.moving_variance).tolist() == [90000]

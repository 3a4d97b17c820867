"""Layers that prepare data, under every argument, as in Keras."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.errors import GraphcError, ShapeError
from tests.layers.keras_layers import compare
from tests.layers.layer_cases import case

X = (2, 3, 4)
TOKENS = np.array([[1, 0, 3], [2, 2, 0]], np.int32)
ONE_EACH = np.array([[1], [2], [0]], np.int32)
EDGES = [-0.5, 0.0, 0.3]

CASES = [
    case("Rescaling", X, scale=2.5, offset=-1.0),
    case("Rescaling", TOKENS, scale=0.5),
    case("Rescaling", X, scale=[1.0, 2.0, 3.0, 0.5], offset=[0.0, 1.0, 0.0, 2.0]),
    case("Normalization", X),
    case("Normalization", X, axis=None, mean=0.3, variance=2.0),
    case("Normalization", X, axis=-1, mean=[1.0, 2, 3, 4], variance=[2.0, 1, 0, 3], invert=True),
    case("Normalization", X, axis=(1, 2)),
    case("Normalization", X, axis=(1, 2), mean=[1.0, 2, 3, 4], variance=[2.0, 1, 1, 3]),
    case("Normalization", TOKENS, axis=1, invert=True),
    case("CategoryEncoding", TOKENS, num_tokens=4),
    case("CategoryEncoding", TOKENS, num_tokens=4, output_mode="count", sparse=False),
    case("CategoryEncoding", TOKENS, num_tokens=4, output_mode="one_hot"),
    case("CategoryEncoding", ONE_EACH, num_tokens=4, output_mode="one_hot"),
    case("CategoryEncoding", TOKENS[0], num_tokens=4, static=True),
    case(
        "CategoryEncoding",
        TOKENS,
        num_tokens=4,
        output_mode="count",
        call={"count_weights": np.float32([[1, 2, 3], [0.5, 0.25, 4]])},
    ),
    case("Discretization", X, bin_boundaries=EDGES, name="bins", dtype="float32"),
    case("Discretization", (2, 3), bin_boundaries=EDGES, output_mode="one_hot", sparse=False),
    case("Discretization", (2, 3), bin_boundaries=EDGES, output_mode="multi_hot"),
    case("Discretization", (2, 3), bin_boundaries=EDGES, output_mode="count", epsilon=0.1),
]


def test_preprocessing_layers_are_those_of_keras() -> None:
    compare("preprocessing", CASES)


def test_normalization_adapts_to_an_array_and_to_batches() -> None:
    data = np.random.default_rng(2).normal(3, 2, (40, 5, 3)).astype(np.float32)
    expected = (data - data.mean((0, 1))) / data.std((0, 1))
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("float32", [None, 5, 3])
        whole, parts = layers.Normalization(), layers.Normalization()
        y = parts(x)
        whole.adapt(data)
        parts.adapt((batch, None) for batch in (data[:7], data[7:8], data[8:]))
        found = session.run([whole(x), y], {x: data})
        for result in found:
            np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
        with pytest.raises(ShapeError, match="does not fit the layer"):
            whole.adapt(data[..., :2])
        with pytest.raises(ShapeError, match="adapt to nothing"):
            whole.adapt([])
        with pytest.raises(GraphcError, match="cannot adapt to this"):
            whole.adapt(3)


def test_discretization_finds_bins_of_equal_numbers() -> None:
    data = np.random.default_rng(2).exponential(size=(4000,)).astype(np.float32)
    for batches in (data, list(data.reshape(8, 500))):
        layer = layers.Discretization(num_bins=4, epsilon=0.01)
        layer.adapt(batches)
        edges = np.quantile(data, [0.25, 0.5, 0.75])
        np.testing.assert_allclose(layer.bin_boundaries, edges, rtol=0.1)
    again = layers.deserialize(layers.serialize(layer))
    assert again.bin_boundaries == layer.bin_boundaries
    part = layers.Discretization(num_bins=2)
    part.adapt([np.float32([1, 2, 3]), np.float32([100, 200])], steps=1)
    assert part.bin_boundaries is not None
    assert part.bin_boundaries[0] < 4


def test_boundaries_are_those_of_keras() -> None:
    layer = layers.Discretization(num_bins=4, epsilon=0.01)
    layer.adapt(np.array([[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]]))
    # Keras 3.15's documentation of the layer gives these bins.
    x = graphc.constant(np.float32([[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]]))
    with graphc.Session() as session:
        assert session.run(layer(x)).tolist() == [[0, 2, 3, 2], [1, 3, 3, 1]]


def test_wrong_preprocessing_is_refused() -> None:
    with pytest.raises(GraphcError, match="only one of them"):
        layers.Normalization(mean=1.0)
    with pytest.raises(ShapeError, match="do not fit"):
        layers.Normalization(mean=[1.0, 2.0], variance=[1.0])
    with pytest.raises(GraphcError, match="was given"):
        layers.Normalization(mean=1.0, variance=1.0).adapt([np.zeros(3)])
    with pytest.raises(ShapeError, match="does not exist"):
        layers.Normalization(axis=3).build((None, 2))
    with pytest.raises(GraphcError, match="number of categories"):
        layers.CategoryEncoding()
    with pytest.raises(GraphcError, match="output_mode"):
        layers.CategoryEncoding(3, output_mode="int")
    with pytest.raises(GraphcError, match="sparse"):
        layers.CategoryEncoding(3, sparse=True)
    with pytest.raises(GraphcError, match="count_weights"):
        layers.CategoryEncoding(3)(TOKENS, count_weights=TOKENS.astype(np.float32))
    with pytest.raises(GraphcError, match="one of them"):
        layers.Discretization()
    with pytest.raises(GraphcError, match="knows no boundaries"):
        layers.Discretization(num_bins=2)(np.float32([1, 2]))
    with pytest.raises(GraphcError, match="was given"):
        layers.Discretization([1.0]).adapt([np.zeros(3)])

"""Layers that pass data on, mark it, or hold a function or another layer."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import layers, ops
from graphc.errors import GraphcError
from graphc.ops.masks import mask_of
from tests.layers.keras_layers import compare
from tests.layers.layer_cases import case

STEPS = np.array([[True, True, False], [True, False, False]])
MARKED = np.float32([[[0, 0], [0, 1], [2, 3]], [[4, 5], [0, 0], [-1, -1]]])

CASES = [
    case("Identity", (2, 3, 4), masks=(STEPS,)),
    case("Identity", {"a": (2, 3), "b": (2,)}),
    case("Masking", MARKED),
    case("Masking", MARKED, mask_value=-1.0),
    case("Masking", MARKED, masks=(STEPS,)),
]


def test_layers_that_pass_data_on_are_those_of_keras() -> None:
    compare("structure", CASES)


def test_a_function_gets_what_it_asks_for() -> None:
    seen = []

    def function(x, scale, mask=None, training=None):
        seen.append((mask, training))
        return x * scale

    x = np.float32([[1, 2]])
    with graphc.Graph().as_default(), graphc.Session() as session:
        layer = layers.Lambda(function, arguments={"scale": 3})
        mask = graphc.constant([True])
        np.testing.assert_array_equal(session.run(layer(x, training=True)), [[3, 6]])
        layer(x, mask=mask)
        assert layer.compute_output_shape((None, 2)) == (None, 2)
    assert [(m is not None, t) for m, t in seen[:2]] == [(False, True), (True, False)]


def test_a_function_has_the_shape_and_the_mask_that_it_is_said_to_have() -> None:
    x = graphc.constant(np.zeros((2, 3, 4), np.float32))
    plain = layers.Lambda(ops.sum, output_shape=(7,))
    assert plain.compute_output_shape((None, 3)) == (None, 7)
    told = layers.Lambda(ops.sum, output_shape=lambda shape: shape[:1])
    assert told.compute_output_shape((None, 3)) == (None,)
    mask = graphc.constant(STEPS)
    assert mask_of(layers.Lambda(ops.abs, mask=mask)(x)) is mask
    assert mask_of(layers.Lambda(ops.abs, mask=lambda inputs, old: mask)(x)) is mask
    assert mask_of(layers.Lambda(ops.abs)(x)) is None


def test_only_a_function_with_a_name_is_written() -> None:
    again = layers.deserialize(layers.serialize(layers.Lambda("relu", name="ramp")))
    assert again.name == "ramp"
    assert again.function is graphc.activations.get("relu")
    with pytest.raises(GraphcError, match="cannot be written"):
        layers.serialize(layers.Lambda(lambda x: x))
    with pytest.raises(GraphcError, match="takes a function"):
        layers.Lambda(3)


def test_a_wrapper_holds_a_layer() -> None:
    inner = layers.Dense(3)
    wrapper = layers.Wrapper(inner)
    wrapper.build((None, 2))
    assert wrapper.weights == inner.weights
    assert [w.shape for w in wrapper.weights] == [(2, 3), (3,)]
    again = layers.deserialize(layers.serialize(wrapper))
    assert again.layer.units == 3
    with pytest.raises(GraphcError, match="goes around a layer"):
        layers.Wrapper("dense")

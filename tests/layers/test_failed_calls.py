"""A call that fails leaves a layer, the layers in it and the graph as they were."""

from __future__ import annotations

import numpy as np
import pytest

import graphc
from graphc import layers


class Halfway(layers.Layer):
    """Builds itself and a layer inside, then fails as often as it is told."""

    def __init__(self, failures: int) -> None:
        super().__init__(name="halfway")
        self.failures = failures
        self.early = self.add_weight((), "ones", name="early")
        self.inner = layers.Dense(3)

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], 3), "ones", name="kernel")

    def call(self, inputs):
        result = self.inner(inputs)
        if self.failures:
            self.failures -= 1
            raise ValueError("not yet")
        return result * 0.0 + inputs @ self.kernel + self.early


def test_a_layer_whose_first_call_failed_is_not_built_and_works_when_called_again():
    x = graphc.constant(np.ones((2, 4), np.float32))
    layer = Halfway(failures=2)
    for _ in range(2):
        with pytest.raises(ValueError, match="not yet"):
            layer(x)
        assert not layer.built
        assert not layer.inner.built
        assert layer.weights == [layer.early]
        assert not hasattr(layer, "kernel")
    result = layer(x)
    assert [weight.shape for weight in layer.weights] == [(), (4, 3), (4, 3), (3,)]
    assert graphc.Session().run(result).tolist() == [[5.0] * 3] * 2


def test_a_layer_that_was_built_before_stays_built_when_a_later_call_fails():
    x = graphc.constant(np.ones((2, 4), np.float32))
    layer = Halfway(failures=0)
    layer(x)
    weights = layer.weights
    layer.failures = 1
    with pytest.raises(ValueError, match="not yet"):
        layer(x)
    assert layer.built
    assert layer.weights == weights


def test_layers_built_inside_of_a_failing_model_are_built_again():
    inner, outer = layers.Dense(2), Halfway(failures=1)
    model = graphc.Sequential([inner, outer])
    x = graphc.constant(np.ones((2, 4), np.float32))
    with pytest.raises(ValueError, match="not yet"):
        model(x)
    assert not inner.built
    assert not outer.built
    assert graphc.Session().run(model(x)).shape == (2, 3)

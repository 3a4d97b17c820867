"""Layers and weights that a call would make anew each time are told of; nothing is left behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import errors, layers

X = np.ones((4, 3), np.float32)


def trained(model: graphc.Model) -> graphc.Model:
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], verbose=0)
    return model


class MadeInCall(graphc.Model):
    def call(self, x: Any) -> Any:
        return layers.Dense(1)(x)


class KeptButMadeInEachCall(graphc.Model):
    def call(self, x: Any) -> Any:
        self.dense = layers.Dense(1)
        return self.dense(x)


class WeightInCall(graphc.Model):
    def call(self, x: Any) -> Any:
        return x @ self.add_weight((3, 1), name="kernel")


class VariableInCall(graphc.Model):
    def call(self, x: Any) -> Any:
        return x @ graphc.Variable(np.ones((3, 1), np.float32), name="kernel")


@pytest.mark.parametrize("make", [MadeInCall, KeptButMadeInEachCall, WeightInCall, VariableInCall])
def test_weights_that_each_call_makes_are_refused_with_the_line(make: Any) -> None:
    with pytest.raises(errors.GraphcError, match="new weights each time") as caught:
        trained(make()).predict(X, verbose=0)
    assert "kernel" in str(caught.value)
    assert "__init__" in str(caught.value)
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__


def test_a_layer_in_a_layer_is_refused_too_and_leaves_no_variable() -> None:
    class Block(layers.Layer):
        def call(self, x: Any) -> Any:
            return layers.LayerNormalization()(x)

    with graphc.Graph().as_default() as graph:
        x = graphc.Input((3,))
        with pytest.raises(errors.GraphcError, match="'block' makes new weights"):
            Block()(x)
        assert not graph.variables


def test_layers_without_weights_may_be_made_in_a_call() -> None:
    class Model(graphc.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x: Any) -> Any:
            return layers.Activation("tanh")(layers.Dropout(0.5)(self.dense(x)))

    assert len(trained(Model()).weights) == 2


def test_a_layer_may_be_built_by_a_later_call_or_made_by_the_first() -> None:
    class Model(graphc.Model):
        def __init__(self) -> None:
            super().__init__()
            self.auxiliary = layers.Dense(1)

        def call(self, x: Any, training: bool = False) -> Any:
            if not hasattr(self, "dense"):
                self.dense = layers.Dense(1)
            return self.dense(x) + (self.auxiliary(x) if training else 0.0)

    model = Model()
    model.compile("sgd", "mse")
    model.predict(X, verbose=0)
    assert len(model.weights) == 2
    model.fit(X, X[:, :1], verbose=0)
    assert len(model.weights) == 4
    assert model.predict(X, verbose=0).shape == (4, 1)

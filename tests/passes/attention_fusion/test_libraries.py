"""The attention of libraries is found, and their layers keep their numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc
from graphc.opset.samples import draw

X = jnp.asarray(draw(2, 6, 32))
Layer = tuple[Callable[..., Any], Any]


def flax_layer() -> Layer:
    linen = pytest.importorskip("flax.linen")
    layer = linen.MultiHeadDotProductAttention(num_heads=4, qkv_features=32)
    parameters = layer.init(jax.random.key(0), X)

    def call(parameters: Any, x: Any) -> Any:
        return layer.apply(parameters, x, mask=linen.make_causal_mask(x[..., 0]))

    return call, parameters


def haiku_layer() -> Layer:
    haiku = pytest.importorskip("haiku")

    def attend(x: Any) -> Any:
        layer = haiku.MultiHeadAttention(4, 8, w_init=haiku.initializers.VarianceScaling())
        return layer(x, x, x, mask=jnp.tril(jnp.ones((1, 1, 6, 6), bool)))

    transformed = haiku.without_apply_rng(haiku.transform(attend))
    return transformed.apply, transformed.init(jax.random.key(0), X)


def equinox_layer() -> Layer:
    equinox = pytest.importorskip("equinox")
    layer = equinox.nn.MultiheadAttention(4, 32, key=jax.random.key(0))
    parameters, rest = equinox.partition(layer, equinox.is_array)

    def call(parameters: Any, x: Any) -> Any:
        mask = jnp.tril(jnp.ones((6, 6), bool))
        whole = equinox.combine(parameters, rest)
        return jax.vmap(lambda row: whole(row, row, row, mask=mask))(x)

    return call, parameters


def keras_layer() -> Layer:
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "jax":
        pytest.skip("Keras runs on another back end")
    layer = keras.layers.MultiHeadAttention(4, 8)
    layer(X, X)

    def call(weights: Any, x: Any) -> Any:
        found, _ = layer.stateless_call(weights, [], x, x, use_causal_mask=True)
        return found

    return call, [variable.value for variable in layer.trainable_variables]


@pytest.mark.parametrize("make", [flax_layer, haiku_layer, equinox_layer, keras_layer])
def test_the_layer_of_a_library_holds_one_causal_attention(make: Callable[[], Layer]) -> None:
    call, parameters = make()
    compiled = graphc.jit(call)
    graph = compiled.graph(parameters, X, stage="composed")
    (found,) = (node for node in graph.nodes if node.op.name == "attention")
    assert found.attributes["is_causal"]
    assert len(found.inputs) == 3
    assert graph.count("softmax") == 0
    np.testing.assert_allclose(compiled(parameters, X), call(parameters, X), rtol=1e-4, atol=1e-5)

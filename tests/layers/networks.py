"""Small networks of stacked layers, written once for graphc and for Keras.

`python -m tests.layers.networks FILE` writes what Keras's give.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.layers.layer_cases import weight_values, write


def make_cnn(layers: Any) -> Any:
    """Convolutions of all kinds, pooling and a classifier: f32[batch, 12, 12, 3] to [batch, 5]."""

    class Network(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.stack = [
                layers.Conv2D(8, 3, padding="same", activation="relu"),
                layers.MaxPooling2D(2),
                layers.SeparableConv2D(6, 3, activation="relu"),
                layers.DepthwiseConv2D(2, depth_multiplier=2),
                layers.Conv2DTranspose(4, 3, strides=2, padding="same"),
                layers.Conv2D(8, 3, strides=2, groups=2, activation="tanh"),
                layers.AveragePooling2D(2, 1),
                layers.GlobalAveragePooling2D(),
                layers.Dense(5),
            ]

        def call(self, x: Any) -> Any:
            for layer in self.stack:
                x = layer(x)
            return x

    return Network()


def make_encoder(layers: Any, depth: int = 2, heads: int = 2, width: int = 8) -> Any:
    """Blocks of a Transformer, causal: f32[batch, steps, width] to the same."""

    class Network(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = [
                [
                    layers.LayerNormalization(),
                    layers.MultiHeadAttention(heads, width // heads),
                    layers.LayerNormalization(),
                    layers.Dense(2 * width, activation="gelu"),
                    layers.Dense(width),
                ]
                for _ in range(depth)
            ]

        def call(self, x: Any) -> Any:
            for before, attention, between, wide, narrow in self.blocks:
                normal = before(x)
                x = x + attention(normal, normal, use_causal_mask=True)
                x = x + narrow(wide(between(x)))
            return x

    return Network()


NETWORKS = {
    "cnn": (make_cnn, np.random.default_rng(0).normal(size=(3, 12, 12, 3)).astype(np.float32)),
    "encoder": (make_encoder, np.random.default_rng(1).normal(size=(3, 6, 8)).astype(np.float32)),
}


def kinds_of(network: Any) -> list[tuple[str, tuple[int, ...], str]]:
    """Name, shape and element type of each weight."""
    weights = network.weights
    return [(w.name.rpartition("/")[2], tuple(w.shape), str(w.dtype)) for w in weights]


def keras_answer(make: Any, inputs: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Weights, outputs and gradients by inputs and weights, of Keras's network."""
    import jax
    import jax.numpy as jnp
    import keras

    network = make(keras.layers)
    network(inputs)
    kinds = kinds_of(network)
    network.set_weights(weight_values(kinds))

    def loss(x: Any, weights: Any) -> Any:
        outputs, _ = network.stateless_call(weights, [], x)
        return jnp.sum(outputs * jnp.cos(jnp.arange(outputs.size)).reshape(outputs.shape)), outputs

    values = [v.value for v in network.trainable_variables]
    of_inputs, outputs = jax.jit(jax.grad(loss, (0, 1), has_aux=True))(inputs, values)
    made = [outputs, of_inputs[0], *of_inputs[1]]
    return {"weights": kinds, "numbers": [np.asarray(each) for each in made]}


if __name__ == "__main__":
    answers = {name: keras_answer(*network) for name, network in NETWORKS.items()}
    write(Path(sys.argv[1]), answers)

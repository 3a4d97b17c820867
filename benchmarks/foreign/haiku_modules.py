"""Haiku's transformed functions: an MLP, a residual network with batch normalization."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import haiku as hk
import jax
import jax.numpy as jnp

Case = tuple[Callable[..., Any], Sequence[Any]]


def mlp() -> Case:
    """An MLP with dropout."""

    def network(x: jax.Array) -> jax.Array:
        return hk.nets.MLP([128, 128, 10])(x, dropout_rate=0.1, rng=hk.next_rng_key())

    model = hk.transform(network)
    x = jax.random.normal(jax.random.key(1), (32, 64))
    weights = model.init(jax.random.key(0), x)

    def loss(weights: Any, key: jax.Array, x: jax.Array) -> jax.Array:
        return jnp.mean(model.apply(weights, key, x) ** 2)

    return jax.value_and_grad(loss), [weights, jax.random.key(2), x]


def resnet() -> Case:
    """Haiku's ResNet18, in training, on images of 32 pixels: convolutions repeat."""
    model = hk.transform_with_state(
        lambda x: hk.nets.ResNet18(10, initial_conv_config={"stride": 1})(x, is_training=True)
    )
    x = jax.random.normal(jax.random.key(1), (2, 32, 32, 3))
    weights, state = jax.jit(model.init)(jax.random.key(0), x)

    def loss(weights: Any, state: Any, x: jax.Array) -> Any:
        logits, state = model.apply(weights, state, None, x)
        return jnp.mean(logits**2), state

    return jax.value_and_grad(loss, has_aux=True), [weights, state, x]


PROGRAMS: Final = {"MLP with dropout": mlp, "ResNet18": resnet}

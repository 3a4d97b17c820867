"""Networks of `jax.example_libraries.stax`, trained by its optimizers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
from jax.example_libraries import optimizers, stax

Case = tuple[Callable[..., Any], Sequence[Any]]


def _train_step(network: Any, shape: tuple[int, ...], classes: int, optimizer: Any) -> Case:
    make, apply = network
    _, weights = make(jax.random.key(0), shape)
    start, update, read = optimizer

    def loss(weights: Any, x: jax.Array, y: jax.Array) -> jax.Array:
        return -jnp.mean(jnp.take_along_axis(apply(weights, x), y[:, None], 1))

    def step(number: jax.Array, state: Any, x: jax.Array, y: jax.Array) -> Any:
        return update(number, jax.grad(loss)(read(state), x, y), state)

    x = jax.random.normal(jax.random.key(1), shape)
    return step, [0, start(weights), x, jnp.arange(shape[0]) % classes]


def mlp() -> Case:
    """Three dense layers and momentum."""
    network = stax.serial(
        stax.Dense(128), stax.Relu, stax.Dense(128), stax.Relu, stax.Dense(10), stax.LogSoftmax
    )
    return _train_step(network, (32, 64), 10, optimizers.momentum(0.1, mass=0.9))


def cnn() -> Case:
    """Two convolutions with batch normalization, and Adam."""
    network = stax.serial(
        *(stax.Conv(16, (3, 3), padding="SAME"), stax.BatchNorm(), stax.Relu),
        stax.MaxPool((2, 2), strides=(2, 2)),
        *(stax.Conv(32, (3, 3), padding="SAME"), stax.BatchNorm(), stax.Relu),
        *(stax.Flatten, stax.Dense(10), stax.LogSoftmax),
    )
    return _train_step(network, (8, 16, 16, 1), 10, optimizers.adam(1e-3))


PROGRAMS: Final = {"MLP with momentum": mlp, "CNN with Adam": cnn}

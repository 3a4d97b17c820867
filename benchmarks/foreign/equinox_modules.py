"""Equinox modules: their arrays are arguments, the rest is static."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import equinox as eqx
import jax
import jax.numpy as jnp

Case = tuple[Callable[..., Any], Sequence[Any]]

_KEY: Final = jax.random.key(0)


def _gradient(model: Any, x: jax.Array) -> Case:
    arrays, static = eqx.partition(model, eqx.is_array)

    def loss(arrays: Any, x: jax.Array) -> jax.Array:
        return jnp.mean(jax.vmap(eqx.combine(arrays, static))(x) ** 2)

    return jax.value_and_grad(loss), [arrays, x]


class Gru(eqx.Module):
    """A GRU over a series."""

    cell: eqx.nn.GRUCell

    def __call__(self, series: jax.Array) -> jax.Array:
        def move(state: jax.Array, x: jax.Array) -> tuple[jax.Array, None]:
            return self.cell(x, state), None

        return jax.lax.scan(move, jnp.zeros(self.cell.hidden_size), series)[0]


def mlp() -> Case:
    """Equinox's own MLP."""
    return _gradient(eqx.nn.MLP(16, 4, 64, 3, key=_KEY), jnp.ones((32, 16)))


def cnn() -> Case:
    """Convolutions and pooling, channels first."""
    keys = jax.random.split(_KEY, 3)
    layers = [
        eqx.nn.Conv2d(1, 8, 3, key=keys[0]),
        eqx.nn.Lambda(jax.nn.relu),
        eqx.nn.MaxPool2d(2, 2),
        eqx.nn.Conv2d(8, 16, 3, key=keys[1]),
        eqx.nn.Lambda(jax.nn.relu),
        eqx.nn.Lambda(jnp.ravel),
        eqx.nn.Linear(16 * 5 * 5, 10, key=keys[2]),
    ]
    return _gradient(eqx.nn.Sequential(layers), jax.random.normal(_KEY, (8, 1, 16, 16)))


def gru() -> Case:
    """A GRU."""
    return _gradient(Gru(eqx.nn.GRUCell(6, 32, key=_KEY)), jax.random.normal(_KEY, (8, 20, 6)))


PROGRAMS: Final = {"MLP": mlp, "CNN": cnn, "GRU": gru}

"""Flax's NNX modules, split into a graph and a state as functions of arrays want them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
from flax import nnx

Case = tuple[Callable[..., Any], Sequence[Any]]


class Block(nnx.Module):
    """A dense layer with normalization and dropout."""

    def __init__(self, width: int, rngs: nnx.Rngs) -> None:
        self.dense = nnx.Linear(width, width, rngs=rngs)
        self.norm = nnx.LayerNorm(width, rngs=rngs)
        self.dropout = nnx.Dropout(0.1, deterministic=True)

    def __call__(self, x: jax.Array) -> jax.Array:
        return x + self.dropout(nnx.silu(self.dense(self.norm(x))))


class Network(nnx.Module):
    """Blocks in a row."""

    def __init__(self, depth: int, width: int, rngs: nnx.Rngs) -> None:
        self.blocks = nnx.List([Block(width, rngs) for _ in range(depth)])

    def __call__(self, x: jax.Array) -> jax.Array:
        for block in self.blocks:
            x = block(x)
        return x


def _gradient(depth: int, width: int) -> Case:
    graph, state = nnx.split(Network(depth, width, nnx.Rngs(0)))

    def loss(state: Any, x: jax.Array) -> jax.Array:
        return jnp.mean(nnx.merge(graph, state)(x) ** 2)

    x = jax.random.normal(jax.random.key(1), (64, width))
    return jax.value_and_grad(loss), [state, x]


def residual() -> Case:
    """Three blocks."""
    return _gradient(3, 64)


def deep_residual() -> Case:
    """Twelve blocks."""
    return _gradient(12, 128)


PROGRAMS: Final = {"residual MLP": residual, "residual MLP of 12 blocks": deep_residual}

"""Flax's Linen modules with optax: an MLP, a CNN, a Transformer, an LSTM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

Case = tuple[Callable[..., Any], Sequence[Any]]


class Mlp(nn.Module):
    """Dense layers."""

    widths: Sequence[int]

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for width in self.widths[:-1]:
            x = nn.relu(nn.Dense(width)(x))
        return nn.Dense(self.widths[-1])(x)


class Cnn(nn.Module):
    """Two convolutions, pooling, two dense layers."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for channels in (16, 32):
            x = nn.avg_pool(nn.relu(nn.Conv(channels, (3, 3))(x)), (2, 2), strides=(2, 2))
        x = nn.relu(nn.Dense(64)(x.reshape(x.shape[0], -1)))
        return nn.Dense(10)(x)


class Transformer(nn.Module):
    """Blocks of causal attention."""

    depth: int
    width: int = 64

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        x = nn.Embed(64, self.width)(tokens)
        mask = nn.make_causal_mask(tokens)
        for _ in range(self.depth):
            # a bias of keys has a gradient of nothing but rounding, and so have Adam's moments
            attention = nn.SelfAttention(num_heads=4, use_bias=False)
            x = x + attention(nn.LayerNorm()(x), mask=mask)
            x = x + nn.Dense(self.width)(nn.gelu(nn.Dense(4 * self.width)(nn.LayerNorm()(x))))
        return nn.Dense(64)(nn.LayerNorm()(x))


class Lstm(nn.Module):
    """An LSTM over a series, a dense layer on its last state."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return nn.Dense(10)(nn.RNN(nn.OptimizedLSTMCell(32))(x)[:, -1])


def _train_step(
    model: nn.Module, x: jax.Array, y: jax.Array, optimizer: optax.GradientTransformation
) -> Case:
    weights = jax.jit(model.init)(jax.random.key(0), x)

    def loss(weights: Any) -> jax.Array:
        logits: Any = model.apply(weights, x)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

    def step(weights: Any, state: Any) -> Any:
        value, slopes = jax.value_and_grad(loss)(weights)
        updates, state = optimizer.update(slopes, state, weights)
        return optax.apply_updates(weights, updates), state, value

    return step, [weights, optimizer.init(weights)]


def _normal(*shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(1), shape)


def forward() -> Case:
    """The MLP without its training."""
    model = Mlp((128, 128, 10))
    x = _normal(32, 64)
    return model.apply, [jax.jit(model.init)(jax.random.key(0), x), x]


def mlp() -> Case:
    """The MLP and Adam."""
    return _train_step(Mlp((128, 128, 10)), _normal(32, 64), jnp.arange(32) % 10, optax.adam(1e-3))


def cnn() -> Case:
    """The CNN and momentum."""
    optimizer = optax.sgd(0.1, momentum=0.9)
    return _train_step(Cnn(), _normal(8, 16, 16, 1), jnp.arange(8) % 10, optimizer)


def lstm() -> Case:
    """The LSTM and Adam."""
    return _train_step(Lstm(), _normal(8, 20, 6), jnp.arange(8) % 10, optax.adam(1e-3))


def transformer() -> Case:
    """Two blocks and AdamW."""
    tokens = jnp.arange(4 * 32).reshape(4, 32) * 7 % 64
    return _train_step(Transformer(2), tokens, tokens, optax.adamw(1e-3))


def deep_transformer() -> Case:
    """Twelve blocks of width 128 and AdamW: layers repeat.

    With AdamW's own epsilon, its first step would make as much of a small gradient's rounding.
    """
    tokens = jnp.arange(4 * 64).reshape(4, 64) * 7 % 64
    optimizer = optax.adamw(1e-3, eps=1e-2)
    return _train_step(Transformer(12, width=128), tokens, tokens, optimizer)


PROGRAMS: Final = {
    "MLP": forward,
    "MLP with Adam": mlp,
    "CNN with momentum": cnn,
    "LSTM with Adam": lstm,
    "Transformer with AdamW": transformer,
    "Transformer of 12 blocks with AdamW": deep_transformer,
}

"""Optimizers of optax on a small network: chains, schedules, a line search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import optax

Case = tuple[Callable[..., Any], Sequence[Any]]


def _loss(weights: Any, x: jax.Array, y: jax.Array) -> jax.Array:
    for layer in weights[:-1]:
        x = jax.nn.relu(x @ layer["kernel"] + layer["bias"])
    logits = x @ weights[-1]["kernel"] + weights[-1]["bias"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def _train_step(optimizer: optax.GradientTransformation, *widths: int) -> Case:
    keys = jax.random.split(jax.random.key(0), len(widths))
    weights = [
        {"kernel": jax.random.normal(key, (left, right)) / left**0.5, "bias": jnp.zeros(right)}
        for key, left, right in zip(keys, widths, widths[1:], strict=False)
    ]

    def step(weights: Any, state: Any, x: jax.Array, y: jax.Array) -> Any:
        value, slopes = jax.value_and_grad(_loss)(weights, x, y)
        updates, state = optimizer.update(slopes, state, weights)
        return optax.apply_updates(weights, updates), state, value

    x = jax.random.normal(jax.random.key(1), (32, widths[0]))
    return step, [weights, optimizer.init(weights), x, jnp.arange(32) % widths[-1]]


def adamw() -> Case:
    """AdamW with a warm-up and a cosine, gradients clipped by their global norm."""
    rate = optax.warmup_cosine_decay_schedule(0.0, 1e-3, 10, 100)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(rate))
    return _train_step(optimizer, 64, 128, 128, 128, 128, 10)


def lion() -> Case:
    """Lion: steps by sign."""
    return _train_step(optax.lion(1e-4), 64, 128, 128, 10)


def adafactor() -> Case:
    """Adafactor: factored second moments."""
    return _train_step(optax.adafactor(1e-3), 64, 128, 128, 10)


def lbfgs() -> Case:
    """L-BFGS with its line search."""
    optimizer = optax.lbfgs()

    def value(x: jax.Array) -> jax.Array:
        return jnp.sum((x - jnp.arange(8.0)) ** 2 * jnp.arange(1.0, 9.0)) + jnp.sum(jnp.cos(x))

    def step(x: jax.Array, state: Any) -> Any:
        found, slope = optax.value_and_grad_from_state(value)(x, state=state)
        updates, state = optimizer.update(slope, state, x, value=found, grad=slope, value_fn=value)
        return optax.apply_updates(x, updates), state

    start = jnp.zeros(8)
    return step, [start, optimizer.init(start)]


PROGRAMS: Final = {
    "AdamW, clipped, scheduled": adamw,
    "Lion": lion,
    "Adafactor": adafactor,
    "L-BFGS": lbfgs,
}

"""Derivatives, `vmap` and `remat` of networks that are written out as Python loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp

Case = tuple[Callable[..., Any], Sequence[Any]]
Layers = list[tuple[jax.Array, jax.Array]]


def _layers(*widths: int) -> Layers:
    keys = jax.random.split(jax.random.key(0), len(widths))
    return [
        (jax.random.normal(key, (left, right)) / left**0.5, jnp.zeros(right))
        for key, left, right in zip(keys, widths, widths[1:], strict=False)
    ]


def _apply(layers: Layers, x: jax.Array) -> jax.Array:
    for weight, bias in layers[:-1]:
        x = jnp.tanh(x @ weight + bias)
    weight, bias = layers[-1]
    return x @ weight + bias


def _loss(layers: Layers, x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.mean((_apply(layers, x) - y) ** 2)


def hessian() -> Case:
    """A Hessian in the input of a small network."""
    layers = _layers(6, 16, 16, 1)
    return jax.hessian(lambda x: _apply(layers, x)[0]), [jnp.ones(6)]


def directional() -> Case:
    """A derivative along a direction, of the gradient: a Hessian's product with a vector."""
    layers, x, y = _layers(8, 32, 32, 4), jnp.ones((16, 8)), jnp.zeros((16, 4))

    def product(layers: Layers, direction: Layers) -> Any:
        return jax.jvp(lambda w: jax.grad(_loss)(w, x, y), (layers,), (direction,))[1]

    return product, [layers, layers]


def per_example() -> Case:
    """Gradients of each example: `vmap` of `grad` of a `jit`."""
    layers = _layers(8, 32, 32, 4)
    slopes = jax.vmap(jax.grad(jax.jit(_loss)), in_axes=(None, 0, 0))
    return slopes, [layers, jnp.ones((16, 8)), jnp.zeros((16, 4))]


def rematerialized() -> Case:
    """A train step of eight layers, each under `jax.checkpoint`."""

    def loss(layers: Layers, x: jax.Array) -> jax.Array:
        for weight, bias in layers:
            x = x + jax.checkpoint(lambda x, w, b: jnp.tanh(x @ w + b))(x, weight, bias)
        return jnp.mean(x**2)

    return jax.value_and_grad(loss), [_layers(*[64] * 9), jnp.ones((32, 64))]


def meta_learning() -> Case:
    """A gradient through two steps of gradient descent."""
    x, y = jnp.ones((16, 8)), jnp.zeros((16, 4))

    def adapted(layers: Layers) -> jax.Array:
        for _ in range(2):
            slopes = jax.grad(_loss)(layers, x, y)
            layers = jax.tree.map(lambda w, g: w - 0.1 * g, layers, slopes)
        return _loss(layers, x, y)

    return jax.grad(adapted), [_layers(8, 32, 32, 4)]


def shallow_step() -> Case:
    """A step of gradient descent on four layers."""

    def step(layers: Layers, x: jax.Array, y: jax.Array) -> Any:
        value, slopes = jax.value_and_grad(_loss)(layers, x, y)
        return jax.tree.map(lambda w, g: w - 0.1 * g, layers, slopes), value

    return step, [_layers(16, 64, 64, 64, 4), jnp.ones((32, 16)), jnp.zeros((32, 4))]


def deep_step() -> Case:
    """A step of gradient descent on 32 layers of width 256: layers repeat."""

    def loss(layers: Layers, x: jax.Array) -> jax.Array:
        for weight, bias in layers:
            x = x + jax.nn.gelu(jax.nn.standardize(x) @ weight + bias)
        return jnp.mean(x**2)

    def step(layers: Layers, x: jax.Array) -> Any:
        value, slopes = jax.value_and_grad(loss)(layers, x)
        return jax.tree.map(lambda w, g: w - 0.1 * g, layers, slopes), value

    return step, [_layers(*[256] * 33), jnp.ones((512, 256))]


PROGRAMS: Final = {
    "Hessian": hessian,
    "Hessian times vector": directional,
    "gradients of each example": per_example,
    "gradient through two steps": meta_learning,
    "four layers": shallow_step,
    "eight layers under checkpoint": rematerialized,
    "32 layers": deep_step,
}

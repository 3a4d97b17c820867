"""Networks in plain JAX, layers written out: LLaMA, GPT-2, a mixer, recurrent cells, graphs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

Case = tuple[Callable[..., Any], Sequence[Any]]


class Draws:
    """Arrays of normal numbers, one after the other."""

    def __init__(self) -> None:
        self._generator = np.random.default_rng(0)

    def __call__(self, *shape: int) -> jax.Array:
        scale = 1 / math.sqrt(shape[-2] if len(shape) > 1 else 1)
        return jnp.asarray(self._generator.normal(size=shape) * scale, jnp.float32)

    def tokens(self, *shape: int) -> jax.Array:
        return jnp.asarray(self._generator.integers(0, 50, shape), jnp.int32)


def descend(loss: Callable[..., jax.Array]) -> Callable[..., Any]:
    """A step of gradient descent on a loss of weights and a batch."""

    def step(weights: Any, *batch: Any) -> Any:
        value, slopes = jax.value_and_grad(loss)(weights, *batch)
        return jax.tree.map(lambda w, slope: w - 0.1 * slope, weights, slopes), value

    return step


def likelihood(logits: jax.Array, tokens: jax.Array) -> jax.Array:
    """The mean loss of predicting tokens by `logits: f32[..., tokens]`."""
    scores = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(scores, tokens[..., None], -1).mean()


def _root_mean_square(x: jax.Array, scale: jax.Array) -> jax.Array:
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-6) * scale


def _rotated(x: jax.Array) -> jax.Array:
    """Rotary positions of `x: f32[batch, places, heads, width]`."""
    rates = 1e4 ** -(jnp.arange(0, x.shape[-1], 2) / x.shape[-1])
    angles = (jnp.arange(x.shape[1])[:, None] * rates)[:, None]
    even, odd = x[..., ::2], x[..., 1::2]
    turned = (
        even * jnp.cos(angles) - odd * jnp.sin(angles),
        even * jnp.sin(angles) + odd * jnp.cos(angles),
    )
    return jnp.stack(turned, -1).reshape(x.shape)


def _llama_block(w: dict[str, jax.Array], x: jax.Array) -> jax.Array:
    batch, places, width = x.shape
    h = _root_mean_square(x, w["first"])
    q, k, v = ((h @ w[name]).reshape(batch, places, -1, 8) for name in "qkv")
    k, v = (jnp.repeat(each, q.shape[2] // k.shape[2], axis=2) for each in (k, v))
    logits = jnp.einsum("bqhd,bkhd->bhqk", _rotated(q), _rotated(k)) / math.sqrt(8)
    logits = jnp.where(jnp.tril(jnp.ones((places, places), bool)), logits, -jnp.inf)
    mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(logits), v)
    x = x + mixed.reshape(batch, places, width) @ w["out"]
    h = _root_mean_square(x, w["second"])
    return x + (jax.nn.silu(h @ w["gate"]) * (h @ w["up"])) @ w["down"]


def _llama(is_remade: bool) -> Case:
    draw = Draws()
    shapes = {"q": (32, 32), "k": (32, 16), "v": (32, 16), "out": (32, 32)}
    shapes |= {"gate": (32, 64), "up": (32, 64), "down": (64, 32)}
    ones = {"first": jnp.ones(32), "second": jnp.ones(32)}
    blocks = [{n: draw(*shape) for n, shape in shapes.items()} | ones for _ in range(12)]
    block = jax.checkpoint(_llama_block) if is_remade else _llama_block

    def loss(weights: Any, tokens: jax.Array) -> jax.Array:
        x = weights["table"][tokens[:, :-1]]
        for each in weights["blocks"]:
            x = block(each, x)
        return likelihood(x @ weights["head"], tokens[:, 1:])

    weights = {"table": draw(50, 32), "blocks": blocks, "head": draw(32, 50)}
    return descend(loss), [weights, draw.tokens(8, 65)]


def llama() -> Case:
    """Rotary positions, grouped heads and gated layers, 12 blocks of them."""
    return _llama(is_remade=False)


def llama_remade() -> Case:
    """The same, with each block computed again on the way back."""
    return _llama(is_remade=True)


def normalized(x: jax.Array) -> jax.Array:
    """Numbers of mean 0 and variance 1 along the last axis."""
    centered = x - x.mean(-1, keepdims=True)
    return centered / jnp.sqrt((centered**2).mean(-1, keepdims=True) + 1e-5)


def gpt() -> Case:
    """GPT-2's blocks, queries, keys and values in one product, with dropout."""
    draw = Draws()
    shapes = [(32, 96), (32, 32), (32, 128), (128, 32)]
    blocks = [[draw(*shape) for shape in shapes] for _ in range(12)]

    def loss(weights: Any, tokens: jax.Array, key: jax.Array) -> jax.Array:
        x = weights["table"][tokens[:, :-1]]
        batch, places, width = x.shape
        for joint, out, up, down in weights["blocks"]:
            key, own = jax.random.split(key)
            heads = (normalized(x) @ joint).reshape(batch, places, 3, 4, 8)
            q, k, v = jnp.moveaxis(heads, (2, 3), (0, 2))
            logits = q @ k.swapaxes(-1, -2) / math.sqrt(8)
            logits = jnp.where(jnp.tri(places) == 0, -1e10, logits)
            mixed = (jax.nn.softmax(logits) @ v).swapaxes(1, 2).reshape(batch, places, width)
            mixed = mixed @ out
            x = x + jnp.where(jax.random.bernoulli(own, 0.9, mixed.shape), mixed / 0.9, 0)
            x = x + jax.nn.gelu(normalized(x) @ up) @ down
        return likelihood(normalized(x) @ weights["table"].T, tokens[:, 1:])

    weights = {"table": draw(50, 32), "blocks": blocks}
    return descend(loss), [weights, draw.tokens(8, 65), jax.random.PRNGKey(3)]


def mixer() -> Case:
    """Eight blocks that mix places, then channels."""
    draw = Draws()
    shapes = [(16, 32), (32, 16), (24, 48), (48, 24)]
    blocks = [[draw(*shape) for shape in shapes] for _ in range(8)]

    def loss(weights: Any, x: jax.Array) -> jax.Array:
        for wide, narrow, up, down in weights:
            h = normalized(x).swapaxes(1, 2)
            x = x + (jax.nn.gelu(h @ wide) @ narrow).swapaxes(1, 2)
            x = x + jax.nn.gelu(normalized(x) @ up) @ down
        return jnp.mean(x**2)

    return descend(loss), [blocks, draw(16, 16, 24)]


def lstm() -> Case:
    """An LSTM whose 60 steps are written out in Python."""
    draw = Draws()

    def loss(weights: Any, series: jax.Array) -> jax.Array:
        hidden = cell = jnp.zeros(series.shape[1:])
        total = jnp.zeros(())
        for x in series:
            gates = x @ weights[0] + hidden @ weights[1] + weights[2]
            enter, new, keep, leave = jnp.split(gates, 4, -1)
            cell = jax.nn.sigmoid(keep) * cell + jax.nn.sigmoid(enter) * jnp.tanh(new)
            hidden = jax.nn.sigmoid(leave) * jnp.tanh(cell)
            total = total + jnp.mean(hidden**2)
        return total

    return descend(loss), [[draw(16, 64), draw(16, 64), jnp.zeros(64)], draw(60, 32, 16)]


def runge_kutta() -> Case:
    """A neural differential equation, 20 steps of fourth order written out."""
    draw = Draws()

    def loss(weights: Any, y: jax.Array) -> jax.Array:
        def slope(y: jax.Array) -> jax.Array:
            return jnp.tanh(y @ weights[0]) @ weights[1]

        for _ in range(20):
            first = slope(y)
            second = slope(y + 0.05 * first)
            third = slope(y + 0.05 * second)
            y = y + 0.1 / 6 * (first + 2 * second + 2 * third + slope(y + 0.1 * third))
        return jnp.mean(y**2)

    return descend(loss), [[draw(3, 32), draw(32, 3)], draw(256, 3)]


def messages() -> Case:
    """Six layers of messages along the edges of a graph, added up by `segment_sum`."""
    draw = Draws()
    layers = [[draw(24, 12), draw(24, 12)] for _ in range(6)]
    start, end = draw.tokens(2, 200)

    def loss(weights: Any, x: jax.Array) -> jax.Array:
        for send, update in weights:
            sent = jax.nn.relu(jnp.concatenate([x[start], x[end]], -1) @ send)
            mean = jax.ops.segment_sum(sent, end, 50) / 4
            most = jax.ops.segment_max(sent, end, 50).clip(-5, 5)
            both = jnp.concatenate([x, mean + most], -1)
            x = normalized(x + jax.nn.relu(both @ update))
        return jnp.mean(x**3)

    return descend(loss), [layers, draw(50, 12)]


def decoding() -> Case:
    """One token more, with keys and values kept: eight layers, caches written in place."""
    draw = Draws()
    layers = [[draw(32, 96), draw(32, 32)] for _ in range(8)]
    caches = [jnp.zeros((2, 2, 20, 4, 8)) for _ in layers]

    def decode(weights: Any, caches: Any, x: jax.Array, place: jax.Array) -> Any:
        kept: list[jax.Array] = []
        for (joint, out), cache in zip(weights, caches, strict=True):
            q, k, v = jnp.moveaxis((x @ joint).reshape(-1, 1, 3, 4, 8), 2, 0)
            at = (0, 0, place, 0, 0)
            kept.append(jax.lax.dynamic_update_slice(cache, jnp.stack([k, v]), at))
            logits = jnp.einsum("bqhd,bkhd->bhqk", q, kept[-1][0]) / math.sqrt(8)
            shares = jax.nn.softmax(jnp.where(jnp.arange(20) <= place, logits, -1e30))
            x = x + jnp.einsum("bhqk,bkhd->bqhd", shares, kept[-1][1]).reshape(x.shape) @ out
        return x, kept

    return decode, [layers, caches, draw(2, 32), 5]


def applied() -> Case:
    """Elements that are changed where they lie, each in another way."""

    def change(x: jax.Array, places: jax.Array, rows: jax.Array) -> Any:
        x = x.at[::2].apply(jnp.exp).at[places].add(rows).at[1].apply(jnp.sin)
        dropped = x.at[places + 40].multiply(rows, mode="drop")
        return x, dropped, x.at[places].get(mode="fill", fill_value=-1), x.at[places].max(rows)

    draw = Draws()
    return change, [draw(32, 8), jnp.array([0, 3, 3, 40]), draw(4, 8)]


PROGRAMS: Final = {
    "elements changed by functions": applied,
    "one token of 8 layers with caches": decoding,
    "messages in 6 layers": messages,
    "Runge-Kutta, 20 steps": runge_kutta,
    "mixer of 8 blocks": mixer,
    "LSTM, 60 steps": lstm,
    "GPT-2 of 12 blocks": gpt,
    "LLaMA of 12 blocks": llama,
    "LLaMA of 12 blocks, remade": llama_remade,
}

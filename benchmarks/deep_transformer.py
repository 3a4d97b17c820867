"""A Transformer's train step, layer by layer: in a session, and by hand in JAX.

Both have the same shapes: pre-normalised blocks with causal attention and a feed-forward part four
times as wide, a linear layer before and after, the mean square error, and Adam.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

import graphc
from graphc import ops

BATCH: Final = 4
HEADS: Final = 4
RATE: Final = 1e-3

Step = Callable[[], float]
"""Does one train step; gives the loss before it."""


def make_data(width: int, length: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Inputs and targets: f32[batch, length, width]."""
    generator = np.random.default_rng(0)
    shape = (BATCH, length, width)
    x, y = generator.standard_normal(shape), generator.standard_normal(shape)
    return x.astype(np.float32), y.astype(np.float32)


def _weight_shapes(width: int) -> dict[str, tuple[int, ...]]:
    square = dict.fromkeys(("query", "key", "value", "output"), (width, width))
    vectors = dict.fromkeys(("scale_1", "shift_1", "scale_2", "shift_2"), (width,))
    return {**square, "up": (width, 4 * width), "down": (4 * width, width), **vectors}


# -- in a session ----------------------------------------------------------------------------------


def _variable(name: str, shape: tuple[int, ...]) -> graphc.Variable:
    if len(shape) == 1:
        initial: Any = np.full(shape, float("scale" in name), np.float32)
    else:
        bound = (6 / sum(shape)) ** 0.5
        initial = graphc.random.uniform(shape, -bound, bound)
    return graphc.Variable(initial, name=name)


def _normalise(x: Any, scale: Any, shift: Any) -> Any:
    return graphc.nn.layer_normalization(x, scale, shift, epsilon=1e-6)


def _block(x: Any, mask: Any) -> Any:
    _, length, width = x.shape
    weights = {name: _variable(name, shape) for name, shape in _weight_shapes(width).items()}

    def heads(tensor: Any) -> Any:
        return ops.transpose(
            ops.reshape(tensor, (BATCH, length, HEADS, width // HEADS)), (0, 2, 1, 3)
        )

    a = _normalise(x, weights["scale_1"], weights["shift_1"])
    query, key, value = (heads(a @ weights[name]) for name in ("query", "key", "value"))
    scores = query @ ops.transpose(key, (0, 1, 3, 2)) / (width // HEADS) ** 0.5 + mask
    mixed = ops.transpose(graphc.nn.softmax(scores) @ value, (0, 2, 1, 3))
    x = x + ops.reshape(mixed, (BATCH, length, width)) @ weights["output"]
    a = _normalise(x, weights["scale_2"], weights["shift_2"])
    return x + graphc.nn.gelu(a @ weights["up"]) @ weights["down"]


def in_a_session(
    layers: int, width: int, length: int, memory_budget: int | str | None = None
) -> tuple[Step, Callable[[], Any]]:
    """The train step with graphc, and what gives its program; nothing is compiled before either."""
    x, y = make_data(width, length)
    with graphc.Graph().as_default() as graph:
        inputs, targets = (graphc.placeholder("float32", x.shape) for _ in range(2))
        mask = np.where(np.tri(length, dtype=bool), 0, -1e9).astype(np.float32)
        hidden = inputs @ _variable("first", (width, width))
        for number in range(layers):
            with graphc.name_scope(f"layer_{number}"):
                hidden = _block(hidden, mask)
        predicted = hidden @ _variable("last", (width, width))
        loss = ops.mean(ops.square(predicted - targets))
        train = graphc.optimizers.Adam(RATE).minimize(loss)
    session = graphc.Session(graph, memory_budget=memory_budget)

    def step() -> float:
        return float(session.run([loss, train], {inputs: x, targets: y})[0])

    return step, lambda: session.compile([loss, train], [inputs, targets])


# -- by hand ---------------------------------------------------------------------------------------

Weights = dict[str, Any]


def initial_weights(layers: int, width: int) -> Weights:
    """First, last, and a dictionary for each layer."""
    keys = iter(jax.random.split(jax.random.key(0), 2 + 6 * layers))

    def matrix(shape: tuple[int, ...]) -> jax.Array:
        bound = (6 / sum(shape)) ** 0.5
        return jax.random.uniform(next(keys), shape, minval=-bound, maxval=bound)

    def layer() -> Weights:
        return {
            name: matrix(shape) if len(shape) == 2 else jnp.full(shape, float("scale" in name))
            for name, shape in _weight_shapes(width).items()
        }

    square = (width, width)
    return {
        "first": matrix(square),
        "layers": [layer() for _ in range(layers)],
        "last": matrix(square),
    }


def _jax_normalise(x: jax.Array, scale: jax.Array, shift: jax.Array) -> jax.Array:
    mean = jnp.mean(x, -1, keepdims=True)
    variance = jnp.mean((x - mean) ** 2, -1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(variance + 1e-6) * scale + shift


def _jax_block(x: jax.Array, weights: Weights, mask: Any) -> jax.Array:
    _, length, width = x.shape

    def heads(array: jax.Array) -> jax.Array:
        return array.reshape(BATCH, length, HEADS, width // HEADS).transpose(0, 2, 1, 3)

    a = _jax_normalise(x, weights["scale_1"], weights["shift_1"])
    query, key, value = (heads(a @ weights[name]) for name in ("query", "key", "value"))
    scores = query @ key.transpose(0, 1, 3, 2) / (width // HEADS) ** 0.5 + mask
    mixed = (jax.nn.softmax(scores) @ value).transpose(0, 2, 1, 3)
    x = x + mixed.reshape(BATCH, length, width) @ weights["output"]
    a = _jax_normalise(x, weights["scale_2"], weights["shift_2"])
    return x + jax.nn.gelu(a @ weights["up"]) @ weights["down"]


def jax_loss(weights: Weights, x: Any, y: Any) -> jax.Array:
    """The mean square error; the layers are a Python loop."""
    mask = np.where(np.tri(x.shape[1], dtype=bool), 0, -1e9).astype(np.float32)
    hidden = x @ weights["first"]
    for layer in weights["layers"]:
        hidden = _jax_block(hidden, layer, mask)
    return jnp.mean((hidden @ weights["last"] - y) ** 2)


def jax_train_step(state: Any, x: Any, y: Any) -> tuple[Any, jax.Array]:
    """Adam, written out as optax does it."""
    weights, first, second, count = state
    loss, slopes = jax.value_and_grad(jax_loss)(weights, x, y)
    count = count + 1
    tree = jax.tree.map
    first = tree(lambda m, g: 0.9 * m + 0.1 * g, first, slopes)
    second = tree(lambda v, g: 0.999 * v + 0.001 * g * g, second, slopes)
    scale = RATE * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    weights = tree(lambda w, m, v: w - scale * m / (jnp.sqrt(v) + 1e-7), weights, first, second)
    return (weights, first, second, count), loss


def by_hand(layers: int, width: int, length: int) -> tuple[Step, Any]:
    """The train step with `jax.jit`, state donated; nothing is compiled before the first step."""
    x, y = make_data(width, length)
    program = jax.jit(lambda *given: jax_train_step(*given), donate_argnums=0)
    state: Any = None

    def step() -> float:
        nonlocal state
        if state is None:
            weights = jax.jit(lambda: initial_weights(layers, width))()
            zeros = jax.tree.map(jnp.zeros_like, weights)
            state = (weights, zeros, jax.tree.map(jnp.copy, zeros), jnp.zeros((), jnp.float32))
        state, loss = program(state, x, y)
        return float(loss)

    def temp_bytes() -> int:
        return program.lower(state, x, y).compile().memory_analysis().temp_size_in_bytes

    return step, temp_bytes

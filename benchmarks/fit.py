"""What `fit` costs beside a careful hand-written JAX loop, beside Keras, and beside bare steps.

The network is the 64-64-10 MLP on 1,792 rows of digits' size, batches of 32, Adam. One action is
ten epochs: `fit` with shuffling and the mean loss, as anybody calls it; in JAX a jitted step with
donated state and optax-like Adam written out, called for each batch of a shuffled epoch that lies
on the device; in Keras its own `fit` on the JAX backend, if Keras is installed.

The second case has a million rows of tabular data and large batches: the share of an epoch that is
the bare steps, run as one loop without shuffling, metrics or callbacks.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import graphc
from benchmarks.harness import Case, Comparison, main
from graphc.training.data.groups import Group
from graphc.training.data.placement import place

ROWS, FEATURES, CLASSES, BATCH = 1792, 64, 10, 32


def make_data(rows: int, features: int, classes: int) -> tuple[Any, Any]:
    """Rows of numbers and a class for each."""
    generator = np.random.default_rng(0)
    x = generator.random((rows, features), dtype=np.float32)
    return x, generator.integers(0, classes, rows).astype(np.int32)


def make_fit(x: Any, y: Any, hidden: int, batch: int, epochs: int) -> Callable[[], object]:
    """Ten epochs by graphc."""
    with graphc.Graph().as_default():
        model = graphc.Sequential(
            [
                graphc.Input(x.shape[1:]),
                graphc.layers.Dense(hidden, activation="relu"),
                graphc.layers.Dense(CLASSES),
            ]
        )
        loss = graphc.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(graphc.optimizers.Adam(1e-3), loss)
    return lambda: model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)


def make_jax_loop(x: Any, y: Any, hidden: int, batch: int, epochs: int) -> Callable[[], object]:
    """The same by a hand-written loop: a jitted step, state donated, data on the device."""
    generator = np.random.default_rng(1)
    sizes = [(x.shape[1], hidden), (hidden, CLASSES)]
    params = [
        (jnp.asarray(generator.normal(0, 0.1, size), jnp.float32), jnp.zeros(size[1]))
        for size in sizes
    ]
    zeros = jax.tree.map(jnp.zeros_like, params)
    state = [params, zeros, jax.tree.map(jnp.zeros_like, params), jnp.zeros((), jnp.int32)]

    def loss_of(params: Any, x: Any, y: Any) -> Any:
        (w1, b1), (w2, b2) = params
        logits = jax.nn.relu(x @ w1 + b1) @ w2 + b2
        picked = jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1)
        return -picked.mean()

    def step(state: Any, x: Any, y: Any) -> Any:
        params, first, second, count = state
        loss, gradients = jax.value_and_grad(loss_of)(params, x, y)
        count = count + 1
        rate = 1e-3 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradients)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradients)
        params = jax.tree.map(
            lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-7), params, first, second
        )
        return [params, first, second, count], loss

    jitted = jax.jit(step, donate_argnums=0)
    take = jax.jit(lambda x, y, rows: (x[rows], y[rows]))
    on_device = jax.device_put(x), jax.device_put(y)

    def run() -> object:
        nonlocal state
        mean = 0.0
        for _ in range(epochs):
            order = generator.permutation(len(x)).astype(np.int32)
            shuffled_x, shuffled_y = take(*on_device, order)
            batches_x = list(shuffled_x.reshape(-1, batch, x.shape[1]))
            batches_y = list(shuffled_y.reshape(-1, batch))
            total = jnp.zeros(())
            for batch_x, batch_y in zip(batches_x, batches_y, strict=True):
                state, loss = jitted(state, batch_x, batch_y)
                total = total + loss
            mean = float(total) / len(batches_x)
        return mean

    return run


def make_keras_fit(x: Any, y: Any, hidden: int, batch: int, epochs: int) -> Callable[[], object]:
    """The same by Keras on its JAX backend."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    layers = [keras.layers.Dense(hidden, activation="relu"), keras.layers.Dense(CLASSES)]
    model: Any = keras.Sequential([keras.Input(x.shape[1:]), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss)
    return lambda: model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0)


def make_bare_loop(x: Any, y: Any, hidden: int, batch: int) -> tuple[Any, Any]:
    """A fit of one epoch, and the same steps as one loop with nothing around it."""
    with graphc.Graph().as_default():
        layers = [graphc.layers.Dense(hidden, activation="relu"), graphc.layers.Dense(CLASSES)]
        model = graphc.Sequential([graphc.Input(x.shape[1:]), *layers])
        loss = graphc.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(graphc.optimizers.Adam(1e-3), loss)
    program = model.train_program(x, y)
    order = np.random.default_rng(0).permutation(len(x)).astype(np.int32)
    rows = order[: len(x) // batch * batch].reshape(-1, batch)
    group = Group([place(x).array, place(y).array], rows)

    def bare() -> object:
        program.run(group)
        return program.logs()

    return lambda: model.fit(x, y, batch_size=batch, verbose=0), bare


def make_cases(smoke: bool) -> Sequence[Case]:
    """The small model beside JAX and Keras; the large data beside the bare steps."""
    x, y = make_data(ROWS, FEATURES, CLASSES)
    epochs = 1 if smoke else 10
    ours = make_fit(x, y, 64, BATCH, epochs)
    name = f"{epochs} epochs of a 64-64-10 MLP, 56 batches of 32"
    theirs = make_jax_loop(x, y, 64, BATCH, epochs)
    cases: list[Case] = [Comparison(f"{name}: hand-written JAX", ours, theirs, target=0.7)]
    if importlib.util.find_spec("keras"):
        theirs = make_keras_fit(x, y, 64, BATCH, epochs)
        cases.append(Comparison(f"{name}: Keras", ours, theirs, target=0.12))
    rows = 20_000 if smoke else 1_000_000
    many, classes = make_data(rows, 32, CLASSES)
    fit, bare = make_bare_loop(many, classes, 64, 1000)
    cases.append(
        Comparison(f"an epoch of {rows:,} rows: bare steps", fit, bare, target=1 / 0.9, warmups=1)
    )
    return cases


if __name__ == "__main__":
    sys.exit(main("fit", make_cases))

"""A Transformer's train step, layer by layer: in a session, and by hand in JAX.

Pre-normalised blocks with causal attention and a feed-forward part four times as wide, a linear
layer before and after, the mean square error, and Adam.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from benchmarks import deep_training
from benchmarks.deep_networks import Network, Shapes, Toolkit, Weights
from benchmarks.deep_training import Step

BATCH: Final = 4
HEADS: Final = 4


def make_transformer(width: int, length: int, batch: int = BATCH) -> Network:
    """The network; f32[batch, length, width] in and out."""
    square = (width, width)
    block: Shapes = {
        **dict.fromkeys(("query", "key", "value", "output"), square),
        "up": (width, 4 * width),
        "down": (4 * width, width),
        **dict.fromkeys(("scale_1", "shift_1", "scale_2", "shift_2"), (width,)),
    }
    return Network(
        "transformer",
        (batch, length, width),
        lambda layers: [{"first": square}, *[block] * layers, {"last": square}],
        _apply,
    )


def _apply(kit: Toolkit, x: Any, weights: list[Weights]) -> Any:
    first, *layers, last = weights
    _, length, _ = x.shape
    mask = np.where(np.tri(length, dtype=bool), 0, -1e9).astype(np.float32)
    x = x @ first["first"]
    for layer in layers:
        x = _block(kit, x, layer, mask)
    return x @ last["last"]


def _block(kit: Toolkit, x: Any, w: Weights, mask: Any) -> Any:
    batch, length, width = x.shape

    def heads(array: Any) -> Any:
        split = kit.reshape(array, (batch, length, HEADS, width // HEADS))
        return kit.transpose(split, (0, 2, 1, 3))

    a = kit.normalise(x) * w["scale_1"] + w["shift_1"]
    query, key, value = (heads(a @ w[name]) for name in ("query", "key", "value"))
    scores = query @ kit.transpose(key, (0, 1, 3, 2)) / (width // HEADS) ** 0.5 + mask
    mixed = kit.transpose(kit.softmax(scores) @ value, (0, 2, 1, 3))
    x = x + kit.reshape(mixed, (batch, length, width)) @ w["output"]
    a = kit.normalise(x) * w["scale_2"] + w["shift_2"]
    return x + kit.gelu(a @ w["up"]) @ w["down"]


def in_a_session(
    layers: int, width: int, length: int, memory_budget: int | str | None = None
) -> tuple[Step, Callable[[], Any]]:
    """The train step with graphc, and what gives its program; nothing is compiled before either."""
    return deep_training.in_a_session(make_transformer(width, length), layers, memory_budget)


def by_hand(layers: int, width: int, length: int) -> tuple[Step, Callable[[], int]]:
    """The train step with `jax.jit`, state donated, and what gives the bytes that XLA needs.

    Nothing is compiled before the first step.
    """
    step, program = deep_training.by_jit(make_transformer(width, length), layers)

    def temp_bytes() -> int:
        compiled, arguments = program()
        return compiled.lower(*arguments).compile().memory_analysis().temp_size_in_bytes

    return step, temp_bytes

"""What merging matrix products that share an operand would gain: nothing, so no pass does it.

Both sides are hand-written JAX: `ours` is one product with the weights side by side, cut up
afterwards, as a pass would write it; `theirs` leaves the products apart, as XLA does. "Packed" has
the weights stored side by side, "joined" joins them in every step. Medians on two busy cores, in
the order of the cases below: with gradients, packed 1.26, 1.18, 0.96, 1.12, 1.11, 1.36 and joined
1.29, 1.15, 0.98, 1.20, 1.09, 1.71; results alone, packed between 0.91 and 1.34.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness import Case, Comparison, main


def apart(x: Any, weights: Sequence[Any]) -> list[Any]:
    """One product for each of the weights."""
    return [x @ weight for weight in weights]


def packed(x: Any, weights: Any, ends: Sequence[int]) -> list[Any]:
    """One product with all of them, cut up."""
    return jnp.split(x @ weights, ends, axis=1)


def total(parts: Sequence[Any]) -> Any:
    """A loss that uses each part on its own."""
    return sum(jnp.sum(jnp.tanh(part)) for part in parts)


def step(loss: Callable[..., Any], with_gradients: bool, *operands: Any) -> Callable[[], object]:
    """A compiled step on operands."""
    program = jax.jit(jax.grad(loss, (0, 1)) if with_gradients else loss)
    return lambda: jax.block_until_ready(program(*operands))


def make(rows: int, width: int, sizes: Sequence[int], with_gradients: bool) -> list[Case]:
    """Products of f32[rows, width] with weights of some sizes, packed and joined."""
    generator = np.random.default_rng(0)

    def draw(*shape: int) -> Any:
        return jnp.asarray(generator.standard_normal(shape, np.float32) / 10)

    x, weights = draw(rows, width), [draw(width, size) for size in sizes]
    ends = list(accumulate(sizes))[:-1]
    whole = jnp.concatenate(weights, axis=1)

    def joined(x: Any, weights: Sequence[Any]) -> Any:
        return total(packed(x, jnp.concatenate(weights, axis=1), ends))

    def alone(x: Any, weights: Sequence[Any]) -> Any:
        return total(apart(x, weights))

    theirs = step(alone, with_gradients, x, weights)
    sides = {
        "packed": step(lambda x, w: total(packed(x, w, ends)), with_gradients, x, whole),
        "joined": step(joined, with_gradients, x, weights),
    }
    what = "gradients" if with_gradients else "result"
    name = f"{rows} x {width} by {' + '.join(map(str, sizes))}, {what}"
    calls = max(1, min(50, 300_000_000 // (rows * width * sum(sizes))))
    return [
        Comparison(f"{name}: {side}", ours, theirs, calls=calls) for side, ours in sides.items()
    ]


def make_cases(smoke: bool) -> Sequence[Case]:
    """Queries, keys and values; gates."""
    shapes = [(32, 64, (64,) * 3)]
    if not smoke:
        shapes = [
            (512, 256, (256,) * 3),
            (4096, 256, (256,) * 3),
            (512, 768, (768,) * 3),
            (32, 64, (64,) * 3),
            (2048, 512, (1376,) * 2),
            (16, 512, (1376,) * 2),
        ]
    return [
        case
        for with_gradients in (True, False)
        for shape in shapes
        for case in make(*shape, with_gradients)
    ]


if __name__ == "__main__":
    sys.exit(main("merged_products", make_cases))

"""One random program, written twice: with `graphc.ops` and with `jax.lax`.

A recipe is a list of steps that name earlier values; nothing repeats, sizes and ops vary, and every
value is used. Both writers follow it step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jax import lax

import graphc

SIZES = (4, 6, 8, 12)


@dataclass(frozen=True)
class Step:
    """One op: its name, and the earlier values it takes."""

    op: str
    operands: tuple[int, ...]


@dataclass(frozen=True)
class Recipe:
    """A program.

    Attributes:
        inputs: shapes of the inputs.
        steps: what to do, in order; value numbers go on from the inputs.
        outputs: the values that nothing uses.
    """

    inputs: tuple[tuple[int, int], ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]


_UNARY = ("tanh", "logistic", "negate", "abs", "exponential", "sine")
_BINARY = ("add", "multiply", "subtract", "maximum", "minimum")


def make_recipe(size: int, seed: int = 0) -> Recipe:
    """A recipe of `size` steps."""
    generator = np.random.default_rng(seed)
    inputs = tuple((rows, columns) for rows in SIZES for columns in SIZES)
    shapes: list[tuple[int, int]] = list(inputs)
    by_shape: dict[tuple[int, int], list[int]] = {s: [i] for i, s in enumerate(shapes)}
    steps: list[Step] = []
    used: set[int] = set()
    for _ in range(size):
        draw = generator.random()
        # mostly recent values, so that the program is deep, and sometimes old ones
        back = min(len(shapes), int(generator.geometric(0.05)))
        first = len(shapes) - back
        shape = shapes[first]
        if draw < 0.35:
            step, result = Step(_pick(generator, _UNARY), (first,)), shape
        elif draw < 0.80:
            mates = by_shape[shape]
            second = mates[int(generator.integers(max(0, len(mates) - 40), len(mates)))]
            step, result = Step(_pick(generator, _BINARY), (first, second)), shape
        elif draw < 0.90:
            step, result = Step("transpose", (first,)), (shape[1], shape[0])
        elif draw < 0.95:
            mates = by_shape[(shape[1], SIZES[int(generator.integers(len(SIZES)))])]
            second = mates[int(generator.integers(len(mates)))]
            step, result = Step("dot", (first, second)), (shape[0], shapes[second][1])
        else:
            step, result = Step("center", (first,)), shape
        used.update(step.operands)
        by_shape[result].append(len(shapes))
        shapes.append(result)
        steps.append(step)
    outputs = tuple(i for i in range(len(inputs), len(shapes)) if i not in used)
    return Recipe(inputs, tuple(steps), outputs)


def _pick(generator: np.random.Generator, names: Sequence[str]) -> str:
    return names[int(generator.integers(len(names)))]


def _lax_center(x: Any) -> Any:
    total = lax.reduce_sum_p.bind(x, axes=(1,), out_sharding=None)
    return lax.sub(x, lax.broadcast_in_dim(total, x.shape, (0,)))


LAX: dict[str, Callable[..., Any]] = {
    "tanh": lax.tanh,
    "logistic": lax.logistic,
    "negate": lax.neg,
    "abs": lax.abs,
    "exponential": lax.exp,
    "sine": lax.sin,
    "add": lax.add,
    "multiply": lax.mul,
    "subtract": lax.sub,
    "maximum": lax.max,
    "minimum": lax.min,
    "transpose": lambda x: lax.transpose(x, (1, 0)),
    "dot": lax.dot,
    "center": _lax_center,
}

ops = graphc.ops
GRAPHC: dict[str, Callable[..., Any]] = {
    "tanh": ops.tanh,
    "logistic": ops.sigmoid,
    "negate": ops.negative,
    "abs": ops.absolute,
    "exponential": ops.exp,
    "sine": ops.sin,
    "add": ops.add,
    "multiply": ops.multiply,
    "subtract": ops.subtract,
    "maximum": ops.maximum,
    "minimum": ops.minimum,
    "transpose": ops.transpose,
    "dot": ops.matmul,
    "center": lambda x: ops.subtract(x, ops.sum(x, axis=1, keepdims=True)),
}


def follow(
    recipe: Recipe, table: dict[str, Callable[..., Any]], inputs: Sequence[Any]
) -> list[Any]:
    """The outputs of a recipe, written with one table of functions."""
    values = list(inputs)
    for step in recipe.steps:
        values.append(table[step.op](*[values[i] for i in step.operands]))
    return [values[i] for i in recipe.outputs]

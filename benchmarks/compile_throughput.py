"""How long an irregular graph takes from the first node to StableHLO, beside JAX.

Ours: build it with `graphc.ops`, all passes, lower. Theirs: trace and lower the same program
written with `jax.lax`. Both start from nothing each time and stop before XLA.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import jax
import numpy as np

import graphc
from benchmarks.harness import Case, Comparison, Growth, main
from benchmarks.irregular_program import GRAPHC, LAX, Recipe, follow, make_recipe


def lower_with_graphc(recipe: Recipe) -> None:
    """From the first node to StableHLO."""
    with graphc.Graph().as_default(), graphc.Session() as session:
        inputs = [graphc.placeholder("float32", shape) for shape in recipe.inputs]
        outputs = follow(recipe, GRAPHC, inputs)
        session.compile(outputs, inputs).lower()


def lower_with_jax(recipe: Recipe) -> None:
    """Trace and lower."""

    def program(*inputs: jax.Array) -> list[jax.Array]:
        return follow(recipe, LAX, inputs)

    specs = [jax.ShapeDtypeStruct(shape, np.float32) for shape in recipe.inputs]
    jax.jit(program).lower(*specs)


def make_cases(smoke: bool) -> Sequence[Case]:
    """The cases: against JAX at 10,000 nodes, and growth to 100,000."""
    size = 500 if smoke else 10_000
    recipe = make_recipe(size)

    def at_size(nodes: int) -> Callable[[], object]:
        own = make_recipe(nodes)
        return lambda: lower_with_graphc(own)

    return [
        Comparison(
            f"build, passes and lowering of {size} nodes",
            lambda: lower_with_graphc(recipe),
            lambda: lower_with_jax(recipe),
            target=2.0,
        ),
        Growth(
            "growth with the number of nodes",
            at_size,
            (size // 2, size) if smoke else (10_000, 100_000),
            target=1.15,
            warmups=0,
        ),
    ]


if __name__ == "__main__":
    sys.exit(main("compile_throughput", make_cases))

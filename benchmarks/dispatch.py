"""What a call costs beyond XLA's own work, on a small graph, beside a jitted function.

All sides get the same NumPy feed and end with a NumPy array of the same result.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

import graphc
from benchmarks.harness import Case, Comparison, main


def make_cases(smoke: bool) -> Sequence[Case]:
    """The cases: `make_callable` and `Session.run`, both against a jitted function."""
    generator = np.random.default_rng(0)
    feed = generator.random((8, 16), dtype=np.float32)
    kernel = generator.random((16, 4), dtype=np.float32)

    @jax.jit
    def jitted(x: jax.Array, w: jax.Array) -> jax.Array:
        return jnp.tanh(x @ w)

    weights = jnp.asarray(kernel)

    graph = graphc.Graph()
    with graph.as_default():
        x = graphc.placeholder("float32", [8, 16], name="x")
        w = graphc.Variable(kernel, name="w")
        y = graphc.ops.tanh(x @ w)
    session = graphc.Session(graph=graph)
    call = session.make_callable(y, [x])
    calls = 10 if smoke else 2000
    return [
        Comparison(
            "make_callable",
            lambda: call(feed),
            lambda: np.asarray(jitted(feed, weights)),
            target=1.15,
            calls=calls,
        ),
        Comparison(
            "Session.run",
            lambda: session.run(y, {x: feed}),
            lambda: np.asarray(jitted(feed, weights)),
            target=1.6,
            calls=calls,
        ),
    ]


if __name__ == "__main__":
    sys.exit(main("dispatch", make_cases))

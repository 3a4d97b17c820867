"""What attention costs, beside hand-written JAX: time, and the memory that XLA asks for.

JAX's program writes all logits down. graphc's is a session's, or the same function by `graphc.jit`;
attention of long sequences is cut into blocks. Both sides take the same arrays. The last cases are
at the size from which on it is cut.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import graphc
from benchmarks.harness import Case, Comparison, Footprint, main


@dataclass(frozen=True)
class Sizes:
    """Of queries, keys and values alike."""

    batch: int
    length: int
    heads: int = 8
    size: int = 64

    def arrays(self) -> list[Any]:
        """Query, key, value, and the cotangent of the result."""
        generator = np.random.default_rng(0)
        shape = (self.batch, self.length, self.heads, self.size)
        return [jnp.asarray(generator.standard_normal(shape, np.float32)) for _ in range(4)]


@dataclass(frozen=True)
class Side:
    """One program: what runs it, and the bytes of its temporary values."""

    run: Callable[[], object]
    temp_bytes: Callable[[], int]


def naive(is_causal: bool, query: Any, key: Any, value: Any) -> Any:
    """Attention as textbooks write it."""
    logits = jnp.einsum("btnh,bsnh->bnts", query, key) / math.sqrt(query.shape[-1])
    if is_causal:
        seen = jnp.tril(jnp.ones(logits.shape[2:], bool))
        logits = jnp.where(seen, logits, -1e30)
    return jnp.einsum("bnts,bsnv->btnv", jax.nn.softmax(logits, axis=-1), value)


def by_hand(sizes: Sizes, is_causal: bool, with_gradients: bool) -> Side:
    """JAX's program."""
    forward = partial(naive, is_causal)

    def both(query: Any, key: Any, value: Any, ct: Any) -> Any:
        result, pull_back = jax.vjp(forward, query, key, value)
        return result, *pull_back(ct)

    arrays = sizes.arrays()
    if not with_gradients:
        del arrays[3]
    program = jax.jit(both if with_gradients else forward)
    compiled = program.lower(*arrays).compile()

    def temp_bytes() -> int:
        memory: Any = compiled.memory_analysis()
        return int(memory.temp_size_in_bytes)

    return Side(lambda: jax.block_until_ready(compiled(*arrays)), temp_bytes)


def in_a_session(sizes: Sizes, is_causal: bool, with_gradients: bool) -> Side:
    """The program of graphc."""
    arrays = sizes.arrays()
    with graphc.Graph().as_default() as graph:
        fed = [graphc.placeholder("float32", list(array.shape)) for array in arrays]
        query, key, value, _ = fed
        result = graphc.nn.dot_product_attention(query, key, value, is_causal=is_causal)
        fetches = [result]
        if with_gradients:
            fetches += graphc.gradients(result, fed[:3], grad_ys=fed[3])
        else:
            del fed[3], arrays[3]
    session = graphc.Session(graph=graph)
    step = session.make_callable(fetches, fed, as_numpy=False)
    program = session.compile(fetches, fed)

    def temp_bytes() -> int:
        return int(program.memory_analysis().temp_size_in_bytes)

    return Side(lambda: jax.block_until_ready(step(*arrays)), temp_bytes)


def by_jit(sizes: Sizes) -> Comparison:
    """JAX's own program of the result, through `graphc.jit`: attention is found in it."""
    query, key, value, _ = sizes.arrays()
    ours = graphc.jit(partial(naive, True))
    theirs = by_hand(sizes, True, with_gradients=False)
    name = f"{sizes.batch} x {sizes.length}, causal: result, by graphc.jit"
    return Comparison(
        name,
        lambda: jax.block_until_ready(ours(query, key, value)),
        theirs.run,
        target=0.6,
        warmups=1,
    )


def compare(
    sizes: Sizes,
    is_causal: bool,
    with_gradients: bool,
    target: float | None,
    memory: float | None = None,
) -> list[Case]:
    """The two programs, in time and, where asked, in memory."""
    ours, theirs = (make(sizes, is_causal, with_gradients) for make in (in_a_session, by_hand))
    what = "result and gradients" if with_gradients else "result"
    kind = "causal" if is_causal else "all keys"
    name = f"{sizes.batch} x {sizes.length}, {kind}: {what}"
    cases: list[Case] = [Comparison(name, ours.run, theirs.run, target=target, warmups=1)]
    if memory is not None:
        cases.append(Footprint(f"{name}, memory", ours.temp_bytes, theirs.temp_bytes, memory))
    return cases


def make_cases(smoke: bool) -> Sequence[Case]:
    """One long sequence, then many short ones."""
    long = Sizes(1, 2048, heads=2, size=16) if smoke else Sizes(1, 4096)
    if smoke:
        return [
            *compare(long, False, True, 0.8, 0.1),
            *compare(long, True, True, 0.6, 0.1),
            by_jit(long),
        ]
    short = [Sizes(64, 128), Sizes(16, 256), Sizes(4, 512)]
    return [
        *compare(long, False, False, 0.8, 0.1),
        *compare(long, False, True, 0.8, 0.1),
        *compare(long, True, True, 0.6, 0.1),
        by_jit(long),
        *[case for sizes in short for case in compare(sizes, False, True, None)],
        *[case for sizes in short for case in compare(sizes, True, True, None)],
    ]


if __name__ == "__main__":
    sys.exit(main("attention", make_cases))

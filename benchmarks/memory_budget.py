"""What depth takes in memory, and what a budget costs: a Transformer's train step.

Without a budget it stands beside `jax.jit` of the layers written out: temporary memory by XLA's own
analysis, and time; so does every family of `deep_networks`, in a session and by `graphc.jit`. With
a budget it stands beside itself without one; losses must be equal, and XLA's number within the
budget, or the benchmark stops. Budgets are shares of the memory without one; one that no form of
the program fits into is reported as such.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import jax
import numpy as np
from rich.console import Console

import graphc
from benchmarks import deep_training
from benchmarks.deep_networks import Network, make_networks
from benchmarks.deep_training import Jit
from benchmarks.deep_transformer import Step, by_hand, in_a_session, make_transformer
from benchmarks.harness import Case, Comparison, Footprint, main
from graphc.errors import MemoryBudgetError
from graphc.memory_sizes import format_bytes

_SHARES: Final = (75, 50, 35, 25)
_DEPTHS: Final = (8, 16)
_SLOWER: Final = 1.35
_CONSOLE: Final = Console(width=120)


def _with_budget(
    name: str, sizes: tuple[int, int, int], budget: int, plain: Step, expected: Sequence[float]
) -> Comparison | None:
    """A step with a budget beside one without; None where the budget is infeasible."""
    ours, program = in_a_session(*sizes, budget)
    try:
        fit = program().report().memory
    except MemoryBudgetError as error:
        smallest = "" if error.smallest is None else format_bytes(error.smallest)
        _CONSOLE.print(f"{name}: {format_bytes(budget)} is infeasible, the smallest is {smallest}")
        return None
    if fit.temp_bytes > budget:
        raise SystemExit(f"{name}: XLA takes {fit.temp_bytes:,}, the budget is {budget:,}")
    np.testing.assert_allclose([ours() for _ in expected], expected, rtol=1e-5)
    _CONSOLE.print(f"{name}: {fit}")
    return Comparison(f"{name}, step time", ours, plain, target=_SLOWER)


def _jit_bytes(network: Network, layers: int, jit: Jit) -> int:
    """The temporary memory of the train step in JAX, by one `jit` or the other."""
    program, arguments = deep_training.by_jit(network, layers, jit)[1]()
    made: Any = program
    return made.lower(*arguments).compile().memory_analysis().temp_size_in_bytes


def _family_cases(network: Network, layers: int) -> Iterator[Case]:
    """What a network's train step takes beside `jax.jit` of the layers written out."""
    unrolled = functools.cache(lambda: _jit_bytes(network, layers, jax.jit))

    def in_session() -> int:
        _, program = deep_training.in_a_session(network, layers)
        return program().report().temp_bytes

    name = f"{network.name} of {layers} layers, memory"
    yield Footprint(f"{name}, session", in_session, unrolled, target=1.0)
    by_graphc = functools.partial(_jit_bytes, network, layers, graphc.jit)
    yield Footprint(f"{name}, graphc.jit", by_graphc, unrolled, target=1.0)


def _cases(
    sizes: tuple[int, int, int], label: str, shares: Sequence[int] = _SHARES
) -> Iterator[Case]:
    plain, program = in_a_session(*sizes)
    unrolled, unrolled_bytes = by_hand(*sizes)
    before = program().report().temp_bytes
    expected = [plain() for _ in range(3)]
    unrolled()

    yield Footprint(f"{label}, memory beside jax.jit", lambda: before, unrolled_bytes, target=0.85)
    yield Comparison(f"{label}, step beside jax.jit", plain, unrolled, target=1.0)
    for share in shares:
        name = f"{label}, {share} %"
        case = _with_budget(name, sizes, before * share // 100, plain, expected)
        if case is not None:
            yield case


def _deep_and_long() -> Case:
    """A step that takes more than 2 GiB without a budget trains in 512 MiB: the same losses."""
    network, layers, budget = make_transformer(64, 128, batch=64), 104, 512 * 2**20
    plain, program = deep_training.in_a_session(network, layers)
    before = program().report().temp_bytes
    ours, program = deep_training.in_a_session(network, layers, budget)
    fit = program().report().memory
    _CONSOLE.print(f"{layers} layers: {format_bytes(before)} without a budget; {fit}")
    losses, expected = _trained(ours), _trained(plain)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    if fit.temp_bytes > budget or before < 2 * 2**30 or losses[-1] >= losses[0]:
        raise SystemExit(f"{layers} layers: {before:,} bytes, {fit.temp_bytes:,} with a budget")
    return Footprint(
        f"{layers} layers trained, bytes of the budget taken",
        lambda: fit.temp_bytes,
        lambda: budget,
        target=1.0,
    )


def _trained(step: Step) -> list[float]:
    """The losses of a few steps; says how long one takes."""
    losses, seconds = list[float](), list[float]()
    for _ in range(4):
        start = time.perf_counter()
        losses.append(step())
        seconds.append(time.perf_counter() - start)
    _CONSOLE.print(f"a step takes {min(seconds[1:]):.1f} s, losses {losses}")
    return losses


def make_cases(smoke: bool) -> Sequence[Case]:
    """The cases: all families, a Transformer with shares of what it takes, 2 GiB in 512 MiB."""
    if smoke:
        return list(_cases((4, 32, 32), "4 layers", shares=(75,)))
    families = [make_transformer(128, 128), *make_networks(smoke)]
    return [
        *[case for each in families for depth in _DEPTHS for case in _family_cases(each, depth)],
        *_cases((8, 256, 128), "8 layers"),
        *_cases((16, 128, 256), "16 narrow layers"),
        _deep_and_long(),
    ]


if __name__ == "__main__":
    sys.exit(main("memory_budget", make_cases))

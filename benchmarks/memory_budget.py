"""What depth takes in memory, and what a budget costs: a Transformer's train step.

Without a budget it stands beside `jax.jit` of the layers written out: temporary memory by XLA's own
analysis, and time. With a budget it stands beside itself without one; losses must be equal, and
XLA's number within the budget, or the benchmark stops. Budgets are shares of the memory without
one; one that no form of the program fits into is reported as such.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from rich.console import Console

from benchmarks.deep_transformer import Step, by_hand, in_a_session
from benchmarks.harness import Case, Comparison, Footprint, main
from graphc.errors import MemoryBudgetError
from graphc.memory_sizes import format_bytes

_SHARES: Final = (75, 50, 35, 25)
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


def _cases(sizes: tuple[int, int, int], label: str) -> Iterator[Case]:
    plain, program = in_a_session(*sizes)
    unrolled, unrolled_bytes = by_hand(*sizes)
    before = program().report().temp_bytes
    unrolled()

    yield Footprint(f"{label}, memory beside jax.jit", lambda: before, unrolled_bytes, target=0.85)
    yield Comparison(f"{label}, step beside jax.jit", plain, unrolled, target=1.0)
    fresh, _ = in_a_session(*sizes)
    expected = [fresh() for _ in range(3)]
    for share in _SHARES:
        name = f"{label}, {share} %"
        case = _with_budget(name, sizes, before * share // 100, plain, expected)
        if case is not None:
            yield case


def _deep_and_long() -> Case:
    """A step that takes 2 GiB without a budget, in 512 MiB; one step of each, for the losses."""
    sizes, budget = (88, 256, 512), 512 * 2**20
    plain, program = in_a_session(*sizes)
    before = program().report().temp_bytes
    ours, program = in_a_session(*sizes, budget)
    fit = program().report().memory
    _CONSOLE.print(f"88 layers of 512 steps: {format_bytes(before)} without a budget; {fit}")
    np.testing.assert_allclose(ours(), plain(), rtol=1e-5)
    return Footprint(
        "88 layers of 512 steps, bytes of the budget taken",
        lambda: fit.temp_bytes,
        lambda: budget,
        target=1.0,
    )


def make_cases(smoke: bool) -> Sequence[Case]:
    """The cases: without a budget, with shares of what that takes, and 2 GiB in 512 MiB."""
    if smoke:
        return list(_cases((6, 32, 32), "6 layers"))
    return [
        *_cases((8, 256, 128), "8 layers"),
        *_cases((16, 128, 256), "16 narrow layers"),
        _deep_and_long(),
    ]


if __name__ == "__main__":
    sys.exit(main("memory_budget", make_cases))

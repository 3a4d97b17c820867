"""`graphc.jit` beside `jax.jit` on programs that others wrote: numbers, first results, steps.

The programs are in `benchmarks.foreign`, by library; those whose library is missing are left out.
A first result is all of tracing, passes, compiling and one call: before each, JAX's caches are
cleared, and the sides take turns in going first. What the two give must agree within 1e-5, in
relation to the largest element of each result.

Adam's first step hides a trap: the bias of attention's keys has a gradient of zero, but for
rounding, and Adam makes whole steps of it. `tests/session/test_jit_choice.py` shows it.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

import graphc
from benchmarks.foreign.programs import FAMILIES, SOON_COMPILED, Program, programs
from benchmarks.harness import Case, Comparison, main

TOLERANCE: Final = 1e-5
TARGET: Final = 1.1


class Disagreement(Exception):  # noqa: N818
    """A result is not what `jax.jit` gives; the message says which and by how much."""


def _call(jit: Callable[..., Any], program: Program) -> Any:
    function, arguments = _made(program)
    return jax.block_until_ready(jit(function)(*arguments))


@functools.cache
def _made(program: Program) -> tuple[Callable[..., Any], Sequence[Any]]:
    return program.make()


def _forget(program: Program) -> None:
    """Before a first result: the program is there, and nothing of it is compiled."""
    _made(program)
    jax.clear_caches()


def largest_difference(mine: Any, theirs: Any) -> tuple[float, str]:
    """How far results are apart, in relation to their largest elements, and which is the worst."""
    worst = (0.0, "")
    named = jax.tree_util.tree_leaves_with_path(mine)
    for (path, left), right in zip(named, jax.tree.leaves(theirs), strict=True):
        if left.shape != right.shape or left.dtype != right.dtype:
            raise Disagreement(f"{jax.tree_util.keystr(path)}: {left.aval}, and not {right.aval}")
        if jnp.issubdtype(left.dtype, jax.dtypes.prng_key):
            left, right = jax.random.key_data(left), jax.random.key_data(right)
        a, b = (np.asarray(each).astype(np.complex128) for each in (left, right))
        both_nan = np.isnan(a) & np.isnan(b)
        apart = np.where((a == b) | both_nan, 0, np.abs(a - b))
        size = float(np.nanmax(np.abs(b), initial=0.0))
        far = float(np.max(apart, initial=0.0)) / (size or 1.0)
        worst = max(worst, (far, jax.tree_util.keystr(path)))
    return worst


class _Compiled:
    """Both sides of a program, compiled once, and seen to agree."""

    def __init__(self, program: Program) -> None:
        self._program = program

    @functools.cached_property
    def sides(self) -> tuple[Callable[..., Any], Callable[..., Any], Sequence[Any]]:
        """Ours, theirs, and the arguments.

        Raises:
            Disagreement: the results are further apart than they may be.
        """
        function, arguments = _made(self._program)
        ours, theirs = graphc.jit(function), jax.jit(function)
        far, where = largest_difference(ours(*arguments), theirs(*arguments))
        if not far <= TOLERANCE:
            raise Disagreement(f"{self._program.name}: {where or 'the result'} is {far:.1e} off")
        return ours, theirs, arguments

    def prepare(self) -> None:
        _ = self.sides

    def step(self, side: int) -> Any:
        ours, theirs, arguments = self.sides
        return jax.block_until_ready((ours, theirs)[side](*arguments))


def _cases(program: Program) -> Iterator[Case]:
    yield Comparison(
        f"{program.name}, first result",
        functools.partial(_call, graphc.jit, program),
        functools.partial(_call, jax.jit, program),
        target=TARGET,
        warmups=0,
        prepare=functools.partial(_forget, program),
    )
    compiled = _Compiled(program)
    yield Comparison(
        f"{program.name}, a step",
        functools.partial(compiled.step, 0),
        functools.partial(compiled.step, 1),
        target=TARGET,
        least_seconds=0.05,
        prepare=compiled.prepare,
    )


def make_cases(smoke: bool) -> Sequence[Case]:
    """Two cases for each program; a smoke run takes the smallest that need only JAX."""
    found: list[Case] = []
    for family in SOON_COMPILED if smoke else FAMILIES:
        chosen = itertools.islice(programs([family]), 1 if smoke else None)
        found += itertools.chain.from_iterable(map(_cases, chosen))
    return found


if __name__ == "__main__":
    sys.exit(main("foreign_functions", make_cases))

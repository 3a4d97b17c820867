"""Thousands of calls of graphc.ops beside NumPy: values, shapes and element types.

Each family is a table in `tests/ops/sweep`. Every case runs twice: compiled, many in one program,
and by the ops' NumPy references.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import jax
import pytest

from tests.ops.sweep.binary_cases import binary_cases
from tests.ops.sweep.case import SweepCase
from tests.ops.sweep.reduction_cases import reduction_cases
from tests.ops.sweep.running import problems_of
from tests.ops.sweep.unary_cases import unary_cases


@pytest.fixture(autouse=True, scope="module")
def quick_compilation() -> Iterator[None]:
    """Machine code that is not optimised: it is run once, and all of the rest is as ever."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


FAMILIES: dict[str, Callable[[], list[SweepCase]]] = {
    "unary": unary_cases,
    "binary": binary_cases,
    "reductions": reduction_cases,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_gives_what_numpy_gives(family: str) -> None:
    cases = FAMILIES[family]()
    problems = list(problems_of(cases))
    sys.stdout.write(f"{family}: {len(cases)} cases\n")
    assert not problems, f"{len(problems)} of {len(cases)}\n" + "\n".join(problems[:60])

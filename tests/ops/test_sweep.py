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
from tests.ops.sweep.creation_cases import creation_cases
from tests.ops.sweep.product_cases import product_cases
from tests.ops.sweep.reduction_cases import reduction_cases
from tests.ops.sweep.running import problems_of, problems_of_unknown_sizes, takes_any_size
from tests.ops.sweep.selection_cases import selection_cases
from tests.ops.sweep.shaping_cases import shaping_cases
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
    "shaping": shaping_cases,
    "products": product_cases,
    "creation": creation_cases,
    "selection": selection_cases,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_gives_what_numpy_gives(family: str) -> None:
    cases = FAMILIES[family]()
    problems = list(problems_of(cases))
    sys.stdout.write(f"{family}: {len(cases)} cases\n")
    assert not problems, f"{len(problems)} of {len(cases)}\n" + "\n".join(problems[:60])


# The others refuse: splits and the like need numbers of elements.
BUILT_OF_UNKNOWN_SIZES = {"shaping": 0.75}


@pytest.mark.parametrize("family", [each for each in FAMILIES if each != "creation"])
def test_a_family_works_on_sizes_that_are_known_only_when_fed(family: str) -> None:
    cases = [case for case in FAMILIES[family]() if takes_any_size(case)]
    problems, built = problems_of_unknown_sizes(cases)
    sys.stdout.write(f"{family}: {built} of {len(cases)} cases with unknown sizes\n")
    assert not problems, f"{len(problems)} of {len(cases)}\n" + "\n".join(problems[:60])
    assert built >= BUILT_OF_UNKNOWN_SIZES.get(family, 0.9) * len(cases)

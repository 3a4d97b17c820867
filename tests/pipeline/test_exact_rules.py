"""Rules that say they are exact keep every bit, also of infinities, NaN, -0.0 and tiny numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from graphc.ir.graph import Graph
from graphc.reference.evaluator import evaluate
from graphc.rewriting.manager import PassManager
from graphc.rewriting.rule_pass import RulePass
from tests.pipeline.random_graphs import Case, cases
from tests.pipeline.stage_comparison import ALL_PASSES, REQUIRED_PASSES, arrays_for, run_pipeline
from tests.pipeline.test_left_sides import NAMED, draw_matches

Array = np.ndarray[Any, Any]

EXACT_PASSES = ALL_PASSES
for _each in {each.name: each for each in ALL_PASSES.passes if isinstance(each, RulePass)}.values():
    EXACT_PASSES = EXACT_PASSES.replacing(_each.name, replace(_each, numerics=("exact",)))

MANAGER = PassManager(EXACT_PASSES)
SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, 1e-300, -5e-324, 1.7e308, 3.0, 1e-40)
WHOLE = (0, 1, -1, 2**31 - 1, -(2**31), 7, -8)


def special_arrays(graph: Graph, case: Case, shift: int) -> dict[str, Array]:
    """Feeds at the edges of their types, in the shapes that a case has."""
    made: dict[str, Array] = {}
    for name, array in case.arrays.items():
        numbers: Any = SPECIAL if array.dtype.kind == "f" else WHOLE
        if array.dtype.kind not in "fi":
            made[name] = array
            continue
        cycle = [numbers[(shift + 3 * i) % len(numbers)] for i in range(array.size)]
        with np.errstate(over="ignore"):
            made[name] = np.array(cycle).astype(array.dtype).reshape(array.shape)
    return made


def bits(graph: Graph, arrays: Mapping[str, Array]) -> list[Array]:
    """Results with all NaNs made one: no rule promises which NaN it is."""
    found = evaluate(graph, arrays_for(graph, arrays))
    return [
        np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
        if array.dtype.kind in "fc"
        else array
        for array in found
    ]


def assert_same_bits(found: list[Array], expected: list[Array]) -> None:
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.dtype == theirs.dtype
        assert mine.tobytes() == theirs.tobytes(), f"{mine.tolist()}\n{theirs.tolist()}"


def has_rounded_complex_products(graph: Graph) -> bool:
    """Whether NumPy may give other bits for x*y than for y*x, or for x*1 than for x."""
    products = {"multiply", "divide", "reduce_product"}
    return any(
        node.op.name in products and node.outputs[0].type.dtype.is_complex for node in graph.walk()
    )


@pytest.mark.parametrize("name", [name for name, rule in NAMED.items() if rule.numerics == "exact"])
def test_an_exact_rule_keeps_every_bit_at_the_edges(name: str) -> None:
    for attempt, case in enumerate(draw_matches(name)):
        if case.graph.count("gradient") or has_rounded_complex_products(case.graph):
            continue
        result = MANAGER.run(case.graph, until="simplified").result
        for shift in range(3):
            arrays = special_arrays(case.graph, case, attempt + shift)
            assert_same_bits(bits(result, arrays), bits(case.graph, arrays))
        if attempt > 12:
            break


@given(cases(max_gradients=0))
def test_exact_passes_keep_every_bit_of_random_graphs(case: Case) -> None:
    required, exact = run_pipeline(case, REQUIRED_PASSES), run_pipeline(case, EXACT_PASSES)
    found, expected = (bits(list(stages.values())[-1], case.arrays) for stages in (exact, required))
    assert_same_bits(found, expected)

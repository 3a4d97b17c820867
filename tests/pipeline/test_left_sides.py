"""Every rule of the pipeline fires on graphs that are made for it, and keeps their numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from graphc.ir.node import Value
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.manager import PassManager
from tests.pipeline.graph_sketch import Choices, NotApplicableError
from tests.pipeline.random_graphs import Case, Plan, start_sketch
from tests.pipeline.recipe_book import RECIPES
from tests.pipeline.rule_recipes import RULES, write_left_side
from tests.pipeline.stage_comparison import (
    ALL_PASSES,
    NEARLY_TIGHT,
    TIGHT,
    assert_same,
    reference,
)

MANAGER = PassManager(ALL_PASSES)
NAMED = {f"{name}.{rule.name}": rule for name, rules in RULES.items() for rule in rules}
ENOUGH = 3
MOST = 200

# Their patterns do not say what they need: these recipes make it.
BY_RECIPE = {
    "constant_folding.concatenate_splats": "concatenate",
    "constant_folding.fold_concatenate": "concatenate",
    "constant_folding.take_known_branch": "branches",
    "constant_folding.take_known_case": "branches_by_number",
    "shape_simplification.before_repeating_regularized_incomplete_beta": "repeated_beta",
    "shape_simplification.before_inserting_axes_regularized_incomplete_beta": "repeated_beta",
    "shape_simplification.concatenate_of_one": "concatenate",
    "shape_simplification.concatenate_of_concatenation": "concatenate",
    "shape_simplification.dynamic_slice_at_constants": "dynamic_slice",
    "shape_simplification.slice_of_concatenation": "concatenate",
    "stabilisation.softmax_of_shifted": "formula_over_rows",
    "stabilisation.log_softmax_of_shifted": "formula_over_rows",
    "stabilisation.log_sum_exp_of_shifted": "formula_over_rows",
}


def draw_matches(name: str) -> Iterator[Case]:
    """Graphs with a match of a rule's pattern: the same ones at every run."""
    generator = random.Random(name)
    for attempt in range(MOST):
        shapes = (0, generator.randrange(12)), (3, 6), (2, 0), (0, 2), (0, 6), (2, 4)
        plan = Plan((3, 2), (attempt % 2 == 0, False), attempt % 3 == 0, shapes, (), (), False, ())
        sketch, arrays = start_sketch(plan)
        choices = Choices([generator.randrange(100) for _ in range(40)])
        try:
            if name in BY_RECIPE:
                value = RECIPES[BY_RECIPE[name]](sketch, choices)
            else:
                value = write_left_side(sketch, choices, choices.of(NAMED[name].patterns))
        except NotApplicableError:
            continue
        values = [value] if isinstance(value, Value) else value or []
        sketch.settle()
        if values and all(map(sketch.is_tame, values)):
            graph = sketch.graph(*values)
            if graph.count("gradient") == 0:  # NumPy computes none
                yield Case(graph, arrays, sketch.sizes, plan.has_float32)


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_rule_fires_and_keeps_the_numbers(name: str) -> None:
    pass_name, _, rule_name = name.partition(".")
    fired = 0
    for case in draw_matches(name):
        context = PassContext()
        result = MANAGER.run(case.graph, until="simplified", context=context).result
        expected = reference(case.graph, case, precise=True)
        tolerance = NEARLY_TIGHT if case.has_float32 else TIGHT
        assert_same(reference(result, case, precise=True), expected, name, tolerance)
        fired += (pass_name, rule_name) in context.trace.fired
        if fired >= ENOUGH:
            break
    assert fired, "no graph was found on which the rule fires"

"""Checked programs compute what unchecked ones do, whatever the graph."""

from __future__ import annotations

import numpy as np
from hypothesis import event, given, settings

from graphc.instrumentation.numerics_checks import NumericsChecks
from graphc.instrumentation.numerics_table import NOTHING, NumericsTable
from graphc.ir.verifier import verify
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from tests.pipeline.random_graphs import Case, cases
from tests.pipeline.stage_comparison import (
    ALL_PASSES,
    LOOSE,
    arrays_for,
    assert_same,
    is_finite,
    labelled,
    last_graph,
    run_on_xla,
    run_pipeline,
)


@given(cases())
def test_finite_numbers_are_the_same_with_checks_and_without(case: Case) -> None:
    plain = last_graph(run_pipeline(case, ALL_PASSES))
    context = PassContext()
    checked = NumericsChecks()(plain, context).graph
    verify(checked)
    expected = labelled(plain, evaluate(plain, arrays_for(plain, case.arrays)))
    if not is_finite(expected):
        return
    table: NumericsTable = context.memo[NumericsTable]
    found = evaluate(checked, arrays_for(checked, case.arrays))
    problem = table.error(found.pop(len(plain.fetches)).tolist())
    # Nothing overflows on the way either: the graphs are made of what is tame.
    assert problem is None
    for name, array in labelled(plain, found).items():
        np.testing.assert_array_equal(array, expected[name])
    event("compared")


@settings(max_examples=4)
@given(cases())
def test_xla_agrees(case: Case) -> None:
    plain = last_graph(run_pipeline(case, ALL_PASSES))
    checked = NumericsChecks()(plain).graph
    expected = labelled(plain, evaluate(plain, arrays_for(plain, case.arrays)))
    if not is_finite(expected):
        return
    by_xla, by_xla_checked = run_on_xla([plain, checked], case)
    result = by_xla_checked.pop(f"fetch {len(plain.fetches)}")
    assert result.tolist()[0] == result.tolist()[-1] == NOTHING
    assert_same(by_xla_checked, by_xla, "checked", LOOSE)

"""Random graphs give the same numbers from the NumPy reference, with no passes and with all.

`GRAPHC_HYPOTHESIS_PROFILE=nightly pytest tests/pipeline` tries 500 graphs per test, or as many as
`GRAPHC_HYPOTHESIS_EXAMPLES` says; a failure prints the graph as text, which belongs into `golden/`
once it is understood. XLA compiles one graph of `GRAPHC_HYPOTHESIS_XLA`, all by default; one of ten
lets the first test try 2,000 graphs in the time that it takes for 400:

    GRAPHC_HYPOTHESIS_PROFILE=nightly GRAPHC_HYPOTHESIS_EXAMPLES=2000 GRAPHC_HYPOTHESIS_XLA=10 \
        pytest tests/pipeline/test_random_graphs.py -k all_passes --hypothesis-seed=1
"""

from __future__ import annotations

import pytest
from hypothesis import event, given

from graphc.ir.parser import parse
from graphc.ir.verifier import verify
from tests.pipeline.random_graphs import Case, cases
from tests.pipeline.stage_comparison import (
    ALL_PASSES,
    NEARLY_TIGHT,
    REQUIRED_PASSES,
    TIGHT,
    assert_same,
    check_canonical,
    check_numbers,
    is_finite,
    last_graph,
    literals,
    reference,
    run_pipeline,
)

OPTIONAL = [name for name in ALL_PASSES.pass_names if name not in REQUIRED_PASSES.pass_names]


@given(cases())
def test_numbers_and_types_survive_all_passes(case: Case) -> None:
    compared = check_numbers(case)
    for graph in (last_graph(compared.required), last_graph(compared.all)):
        verify(graph)
    event("compared" if compared.is_compared else "not finite")


@pytest.mark.parametrize("name", OPTIONAL)
@given(case=cases())
def test_numbers_survive_each_pass_alone_and_its_absence(case: Case, name: str) -> None:
    expected = reference(last_graph(run_pipeline(case, REQUIRED_PASSES)), case, precise=True)
    if not is_finite(expected):
        return
    tolerance = NEARLY_TIGHT if case.has_float32 else TIGHT
    for pipeline in (ALL_PASSES.only(name), ALL_PASSES.without(name)):
        graph = last_graph(run_pipeline(case, pipeline))
        assert_same(reference(graph, case, precise=True), expected, name, tolerance)


@pytest.mark.parametrize("stage", ["canonical", "simplified"])
@given(case=cases())
def test_a_second_run_of_the_clean_up_changes_nothing(case: Case, stage: str) -> None:
    check_canonical(run_pipeline(case, ALL_PASSES)[stage], stage)


@given(cases())
def test_the_canonical_form_does_not_depend_on_who_made_the_nodes(case: Case) -> None:
    """A graph that went through text is canonical where the graph itself is."""
    graph = run_pipeline(case, ALL_PASSES)["canonical"]
    check_canonical(parse(str(graph), literals(graph)), "canonical")

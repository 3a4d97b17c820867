"""Print, parse, print is the identity on random graphs at every stage."""

from __future__ import annotations

from hypothesis import given

from tests.pipeline.random_graphs import Case, cases
from tests.pipeline.stage_comparison import (
    ALL_PASSES,
    REQUIRED_PASSES,
    check_text,
    run_pipeline,
)


@given(cases())
def test_text_is_read_back_as_the_same_graph_at_every_stage(case: Case) -> None:
    seen: set[str] = set()
    for pipeline in (ALL_PASSES, REQUIRED_PASSES):
        for graph in run_pipeline(case, pipeline).values():
            if graph.digest not in seen:
                seen.add(graph.digest)
                check_text(graph)

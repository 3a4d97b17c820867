"""Gradients at random interior values: before and after all passes, and by JAX alone."""

from __future__ import annotations

from hypothesis import assume, event, given

from graphc.reference.widening import widen
from graphc.rewriting.graph_pass import PassContext
from passes.specialisation import Specialisation
from tests.pipeline.jax_gradients import has_stops_below_another, run_graph
from tests.pipeline.random_graphs import Case, cases
from tests.pipeline.stage_comparison import (
    ALL_PASSES,
    NEARLY_TIGHT,
    REQUIRED_PASSES,
    TIGHT,
    as_function,
    assert_same,
    is_finite,
    last_graph,
    reference,
    run_on_xla,
    run_pipeline,
)
from tests.pipeline.state_recipes import TRAINING
from tests.pipeline.tangent_recipes import TANGENTS


@given(cases(min_gradients=1, without=TRAINING | TANGENTS))
def test_gradients_are_those_of_jax_with_the_required_passes_and_with_all(case: Case) -> None:
    required, everything = run_pipeline(case, REQUIRED_PASSES), run_pipeline(case, ALL_PASSES)
    sizes = PassContext(sizes=case.sizes)
    intents = widen(Specialisation()(required["functional"], sizes).graph)
    assume(not has_stops_below_another(intents))
    plain, rewritten = widen(last_graph(required)), widen(last_graph(everything))
    if not is_finite(reference(plain, case, precise=True)):
        event("not finite")
        return
    truth, with_required, with_all = run_on_xla(
        [plain, plain, rewritten],
        case,
        [lambda arrays: run_graph(intents, arrays), as_function(plain), as_function(rewritten)],
    )
    tolerance = NEARLY_TIGHT if case.has_float32 else TIGHT
    assert_same(with_required, truth, "required passes", tolerance)
    assert_same(with_all, truth, "all passes", tolerance)

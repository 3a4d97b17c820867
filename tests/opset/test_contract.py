"""The contract of the op set: every op's facets say the same thing.

The registry is walked: an op that is added is tested by that alone. A test's name holds the op, the
number of the sample and, where the sample was cast, the element type.
"""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest

from graphc.ir.builder import decomposition_graph
from graphc.ir.equality import first_difference
from graphc.ir.literal import Literal
from graphc.ir.op import (
    ByDecomposition,
    InlineLowering,
    NoGradient,
    NotLowered,
    OpSpec,
    PrimitiveLowering,
    RegionLowering,
    TracedLowering,
    Trait,
    ZeroGradient,
)
from graphc.ir.parser import parse
from graphc.ir.verifier import verify
from graphc.lowering.jax_internals import scoped_x64
from graphc.lowering.tracing import trace_call
from graphc.reference.evaluator import evaluate, evaluate_call
from tests.opset.closeness import assert_close
from tests.opset.contract_cases import (
    BROKEN_SAMPLES,
    CASES,
    COMPOSITES,
    DIFFERENCED,
    DIFFERENTIABLE,
    LOWERED,
    OPS,
    Case,
    jax_errs,
    needs_samples,
)
from tests.opset.contract_runs import jax_differentiates, run_on_xla
from tests.opset.finite_differences import chosen_elements, measure_gradient
from tests.opset.lax_equations import comparable, find_lax_parameters, trace_parameters

LOWERINGS = (
    *(ByDecomposition, InlineLowering, NotLowered),
    *(PrimitiveLowering, RegionLowering, TracedLowering),
)
GIVEN = [case for case in CASES if case.dtype is None]
EQUATIONS = [case for case in LOWERED if isinstance(case.op.lower, PrimitiveLowering)]


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_every_facet_is_there(op: OpSpec) -> None:
    assert op.doc.strip().endswith("."), "a line of documentation"
    assert "\n" not in op.doc
    assert isinstance(op.lower, LOWERINGS)
    assert callable(op.gradient) or isinstance(
        op.gradient, (NoGradient, ZeroGradient, ByDecomposition)
    )
    if isinstance(op.gradient, NoGradient):
        assert op.gradient.reason.strip()
    assert callable(op.reference) or isinstance(op.reference, (NotLowered, ByDecomposition))
    facets = (op.lower, op.gradient, op.reference)
    if any(isinstance(facet, ByDecomposition) for facet in facets):
        assert op.has(Trait.COMPOSITE)
    assert op.has(Trait.REGION) == bool(op.region_names)
    assert not needs_samples(op) or not isinstance(op.reference, NotLowered)


@pytest.mark.parametrize("op", [op for op in OPS if needs_samples(op)], ids=lambda op: op.name)
def test_every_op_that_runs_has_a_sample(op: OpSpec) -> None:
    if op.name in BROKEN_SAMPLES:
        raise BROKEN_SAMPLES[op.name]
    assert op.samples()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_cost_is_a_number(case: Case) -> None:
    for amount in case.op.cost_of(case.call):
        assert isinstance(amount, (int, float))
        assert math.isfinite(amount)
        assert amount >= 0


@pytest.mark.parametrize("case", GIVEN, ids=str)
def test_the_text_of_a_node_is_read_back_to_the_same_node(case: Case) -> None:
    literals = [v for v in case.call.attributes.values() if isinstance(v, Literal)]
    again = parse(str(case.graph), [literal.array for literal in literals])
    assert str(again) == str(case.graph)
    assert first_difference(case.graph, again) is None


@pytest.mark.parametrize("case", LOWERED, ids=str)
def test_the_type_rule_is_that_of_the_lowering(case: Case) -> None:
    specs = [jax.ShapeDtypeStruct(type_.shape, type_.dtype.numpy) for type_ in case.call.types]
    with scoped_x64():
        found = jax.eval_shape(lambda *xs: trace_call(case.call, xs), *specs)
    expected = [(type_.shape, type_.dtype.numpy) for type_ in case.call.results]
    assert [(spec.shape, spec.dtype) for spec in found] == expected


@pytest.mark.parametrize("case", LOWERED, ids=str)
def test_the_reference_gives_what_the_lowering_gives(case: Case) -> None:
    expected = evaluate_call(case.call, case.operands)
    run = run_on_xla(case)
    for way, results in (("traced", run.traced), ("written as a jaxpr", run.written)):
        for position, (mine, theirs) in enumerate(zip(results, expected, strict=True)):
            assert_close(mine, theirs, case.sample.rtol, f"result {position}, {way}")


@pytest.mark.parametrize("case", COMPOSITES, ids=str)
def test_a_composite_is_what_it_is_decomposed_into(case: Case) -> None:
    graph = decomposition_graph(case.call)
    verify(graph)
    expected = evaluate_call(case.call, case.operands)
    ways = {"in NumPy": evaluate(graph, case.operands)}
    if (decomposed := run_on_xla(case).decomposed) is not None:
        ways["on XLA"] = decomposed
    for way, results in ways.items():
        for position, (mine, theirs) in enumerate(zip(results, expected, strict=True)):
            assert_close(mine, theirs, case.sample.rtol, f"result {position}, {way}")


@pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)
def test_the_gradient_rule_gives_what_jax_gives(case: Case) -> None:
    for position in case.refused:
        assert not jax_differentiates(case, position), f"the rule refuses operand {position}"
    verify(case.gradient_graph)
    run = run_on_xla(case)
    in_numpy = evaluate(case.gradient_graph, [*case.operands, *case.cotangents])
    rtol, slack = case.sample.rtol, 16  # many steps, each rounded
    for position, mine, theirs in zip(case.wanted, in_numpy, run.gradients, strict=True):
        assert_close(mine, theirs, rtol, f"rule for operand {position}, NumPy and XLA", slack)
    if run.jax_gradients is None and case.op.has(Trait.RANDOM):
        # a draw moves with a parameter as its distribution does, not as the steps of a rejection
        # sampler do for one key: tests/random holds these rules to their distributions
        return
    if run.jax_gradients is None:
        # then finite differences have to say alone whether the rule is right
        assert case.sample.differentiable, run.refusal
        return
    if jax_errs(case):
        assert case.sample.differentiable  # as above
        return
    for position, mine, theirs in zip(case.wanted, run.gradients, run.jax_gradients, strict=True):
        assert_close(mine, theirs, rtol, f"gradient of operand {position} and JAX's", slack)


@pytest.mark.parametrize("case", DIFFERENCED, ids=str)
def test_the_gradient_rule_gives_what_finite_differences_give(case: Case) -> None:
    if isinstance(case.op.gradient, ZeroGradient) and case.call.types[0].dtype.is_complex:
        pytest.skip("JAX takes the derivative to be zero, though a complex sign turns smoothly")
    found = evaluate(case.gradient_graph, [*case.operands, *case.cotangents])

    def results(operands: list[np.ndarray]) -> list[np.ndarray]:
        computed = evaluate_call(case.call, operands)
        return [computed[position] for position in case.given]

    for position, gradient in zip(case.wanted, found, strict=True):
        measured = measure_gradient(results, list(case.operands), position, case.cotangents)
        chosen = gradient.reshape(-1)[chosen_elements(gradient)]
        assert_close(chosen, measured, 10.0, f"gradient of operand {position}")


@pytest.mark.parametrize("case", EQUATIONS, ids=str)
def test_an_equation_has_the_parameters_that_jax_gives_it(case: Case) -> None:
    """An equation is written without JAX looking on: nothing may be left out or made up."""
    lower = case.op.lower
    assert isinstance(lower, PrimitiveLowering)
    parameters = lower.parameters(case.call)
    assert lower.fixed is None or parameters == lower.fixed
    bound = trace_parameters(lambda *xs: trace_call(case.call, xs), case.call, lower.primitive)
    if bound is None:  # JAX leaves an equation out that changes nothing
        assert case.call.results == case.call.types
        return
    assert comparable(parameters) == comparable(bound)
    by_lax = find_lax_parameters(case.call, lower.primitive, parameters)
    if by_lax is not None:
        assert comparable(parameters) == comparable(by_lax)

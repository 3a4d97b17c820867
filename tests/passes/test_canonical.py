"""The canonical stage as a whole: it ends, keeps the numbers, and a second run changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.verifier import verify
from graphc.reference.evaluator import evaluate
from graphc.reference.widening import widen
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.manager import PassManager
from graphc.rewriting.pipeline import Pipeline, Stage
from graphc.rewriting.rule_pass import RulePass
from passes.pipelines import CLEAN_UP
from tests.passes.random_expressions import random_expression
from tests.passes.rewrite_checks import F32, assert_same_bits, assert_same_graph, numbers

CANONICAL = PassManager(Pipeline((Stage("canonical", CLEAN_UP, fixpoint=True),)))
NUMERICS = {
    (each.name, rule.name): rule.numerics
    for each in CLEAN_UP
    if isinstance(each, RulePass)
    for rule in each.rules
}


# NumPy gives the larger of 0.0 and -0.0 the sign of either operand.
UNSIGNED_ZEROS = ("maximum", "minimum", "reduce_max", "reduce_min")
# The last bit of these depends on how an array lies in memory.
ROUNDED_ANYHOW = (
    *("reduce_sum", "power", "exponential", "exponential_minus_one", "log", "log_plus_one"),
    *("tanh", "logistic", "softplus", "softmax", "log_softmax", "log_sum_exp"),
)


def arrays_for(graph: Graph, seed: int) -> list[np.ndarray]:
    return [numbers(v.type, seed + i, special=False) for i, v in enumerate(graph.inputs)]


def is_noise(graph: Graph, arrays: list[np.ndarray]) -> Iterator[np.ndarray]:
    """Where outputs are rounding errors: tiny changes of the inputs change them visibly."""
    generator = np.random.default_rng(0)
    wide = widen(graph)
    before = evaluate(graph, arrays, precise=True)
    noisy = [np.zeros(array.shape, bool) for array in before]
    for _ in range(4):
        shaken = [
            array * (1 + 1e-13 * generator.normal(size=array.shape))
            if array.dtype.kind == "f"
            else array
            for array in arrays
        ]
        with np.errstate(all="ignore"):
            for mask, left, right in zip(noisy, before, evaluate(wide, shaken), strict=True):
                mask |= ~((left == right) | (np.abs(left - right) <= 1e-9 * np.abs(left)))
    yield from noisy


def check(seed: int) -> None:
    graph = random_expression(seed)
    context = PassContext()
    result = CANONICAL.run(graph, context=context).result
    verify(result)
    assert CANONICAL.run(result).result is result, f"a second run changes\n{result}"
    arrays = arrays_for(graph, seed)
    kinds = {NUMERICS[fired] for fired in context.trace.fired}
    if kinds <= {"exact"} and not any(graph.count(name) for name in ROUNDED_ANYHOW):
        found, expected = evaluate(result, arrays), evaluate(graph, arrays)
        if any(graph.count(name) for name in UNSIGNED_ZEROS):
            found, expected = [np.abs(array) for array in found], [np.abs(a) for a in expected]
        assert_same_bits(expected, found)
        return
    if "stabilises" in kinds and not is_finite_throughout(graph, arrays):
        return
    before, after = (evaluate(g, arrays, precise=True) for g in (graph, result))
    for left, right, noisy in zip(before, after, is_noise(graph, arrays), strict=True):
        # The sign of a zero may change, and with it that of an infinity.
        forgiven = noisy | (np.isinf(left) & np.isinf(right))
        # Constants are folded in the precision that the graph declares.
        np.testing.assert_allclose(
            np.where(forgiven, 0, right), np.where(forgiven, 0, left), rtol=1e-5, atol=1e-6
        )


def is_finite_throughout(graph: Graph, arrays: list[np.ndarray]) -> bool:
    """Whether no value on the way overflows: then a stabilising rule has nothing to save."""
    everything = [value for node in graph.nodes for value in node.outputs]
    found = evaluate(Graph(graph.inputs, everything, graph.nodes), arrays, precise=True)
    return all(np.isfinite(array).all() for array in found if array.dtype.kind == "f")


@given(st.integers(0, 2**32))
def test_a_random_graph_keeps_its_numbers_and_has_one_canonical_form(seed: int) -> None:
    for following in range(seed, seed + 10):
        check(following)


SPELLINGS = {
    "2*x - 2": [
        lambda b, x: b.subtract(b.multiply(b.full_like(x, 2), x), b.full_like(x, 2)),
        lambda b, x: b.add(b.full_like(x, -2), b.multiply(x, b.full_like(x, 2))),
        lambda b, x: b.add(
            b.negate(b.full_like(x, 2)), b.negate(b.multiply(x, b.full_like(x, -2)))
        ),
    ],
    "x >= 0": [
        lambda b, x: b.compare(x, b.full_like(x, 0), direction="GE"),
        lambda b, x: b.compare(b.full_like(x, 0), x, direction="LE"),
    ],
    "exp(x) over rows": [
        lambda b, x: b.exponential(keep(b, b.reduce_sum(x, axes=(1,)), x)),
        lambda b, x: keep(b, b.exponential(b.reduce_sum(x, axes=(1,))), x),
        lambda b, x: b.broadcast_in_dim(
            b.exponential(b.reshape(b.reduce_sum(x, axes=(1,)), shape=(2, 1))),
            shape=(2, 3),
            broadcast_dimensions=(0, 1),
        ),
    ],
    "|x|": [
        lambda b, x: b.sqrt(b.multiply(x, x)),
        lambda b, x: b.abs(b.negate(x)),
        lambda b, x: b.sqrt(b.power(x, b.array(np.full((2, 3), 2, np.float32)))),
    ],
}


def keep(build, value, like):
    return build.broadcast_in_dim(value, shape=like.type.shape, broadcast_dimensions=(0,))


@pytest.mark.parametrize("formula", SPELLINGS)
def test_spellings_of_one_formula_have_one_canonical_form(formula) -> None:
    found: list[Graph] = []
    for body in SPELLINGS[formula]:
        build = GraphBuilder()
        found.append(CANONICAL.run(build.finish([body(build, build.input(F32, "x"))])).result)
    for other in found[1:]:
        assert_same_graph(other, found[0])


def test_two_computations_that_become_equal_are_merged_and_then_cancel() -> None:
    build = GraphBuilder()
    x = build.input(F32, "x")
    softmax = build.log(build.softmax(x, axis=1))
    graph = build.finish([build.maximum(softmax, build.log_softmax(x, axis=1))])
    result = CANONICAL.run(graph)
    assert [node.op.name for node in result.result.nodes] == ["input", "log_softmax"]
    # Rules, then merging, then rules again: two rounds.
    assert {record.runs for record in result.records if record.pass_name == "algebra"} == {2}


def test_a_canonical_graph_is_looked_at_once() -> None:
    build = GraphBuilder()
    graph = build.finish([build.tanh(build.input(F32, "x"))])
    stages = [Stage(name, CLEAN_UP, fixpoint=True) for name in ("canonical", "simplified")]
    run = PassManager(Pipeline(tuple(stages))).run(graph)
    assert run.result is graph
    assert [record.runs for record in run.records] == [1] * 6 + [0] * 6

"""Formulas as people write them, through the whole canonical stage: stable, and right."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.reference.evaluator import evaluate
from graphc.rewriting.manager import PassManager
from graphc.rewriting.pipeline import Pipeline, Stage
from passes.pipelines import CLEAN_UP
from tests.passes.rewrite_checks import F32, SYMBOLIC, assert_same_graph, graph_of

CANONICAL = PassManager(Pipeline((Stage("canonical", CLEAN_UP, fixpoint=True),)))


def c(build, x, number):
    return build.full_like(x, number)


def rows(build, value, like, axes=(1,)):
    kept = [axis for axis in range(like.type.rank) if axis not in axes]
    return build.broadcast_in_dim(value, shape=like.type.shape, broadcast_dimensions=kept)


def one_plus_exp(build, x):
    return build.add(c(build, x, 1), build.exponential(x))


def minus(build, x):
    return build.negate(x)


def minus_softplus(build, x):
    return build.negate(build.softplus(x))


def keep_dims(build, value, axis=1):
    shape = list(value.type.shape)
    shape.insert(axis, 1)
    return build.reshape(value, shape=shape)


def people_s_log_softmax(build, x):
    """As NumPy users write it: keepdims, a shift by the maximum, a sum with a negated number."""
    greatest = keep_dims(build, build.reduce_max(x, axes=(1,)))
    spread = {"shape": x.type.shape, "broadcast_dimensions": (0, 1)}
    shifted = build.add(x, build.negate(build.broadcast_in_dim(greatest, **spread)))
    total = keep_dims(build, build.reduce_sum(build.exponential(shifted), axes=(1,)))
    return build.subtract(shifted, build.broadcast_in_dim(build.log(total), **spread))


def softmax_by_reciprocal(build, x):
    powers = build.exponential(x)
    total = build.reduce_sum(powers, axes=(1,))
    return build.multiply(powers, rows(build, build.divide(c(build, total, 1), total), x))


def people_s_cross_entropy(build, x):
    shifted = build.subtract(x, rows(build, build.reduce_max(x, axes=(1,)), x))
    return build.negate(build.log(softmax_by_reciprocal(build, shifted)))


# Each formula, what the whole canonical stage makes of it, where it overflows, the truth there.
WHOLE = {
    "log(1/(1+exp(-x)))": (
        lambda b, x: b.log(b.divide(c(b, x, 1), one_plus_exp(b, minus(b, x)))),
        lambda b, x: minus_softplus(b, minus(b, x)),
        -200.0,
        -200.0,
    ),
    "-log(1+exp(-x))": (
        lambda b, x: b.negate(b.log(one_plus_exp(b, minus(b, x)))),
        lambda b, x: minus_softplus(b, minus(b, x)),
        -200.0,
        -200.0,
    ),
    "log(1-logistic(x))": (
        lambda b, x: b.log(b.subtract(c(b, x, 1), b.logistic(x))),
        minus_softplus,
        200.0,
        -200.0,
    ),
    "x-log(1+exp(x))": (
        lambda b, x: b.subtract(x, b.log(one_plus_exp(b, x))),
        lambda b, x: minus_softplus(b, minus(b, x)),
        200.0,
        -0.0,
    ),
    "log(exp(x)/(exp(x)+1))": (
        lambda b, x: b.log(b.divide(b.exponential(x), one_plus_exp(b, x))),
        lambda b, x: minus_softplus(b, minus(b, x)),
        200.0,
        -0.0,
    ),
    "exp(2x)-1 by adding -1": (
        lambda b, x: b.add(b.exponential(b.multiply(x, c(b, x, 2))), c(b, x, -1)),
        lambda b, x: b.exponential_minus_one(b.multiply(x, c(b, x, 2))),
        1e-9,
        2e-9,
    ),
}


@pytest.mark.parametrize("formula", WHOLE)
def test_the_canonical_stage_finds_a_formula_and_saves_it_from_overflow(formula: str) -> None:
    before, after, extreme, truth = WHOLE[formula]
    graph = graph_of(before, F32)
    result = CANONICAL.run(graph).result
    assert_same_graph(result, graph_of(after, F32))
    x = np.full((2, 3), extreme, np.float32)
    (naive,), (stable,) = evaluate(graph, [x]), evaluate(result, [x])
    np.testing.assert_allclose(stable, np.float32(truth), rtol=1e-5)
    assert not np.allclose(naive, truth, rtol=1e-5, atol=0), "the formula is stable as it is"


@pytest.mark.parametrize("spelling", [people_s_log_softmax, people_s_cross_entropy])
@pytest.mark.parametrize("type_", [F32, SYMBOLIC], ids=str)
def test_softmax_as_people_write_it_becomes_log_softmax(spelling, type_) -> None:
    graph = graph_of(spelling, type_)
    result = CANONICAL.run(graph).result
    negated = spelling is people_s_cross_entropy

    def expected(build, x):
        found = build.log_softmax(x, axis=1)
        return build.negate(found) if negated else found

    assert_same_graph(result, graph_of(expected, type_))
    x = np.array([[1.0, 2.0, 900.0], [0.0, -0.5, 3.0]] * (1 if type_ is F32 else 2), np.float32)
    (before,), (after,) = evaluate(graph, [x], precise=True), evaluate(result, [x], precise=True)
    finite = np.isfinite(before)
    np.testing.assert_allclose(after[finite], before[finite], rtol=1e-9)
    assert np.isfinite(after).all()

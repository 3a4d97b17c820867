"""`is_never_negative`: where it says yes, the references give no element with a sign."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir.editor import GraphEditor
from graphc.reference.evaluator import evaluate
from graphc.rewriting.match import MatchScope
from passes.algebra import Algebra
from passes.known_values import is_never_negative
from tests.passes.rewrite_checks import F32, Body, check_refused, graph_of, numbers

DTYPE = F32.dtype
YES: dict[str, Body] = {
    "absolute value": lambda b, x: b.abs(x),
    "square": lambda b, x: b.multiply(x, x),
    "power of two": lambda b, x: b.power(x, b.full(2.0, DTYPE, (2, 3))),
    "exponential": lambda b, x: b.exponential(x),
    "variance and epsilon": lambda b, x: b.add(
        b.divide(b.reduce_sum(b.multiply(x, x), axes=(1,)), b.full(3.0, DTYPE, (2,))),
        b.full(1e-5, DTYPE, (2,)),
    ),
    "at least an epsilon": lambda b, x: b.maximum(b.full(1e-5, DTYPE, (2, 3)), x),
    "root of a square, moved": lambda b, x: b.transpose(
        b.sqrt(b.multiply(x, x)), permutation=(1, 0)
    ),
}
NO: dict[str, Body] = {
    "input": lambda b, x: x,
    "cube": lambda b, x: b.power(x, b.full(3.0, DTYPE, (2, 3))),
    "at least zero": lambda b, x: b.maximum(x, b.full(0.0, DTYPE, (2, 3))),
    "difference": lambda b, x: b.subtract(b.abs(x), b.abs(x)),
    "product": lambda b, x: b.multiply(x, b.abs(x)),
    "minus zero": lambda b, x: b.add(b.multiply(x, x), b.full(-0.0, DTYPE, (2, 3))),
    "largest of no elements": lambda b, x: b.reduce_max(
        b.abs(b.slice(x, start_indices=(0, 0), limit_indices=(2, 0), strides=(1, 1))), axes=(1,)
    ),
}


def holds(body: Body) -> tuple[bool, np.ndarray]:
    graph = graph_of(body, F32)
    value = graph.outputs[0]
    scope = MatchScope(GraphEditor(graph))
    with np.errstate(all="ignore"):
        found = [evaluate(graph, [numbers(F32, salt)])[0] for salt in range(20)]
    return is_never_negative(value, scope), np.concatenate([each.ravel() for each in found])


@pytest.mark.parametrize("what", YES)
def test_what_has_no_sign(what: str) -> None:
    says, elements = holds(YES[what])
    assert says
    assert not np.signbit(elements[~np.isnan(elements)]).any()


@pytest.mark.parametrize("what", NO)
def test_what_may_have_one(what: str) -> None:
    assert not holds(NO[what])[0]


def test_the_largest_of_no_elements_is_minus_infinity() -> None:
    says, elements = holds(NO["largest of no elements"])
    assert not says
    assert (elements == -np.inf).all()


@pytest.mark.parametrize("exponent", [0.5, -0.5])
@pytest.mark.parametrize("what", ["input", "at least zero"])
def test_what_may_be_minus_infinity_or_minus_zero_keeps_its_power(
    what: str, exponent: float
) -> None:
    """Minus infinity has a power and no root; those of -0.0 differ in sign."""
    base = NO[what]
    check_refused(
        Algebra(),
        lambda b, x: b.power(base(b, x), b.full(exponent, DTYPE, (2, 3))),
        F32,
        reason="infinity",
    )

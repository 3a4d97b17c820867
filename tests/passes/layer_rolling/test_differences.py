"""What is not rolled together is told in the report: which node, beside which, and what differs."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from graphc.ir.node import Value
from graphc.ir.parser import parse
from graphc.ir.text import format_graph
from graphc.ir.types import as_type
from passes.layer_rolling.expansion import difference_after_expansion
from tests.passes.layer_rolling.chains import (
    MATRIX,
    VECTORS,
    Chain,
    lengths,
    refusals,
    roll,
    same_numbers,
)

Layer = Callable[[Chain, Value], Value]


def _usual(chain: Chain, x: Value) -> Value:
    return chain.residual(x)


def _other_shape(chain: Chain, x: Value) -> Value:
    wide = chain.product(x, chain.feed(as_type("float64", (4, 7))))
    return chain.product(chain.tanh(wide), chain.feed(as_type("float64", (7, 4))))


def _other_attribute(chain: Chain, x: Value) -> Value:
    product = chain.dot_general(x, chain.feed(MATRIX), lhs_contracting=[1], rhs_contracting=[1])
    return chain.add(x, chain.tanh(product))


def _other_op(chain: Chain, x: Value) -> Value:
    return chain.residual(x, "sine")


def _other_connection(chain: Chain, x: Value) -> Value:
    dense = chain.dense(x)
    return chain.add(dense, dense)


def _other_dtype(chain: Chain, x: Value) -> Value:
    narrow = chain.convert(x, dtype="float32")
    product = chain.product(narrow, chain.feed(as_type("float32", (4, 4))))
    return chain.add(x, chain.convert(chain.tanh(product), dtype="float64"))


def _other_constant(chain: Chain, x: Value) -> Value:
    scaled = chain.multiply(chain.dense(x), chain.full(0.5, VECTORS.dtype, VECTORS.shape))
    return chain.add(x, scaled)


def _barrier(chain: Chain, x: Value) -> Value:
    return chain.add(x, chain.optimization_barrier(chain.dense(x)))


ODD: dict[Layer, str] = {
    _other_shape: "f64[4, 7]",
    _other_attribute: "rhs_contracting=[1]",
    _other_op: "sine",
    _other_dtype: "f32",
}


@pytest.mark.parametrize("odd", ODD)
def test_the_report_says_why_a_layer_is_not_rolled_with_the_others(odd: Layer) -> None:
    chain = Chain()
    value = chain.feed(VECTORS)
    for number in range(9):
        chain.at(number, f"layer_{number}/x")
        value = (odd if number == 4 else _usual)(chain, value)
    graph = chain.done(value)
    result, context = roll(graph)
    assert lengths(result.graph) == [4, 4], "the odd layer stays outside"
    same_numbers(chain, graph, result.graph)
    (reason, *_) = [reason for reason in refusals(context) if "is no copy of" in reason]
    assert "layer_4/x" in reason
    assert ODD[odd] in reason


EVERY: list[Layer] = [_other_shape, _other_attribute, _other_op, _other_connection, _other_dtype]
EVERY += [_other_constant, _barrier]


@pytest.mark.parametrize("odd", EVERY)
@pytest.mark.parametrize("places", [(2, 4), (3,), (0,), (6,)])
def test_odd_layers_are_in_no_loop_of_the_usual_ones(odd: Layer, places: tuple[int, ...]) -> None:
    """Where an odd layer differs in one thing only, loops end before it and begin after it."""
    chain = Chain()
    value = chain.feed(VECTORS)
    for number in range(7):
        value = (odd if number in places else _usual)(chain, value)
    graph = chain.done(value)
    result, _ = roll(graph, least=3)
    if len(places) == 1:  # two odd layers may be the second halves of blocks of two
        longest = max(place - before - 1 for before, place in _gaps(places, 7))
        assert max(lengths(result.graph), default=0) <= longest
    same_numbers(chain, graph, result.graph)
    # a dump keeps all there is: what is read back is well formed, and expands to the original
    again = parse(str(result.graph))
    assert format_graph(again) == str(result.graph)


def _gaps(places: tuple[int, ...], count: int) -> list[tuple[int, int]]:
    ends = (-1, *places, count)
    return list(itertools.pairwise(ends))


def test_towers_side_by_side_stay_and_the_report_says_why() -> None:
    chain = Chain()
    start = chain.feed(VECTORS)
    towers = [chain.dense(chain.dense(start)) for _ in range(6)]
    graph = chain.done(*towers)
    result, context = roll(graph)
    assert not result.changed
    reasons = refusals(context)
    assert all("do not depend on each other" in reason for reason in reasons)
    assert any("6 copies of dot_general" in reason for reason in reasons), reasons


def test_an_original_differs_from_itself_nowhere_and_from_another_somewhere() -> None:
    """The proof is no formality: it tells a rolled graph from one that was changed."""

    def chain_of(activation: str) -> Chain:
        chain = Chain()
        value = chain.feed(VECTORS)
        for number in range(5):
            value = chain.residual(value, activation if number == 2 else "tanh")
        chain.outputs = [value]  # type: ignore[attr-defined]
        return chain

    usual, odd = chain_of("tanh"), chain_of("sine")
    right, wrong = usual.done(*usual.outputs), odd.done(*odd.outputs)  # type: ignore[attr-defined]
    rolled = roll(right)[0].graph
    assert difference_after_expansion(right, rolled) is None
    assert "sine" in str(difference_after_expansion(wrong, rolled))

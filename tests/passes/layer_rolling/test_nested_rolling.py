"""Layers that hold loops and branches of their own are rolled: names inside of bodies do not count.

Everything else inside does: one other attribute, constant, connection or size, and a layer stays
out of the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import layers as nn
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.types import as_type
from graphc.reference.evaluator import evaluate
from passes.autodiff import Autodiff
from tests.passes.layer_rolling.chains import (
    MATRIX,
    ROW,
    VECTORS,
    Chain,
    lengths,
    loops,
    roll,
    same_numbers,
)

pytestmark = pytest.mark.usefixtures("layers_in_loops")

Body = Callable[[GraphBuilder, Value, Value, Value], tuple[Value, Value]]


def _usual(body: GraphBuilder, state: Value, now: Value, weights: Value) -> tuple[Value, Value]:
    moved = body.dot_general(state, weights, lhs_contracting=[0], rhs_contracting=[0])
    new = body.tanh(body.add(moved, now))
    return new, body.multiply(new, body.full(0.5, ROW.dtype, ROW.shape))


def _sine(body: GraphBuilder, state: Value, now: Value, weights: Value) -> tuple[Value, Value]:
    moved = body.dot_general(state, weights, lhs_contracting=[0], rhs_contracting=[0])
    new = body.sine(body.add(moved, now))
    return new, body.multiply(new, body.full(0.5, ROW.dtype, ROW.shape))


def _turned(body: GraphBuilder, state: Value, now: Value, weights: Value) -> tuple[Value, Value]:
    moved = body.dot_general(state, weights, lhs_contracting=[0], rhs_contracting=[1])
    new = body.tanh(body.add(moved, now))
    return new, body.multiply(new, body.full(0.5, ROW.dtype, ROW.shape))


def _louder(body: GraphBuilder, state: Value, now: Value, weights: Value) -> tuple[Value, Value]:
    moved = body.dot_general(state, weights, lhs_contracting=[0], rhs_contracting=[0])
    new = body.tanh(body.add(moved, now))
    return new, body.multiply(new, body.full(0.25, ROW.dtype, ROW.shape))


def _crossed(body: GraphBuilder, state: Value, now: Value, weights: Value) -> tuple[Value, Value]:
    moved = body.dot_general(state, weights, lhs_contracting=[0], rhs_contracting=[0])
    new = body.tanh(body.add(moved, now))
    return new, body.multiply(now, body.full(0.5, ROW.dtype, ROW.shape))


def _recurrent(chain: Chain, x: Value, number: int, body_of: Body = _usual) -> Value:
    """A loop over the rows of x, with weights of its own; its body has names of its own."""
    body = GraphBuilder(chain.registry)
    state = body.input(ROW, f"layer_{number}/state")
    now = body.input(ROW, f"layer_{number}/row")
    weights = body.input(MATRIX, f"layer_{number}/kernel")
    body.name = f"layer_{number}/inside"
    region = body.finish(body_of(body, state, now, weights))
    start = chain.full(0.0, ROW.dtype, ROW.shape)
    _, rows = chain.scan(
        start, x, chain.feed(MATRIX),
        regions=(region,), carries=1, invariants=1, length=3, reverse=False,
    )  # fmt: skip
    return rows


def _branching(chain: Chain, x: Value, number: int) -> Value:
    branches: list[Graph] = []
    for name in ("tanh", "sine"):
        body = GraphBuilder(chain.registry)
        given = body.input(VECTORS, f"layer_{number}/{name}")
        branches.append(body.finish([getattr(body, name)(given)]))
    product = chain.product(x, chain.feed(MATRIX))
    total = chain.reduce_sum(product, axes=[0, 1])
    is_positive = chain.compare(total, chain.full(0.0, ROW.dtype, ()), direction="GT")
    made: Value = chain.cond(is_positive, product, regions=tuple(branches))
    return made


def test_layers_that_are_loops_are_one_loop_of_loops() -> None:
    chain = Chain()
    value = chain.feed(VECTORS)
    for number in range(6):
        value = _recurrent(chain, value, number)
    graph = chain.done(value)
    result, _ = roll(graph)
    (outer,) = loops(result.graph)
    assert (outer.attributes["length"], outer.attributes["carries"]) == (6, 1)
    (body,) = outer.regions
    assert lengths(body) == [3]
    same_numbers(chain, graph, result.graph)


def test_layers_that_branch_are_one_loop() -> None:
    chain = Chain()
    value = chain.feed(VECTORS)
    for number in range(5):
        value = _branching(chain, value, number)
    graph = chain.done(value)
    result, _ = roll(graph)
    assert lengths(result.graph) == [5]
    same_numbers(chain, graph, result.graph)


@pytest.mark.parametrize("odd", [_sine, _turned, _louder, _crossed])
def test_a_layer_with_another_body_stays_outside(odd: Body) -> None:
    chain = Chain()
    value = chain.feed(VECTORS)
    for number in range(9):
        value = _recurrent(chain, value, number, odd if number == 4 else _usual)
    graph = chain.done(value)
    result, _ = roll(graph)
    assert sorted(lengths(result.graph)) == [3, 4, 4], "the odd layer is a loop of 3 rows"
    same_numbers(chain, graph, result.graph)


# -- layers as people write them -------------------------------------------------------------------


def _conditional(x: Any) -> Any:
    y = nn.Dense(4)(x)
    return graphc.cond(
        graphc.ops.sum(x) > 0, lambda: graphc.ops.tanh(y), lambda: graphc.ops.sin(y) * 0.5
    )


LAYERS: dict[str, Callable[[Any], Any]] = {
    "lstm": lambda x: nn.LSTM(4, return_sequences=True)(x),
    "gru": lambda x: nn.GRU(4, return_sequences=True)(x),
    "bidirectional": lambda x: nn.Bidirectional(nn.LSTM(2, return_sequences=True))(x),
    "stacked cells": lambda x: nn.RNN(
        nn.StackedRNNCells([nn.LSTMCell(3), nn.GRUCell(4)]), return_sequences=True
    )(x),
    "conditional": _conditional,
}


@pytest.mark.parametrize("kind", LAYERS)
def test_layers_with_loops_and_branches_are_rolled_with_their_gradients(kind: str) -> None:
    with graphc.Graph().as_default() as whole:
        inputs = value = graphc.placeholder("float32", (2, 3, 4))
        for _ in range(5):
            value = LAYERS[kind](value)
        loss = graphc.ops.sum(graphc.ops.square(value))
        weights = [each for each in whole.variables.values() if each.trainable]
        slopes = graphc.gradients(loss, weights)
        program = graphc.Session(whole).compile([value, *slopes], [inputs])
    graph = program.graph("composed")
    result, _ = roll(graph)
    assert 5 in lengths(result.graph)
    before, after = Autodiff()(graph).graph, Autodiff()(result.graph).graph
    generator = np.random.default_rng(0)
    given = [
        (generator.normal(size=v.type.shape) / 2).astype(v.type.dtype.numpy) for v in graph.inputs
    ]
    for mine, theirs in zip(evaluate(after, given), evaluate(before, given), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


def test_a_size_inside_of_a_body_counts() -> None:
    chain = Chain()
    value = chain.feed(VECTORS)
    for number in range(8):
        columns = 5 if number % 3 == 2 else 4
        body = GraphBuilder(chain.registry)
        row = body.input(ROW, "row")
        kernel = body.input(as_type("float64", (4, columns)), "kernel")
        wide = body.dot_general(row, kernel, lhs_contracting=[0], rhs_contracting=[0])
        back = body.dot_general(wide, kernel, lhs_contracting=[0], rhs_contracting=[1])
        region = body.finish([body.tanh(back)])
        value = chain.scan(
            value, chain.feed(as_type("float64", (4, columns))),
            regions=(region,), carries=0, invariants=1, length=3, reverse=False,
        )  # fmt: skip
    graph = chain.done(value)
    result, _ = roll(graph)
    assert not result.changed

"""Products of few rows leave loops: the exact graph of each form, and what stays where it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.types import as_type
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.memory_goal import MemoryGoal
from passes.loop_products import LoopProducts
from passes.loop_products.when_it_pays import pays_after, pays_before
from tests.passes.loop_products.loops import (
    BIAS,
    GATES,
    GS,
    ROWS,
    STATE,
    STEPS,
    WIDTH,
    XS,
    W,
    loop_graph,
    product,
)
from tests.passes.rewrite_checks import apply, assert_same_graph, graph_of, numbers


def _on_gpu() -> PassContext:
    return PassContext(platform="gpu")


def _check(before: Graph, after: Graph, *, before_loops: bool = False) -> None:
    """The pass makes one graph of another, of equal numbers."""
    each = LoopProducts(share=4) if before_loops else LoopProducts()
    found = apply(each, before, _on_gpu() if before_loops else None)
    assert_same_graph(found, after)
    for salt in range(3):
        given = [numbers(v.type, 7 * salt + i, special=False) for i, v in enumerate(before.inputs)]
        expected = evaluate(before, given, precise=True)
        for mine, theirs in zip(evaluate(found, given, precise=True), expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)


def _refused(before: Graph, reason: str | None = None, context: PassContext | None = None) -> None:
    context = context or PassContext()
    assert not LoopProducts()(before, context).changed
    reasons = [why for _, _, why in context.trace.refused]
    assert reason is None or any(reason in why for why in reasons), reasons


# -- before the loop -------------------------------------------------------------------------------


def _cell(b: Any, h: Value, x: Value, w: Value, recurrent: Value) -> Sequence[Value]:
    gates = b.add(product(b, x, w), product(b, h, recurrent))
    h = b.slice(b.tanh(gates), start_indices=[0, 0], limit_indices=[ROWS, WIDTH], strides=[1, 1])
    return [h, h, gates]


def test_rows_times_weights_before_the_loop() -> None:
    def after(b: Any, h: Value, xs: Value, w: Value, recurrent: Value) -> Sequence[Value]:
        def step(b: Any, h: Value, product_: Value, recurrent: Value) -> Sequence[Value]:
            gates = b.add(product_, product(b, h, recurrent))
            h = b.slice(
                b.tanh(gates), start_indices=[0, 0], limit_indices=[ROWS, WIDTH], strides=[1, 1]
            )
            return [h, h, gates]

        gates = as_type("float32", (ROWS, GATES))
        region = graph_of(step, STATE, gates, W)
        return b.scan(
            h,
            product(b, xs, w, lhs=2),
            recurrent,
            regions=(region,),
            carries=1,
            invariants=1,
            length=STEPS,
        )

    before = loop_graph(_cell, [STATE], [XS], [W, W])
    _check(before, graph_of(after, STATE, XS, W, W), before_loops=True)
    _refused(before, "as fast in the loop")  # on a CPU


def test_a_stacked_product_is_no_result_of_the_loop_any_more() -> None:
    """Of weights on the left, and of rows that are computed from what is scanned."""

    def body(b: Any, h: Value, x: Value, mask: Value, w: Value) -> Sequence[Value]:
        y = b.dot_general(w, b.multiply(x, mask), lhs_contracting=[0], rhs_contracting=[1])
        side = b.reshape(b.slice(y, start_indices=[0, 0], limit_indices=[WIDTH, ROWS],
                                 strides=[1, 1]), shape=[ROWS, WIDTH])  # fmt: skip
        return [b.tanh(b.add(h, side)), y, h]

    def after(b: Any, h: Value, xs: Value, mask: Value, w: Value) -> Sequence[Value]:
        def step(b: Any, h: Value, y: Value) -> Sequence[Value]:
            side = b.reshape(b.slice(y, start_indices=[0, 0], limit_indices=[WIDTH, ROWS],
                                     strides=[1, 1]), shape=[ROWS, WIDTH])  # fmt: skip
            return [b.tanh(b.add(h, side)), h]

        masks = b.broadcast_in_dim(mask, shape=[STEPS, ROWS, WIDTH], broadcast_dimensions=[1, 2])
        rows = b.multiply(xs, masks)
        rows = b.dot_general(w, rows, lhs_contracting=[0], rhs_contracting=[2])
        rows = b.transpose(rows, permutation=[1, 0, 2])
        region = graph_of(step, STATE, as_type("float32", (GATES, ROWS)))
        final, states = b.scan(h, rows, regions=(region,), carries=1, length=STEPS)
        return [final, rows, states]

    wide = loop_graph(body, [STATE], [XS], [STATE, W])
    _check(wide, graph_of(after, STATE, XS, STATE, W), before_loops=True)


# -- after the loop --------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
def test_the_way_back_of_a_cell(reverse: bool) -> None:
    """Three products leave it, and the sum of the bias; zeros are not added to."""

    def body(b: Any, *v: Value) -> Sequence[Value]:
        state, for_weights, for_bias, x, g, w = v
        g = b.multiply(g, product(b, state, w))
        weights = b.add(for_weights, product(b, x, g, lhs=0))
        bias = b.add(b.reduce_sum(g, axes=[0]), for_bias)
        return [product(b, g, w, rhs=1), weights, bias, product(b, g, b.negate(w), rhs=1)]

    def before(b: Any, state: Value, bias: Value, xs: Value, gs: Value, w: Value) -> Any:
        region = graph_of(body, STATE, W, BIAS, STATE, as_type("float32", (ROWS, GATES)), W)
        operands = [state, b.full_like(w, 0), bias, xs, gs, w]
        counts = {"carries": 3, "invariants": 1, "length": STEPS, "reverse": reverse}
        return b.scan(*operands, regions=(region,), **counts)

    def after(b: Any, state: Value, bias: Value, xs: Value, gs: Value, w: Value) -> Any:
        def step(b: Any, state: Value, g: Value, w: Value) -> Sequence[Value]:
            g = b.multiply(g, product(b, state, w))
            return [product(b, g, w, rhs=1), g]

        region = graph_of(step, STATE, as_type("float32", (ROWS, GATES)), W)
        counts = {"carries": 1, "invariants": 1, "length": STEPS, "reverse": reverse}
        state, g = b.scan(state, gs, w, regions=(region,), **counts)
        return [
            state,
            b.dot_general(xs, g, lhs_contracting=[0, 1], rhs_contracting=[0, 1]),
            b.add(b.reduce_sum(g, axes=[0, 1]), bias),
            b.dot_general(g, b.negate(w), lhs_contracting=[2], rhs_contracting=[1]),
        ]

    types = [STATE, BIAS, XS, GS, W]
    _check(graph_of(before, *types), graph_of(after, *types))


def test_gradients_of_parts_of_weights() -> None:
    """Products that are turned, filled up and put side by side before they are added."""

    def body(b: Any, total: Value, x: Value, y: Value) -> Sequence[Value]:
        zero = b.array(np.float32(0))
        left = b.pad(product(b, x, y, lhs=0), zero, low=[0, 0], high=[0, WIDTH], interior=[0, 0])
        turned = b.transpose(product(b, y, x, lhs=0), permutation=[1, 0])
        side = b.concatenate(turned, b.negate(product(b, x, b.tanh(x), lhs=0)), dimension=1)
        return [b.add(b.add(left, total), side)]

    def after(b: Any, total: Value, xs: Value, ys: Value) -> Sequence[Value]:
        def step(b: Any, x: Value) -> Sequence[Value]:
            return [b.tanh(x)]

        def both(a: Value, c: Value) -> Value:
            return b.dot_general(a, c, lhs_contracting=[0, 1], rhs_contracting=[0, 1])

        region = graph_of(step, STATE)
        tanh = b.scan(xs, regions=(region,), carries=0, length=STEPS)
        zero = b.array(np.float32(0))
        left = b.pad(both(xs, ys), zero, low=[0, 0], high=[0, WIDTH], interior=[0, 0])
        turned = b.transpose(both(ys, xs), permutation=[1, 0])
        side = b.concatenate(turned, b.negate(both(xs, tanh)), dimension=1)
        return [b.add(b.add(left, total), side)]

    before = loop_graph(body, [W], [XS, XS])
    _check(before, graph_of(after, W, XS, XS))


# -- what stays ------------------------------------------------------------------------------------


def _sum_of(change: Any) -> Graph:
    """A loop that adds what `change` makes to one sum, and has room for stacks."""

    def body(b: Any, total: Value, x: Value, g: Value, w: Value) -> Sequence[Value]:
        return change(b, total, x, g, w)

    return loop_graph(body, [W], [XS, GS], [W])


def _add(b: Any, total: Value, x: Value, g: Value) -> Value:
    return b.add(total, product(b, x, g, lhs=0))


def test_the_sum_that_all_refusals_differ_from_is_taken() -> None:
    assert LoopProducts()(_sum_of(lambda b, t, x, g, w: [_add(b, t, x, g)])).changed


@pytest.mark.parametrize(
    "change",
    [
        lambda b, t, x, g, w: [_add(b, t, x, g), t],  # the sum so far is a result
        lambda b, t, x, g, w: [(s := _add(b, t, x, g)), s],  # the new sum is
        lambda b, t, x, g, w: [_add(b, t, product(b, g, t, rhs=1), g)],  # it is multiplied
        lambda b, t, x, g, w: [b.multiply(_add(b, t, x, g), w)],  # no sum
        lambda b, t, x, g, w: [b.add(_add(b, t, x, g), b.tanh(product(b, x, g, lhs=0)))],
        lambda b, t, x, g, w: [b.negate(_add(b, t, x, g))],  # signs that change in turn
        lambda b, t, x, g, w: [b.add(b.add(t, t), product(b, x, g, lhs=0))],
        lambda b, t, x, g, w: [(p := product(b, x, g, lhs=0)) and b.add(t, p), p],  # is needed
    ],
)
def test_other_carries_stay(change: Any) -> None:
    _refused(_sum_of(change))


def test_whole_numbers_stay() -> None:
    def body(b: Any, total: Value, x: Value, g: Value) -> Sequence[Value]:
        return [_add(b, total, x, g)]

    types = [as_type("int32", type_.shape) for type_ in (W, XS, GS)]
    _refused(loop_graph(body, types[:1], types[1:]))


def test_many_rows_stay() -> None:
    def body(b: Any, total: Value, x: Value, g: Value) -> Sequence[Value]:
        return [_add(b, total, x, g)]

    rows = WIDTH + 1
    types = [as_type("float32", (STEPS, rows, size)) for size in (WIDTH, GATES)]
    _refused(loop_graph(body, [W], types), "as fast in the loop")


def test_stacks_that_take_more_than_the_sum_that_leaves_stay() -> None:
    """Unless loops stack many times as much."""

    def body(b: Any, total: Value, x: Value) -> Sequence[Value]:
        return [_add(b, total, x, b.concatenate(b.tanh(x), b.sine(x), dimension=1)), b.cosine(x)]

    longer = as_type("float32", (2 * STEPS, *XS.shape[1:]))
    graph = loop_graph(body, [W], [longer])
    _refused(graph, "too much memory")
    assert LoopProducts(share=4)(graph).changed


def test_what_is_made_before_takes_no_more_than_results() -> None:
    def body(b: Any, h: Value, x: Value, w: Value) -> Sequence[Value]:
        y = b.tanh(product(b, x, w))
        cut = b.slice(y, start_indices=[0, 0], limit_indices=[ROWS, WIDTH], strides=[1, 1])
        h = b.add(h, cut)
        return [h, h]

    _refused(loop_graph(body, [STATE], [XS], [W]), "too much memory", _on_gpu())


def test_results_of_factors_that_are_larger_stay() -> None:
    def body(b: Any, g: Value, w: Value) -> Sequence[Value]:
        return [product(b, b.sine(g), w, rhs=1)]

    _refused(loop_graph(body, [], [GS], [W]), "too much memory")


def test_counted_and_single_iterations_stay() -> None:
    def body(b: Any, total: Value, x: Value, g: Value) -> Sequence[Value]:
        return [_add(b, total, x, g)]

    _refused(loop_graph(body, [W], [XS, GS], op="counted_scan"))
    one = [as_type("float32", (1, *type_.shape[1:])) for type_ in (XS, GS)]
    _refused(loop_graph(body, [W], one))


def test_where_memory_is_to_be_saved_nothing_is_stacked() -> None:
    graph = _sum_of(lambda b, t, x, g, w: [_add(b, t, x, g)])
    _refused(graph, context=PassContext(memory=MemoryGoal(remove=1)))
    assert LoopProducts()(graph, PassContext(memory=MemoryGoal(remove=0))).changed


def test_measured_sizes() -> None:
    assert pays_after(16, (64, 256), "cpu")
    assert not pays_after(256, (256, 1024), "cpu")
    assert pays_after(256, (16, 64), "gpu")
    assert not pays_after(1, (512, 2048), "gpu")
    assert pays_before(4, 256 * 1024 * 4, "cpu")
    assert not pays_before(16, 256 * 1024 * 4, "cpu")
    assert pays_before(16, 64 * 256 * 4, "gpu")

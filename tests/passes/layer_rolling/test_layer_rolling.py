"""Chains of equal blocks become one loop; what differs does not, and says why."""

from __future__ import annotations

import functools
import random

import numpy as np
import pytest

from graphc.dimensions import symbol
from graphc.ir.differentiation import append_gradients
from graphc.ir.graph import Graph
from graphc.ir.parser import parse
from graphc.ir.types import as_type
from passes.layer_rolling.loop_search import LoopSearch
from passes.layer_rolling.own_beginnings import OwnBeginnings
from tests.passes.layer_rolling.chains import (
    MATRIX,
    ROW,
    VECTORS,
    Chain,
    body_ops,
    layers,
    lengths,
    loops,
    refusals,
    roll,
    same_numbers,
)


def test_a_chain_of_layers_is_one_loop_over_its_stacked_weights() -> None:
    chain, values = layers(6, Chain.dense)
    graph = chain.done(values[-1])
    result, _ = roll(graph)
    (scan,) = loops(result.graph)
    assert scan.attributes["length"] == 6
    assert (scan.attributes["carries"], scan.attributes["invariants"]) == (1, 0)
    assert body_ops(scan) == ["dot_general", "broadcast_in_dim", "add", "tanh"]
    assert [str(value.type) for value in scan.inputs] == [
        *("f64[3, 4]", "f64[6, 4, 4]", "f64[6, 4]"),
    ]
    assert scan.name == "layer_0..layer_5"
    assert scan.origin.line == 10
    assert "layer_rolling" in scan.origin.rules
    same_numbers(chain, graph, result.graph)
    (described,) = result.details["loops"]
    assert described["iterations"] == 6
    assert described["body nodes"] == 4


def test_the_rolled_graph_survives_its_text() -> None:
    chain, values = layers(5, Chain.residual)
    result, _ = roll(chain.done(values[-1]))
    text = str(result.graph)
    assert str(parse(text)) == text


@pytest.mark.parametrize("count", [2, 3])
def test_few_layers_stay_as_they_are(count: int) -> None:
    chain, values = layers(count, Chain.dense)
    graph = chain.done(values[-1])
    result, _ = roll(graph)
    assert not result.changed
    assert result.graph is graph


def test_look_alikes_before_and_after_the_chain_stay_outside() -> None:
    chain = Chain()
    start = chain.feed(VECTORS)
    value = chain.add(start, chain.rows(chain.feed(ROW), start))  # looks like a residual's sum
    for number in range(5):
        chain.at(number, f"layer_{number}/x")
        value = chain.residual(value)
    end = chain.add(value, chain.product(value, chain.feed(MATRIX)))  # and this like a half of one
    graph = chain.done(end)
    result, _ = roll(graph)
    assert lengths(result.graph) == [5]
    same_numbers(chain, graph, result.graph)


def test_the_order_in_which_nodes_stand_does_not_matter() -> None:
    chain, values = layers(6, Chain.residual)
    graph = chain.done(values[-1])
    expected = str(roll(graph)[0].graph)
    for seed in range(5):
        assert str(roll(_shuffled(graph, seed))[0].graph) == expected


def _shuffled(graph: Graph, seed: int) -> Graph:
    """The same nodes in another order, operands first."""
    generator, waiting = random.Random(seed), [n for n in graph.nodes if n.op.name != "input"]
    done = {value.node for value in graph.inputs}
    order = [value.node for value in graph.inputs]
    while waiting:
        ready = [node for node in waiting if all(v.node in done for v in node.inputs)]
        node = generator.choice(ready)
        waiting.remove(node)
        done.add(node)
        order.append(node)
    return Graph(graph.inputs, graph.outputs, order)


def test_blocks_of_two_different_layers_are_rolled_together() -> None:
    chain, value = Chain(), None
    value = chain.feed(VECTORS)
    for number in range(10):
        value = chain.residual(value, "tanh" if number % 2 == 0 else "sine")
    graph = chain.done(value)
    result, _ = roll(graph)
    (scan,) = loops(result.graph)
    assert scan.attributes["length"] == 5
    assert sorted(body_ops(scan)).count("dot_general") == 2
    same_numbers(chain, graph, result.graph)


def test_one_odd_layer_divides_a_chain_into_two_loops() -> None:
    chain = Chain()
    value = chain.feed(VECTORS)
    for number in range(9):
        value = chain.residual(value, "sine" if number == 4 else "tanh")
    graph = chain.done(value)
    result, _ = roll(graph)
    assert lengths(result.graph) == [4, 4]
    same_numbers(chain, graph, result.graph)


def test_an_encoder_and_a_decoder_are_two_loops() -> None:
    chain = Chain()
    source, target = chain.feed(VECTORS), chain.feed(VECTORS)
    for _ in range(5):
        source = chain.residual(source)
    for _ in range(4):
        mixed = chain.add(target, chain.product(source, chain.feed(MATRIX)))
        target = chain.sine(chain.product(mixed, chain.feed(MATRIX)))
    graph = chain.done(target)
    result, _ = roll(graph)
    assert lengths(result.graph) == [5, 4]
    same_numbers(chain, graph, result.graph)


@pytest.mark.parametrize("share", [False, True], ids=["two inputs", "one input"])
def test_a_decoder_with_the_parts_of_its_encoder_loses_no_layer(share: bool) -> None:
    """Layers of a decoder look like two of an encoder's, from which chains run into each other.

    What both do to one input first is one node, of which each chain gets a copy.
    """
    chain = Chain()
    normalised = functools.cache(chain.tanh)

    def attend(x, source):
        query, key = (chain.product(each, chain.feed(MATRIX)) for each in (normalised(x), source))
        return chain.add(x, chain.product(chain.tanh(chain.add(query, key)), chain.feed(MATRIX)))

    source = chain.feed(VECTORS)
    target = source if share else chain.feed(VECTORS)
    for _ in range(6):
        source = chain.residual(attend(source, source), "sine")
    for _ in range(6):
        target = chain.residual(attend(attend(target, target), source), "sine")
    graph = chain.done(target)
    result, _ = roll(graph)
    assert lengths(result.graph) == [6, 6]
    assert result.values[graph.outputs[0]] is result.graph.outputs[0]
    assert not [node for node in result.graph.nodes if node.op.name == "dot_general"]
    same_numbers(chain, graph, result.graph)


def test_tied_weights_are_read_whole_by_every_iteration() -> None:
    chain = Chain()
    value, weights = chain.feed(VECTORS), chain.feed(MATRIX)
    for _ in range(6):
        value = chain.tanh(chain.product(value, weights))
    graph = chain.done(value)
    result, _ = roll(graph)
    (scan,) = loops(result.graph)
    assert (scan.attributes["carries"], scan.attributes["invariants"]) == (1, 1)
    assert len(scan.inputs) == 2
    same_numbers(chain, graph, result.graph)


def test_a_constant_of_each_layer_is_scanned() -> None:
    chain = Chain()
    value = chain.feed(VECTORS)
    for number in range(5):
        rate = chain.full(0.1 * number, VECTORS.dtype, VECTORS.shape)
        value = chain.add(value, chain.multiply(rate, chain.dense(value)))
    graph = chain.done(value)
    result, _ = roll(graph)
    (scan,) = loops(result.graph)
    assert "f64[5]" in [str(v.type) for v in scan.inputs]
    same_numbers(chain, graph, result.graph)


def test_two_values_may_be_carried() -> None:
    """Like an LSTM whose steps are written out: weights are tied, inputs are sliced."""
    chain = Chain()
    hidden, cell = chain.feed(VECTORS), chain.feed(VECTORS)
    weights, inner = chain.feed(MATRIX), chain.feed(MATRIX)
    for _ in range(6):
        x = chain.feed(VECTORS)
        gates = chain.add(chain.product(x, weights), chain.product(hidden, inner))
        cell = chain.add(chain.multiply(chain.logistic(gates), cell), chain.tanh(gates))
        hidden = chain.multiply(chain.tanh(cell), chain.logistic(gates))
    graph = chain.done(hidden, cell)
    result, _ = roll(graph)
    (scan,) = loops(result.graph)
    assert (scan.attributes["length"], scan.attributes["carries"]) == (6, 2)
    same_numbers(chain, graph, result.graph)


def test_a_fetch_inside_the_chain_is_cut_out_of_a_stacked_result() -> None:
    chain, values = layers(6, Chain.residual)
    graph = chain.done(values[-1], values[3])
    result, _ = roll(graph)
    (scan,) = loops(result.graph)
    assert str(scan.outputs[-1].type) == "f64[6, 3, 4]"
    same_numbers(chain, graph, result.graph)


def test_what_each_layer_gives_besides_is_computed_in_the_loop() -> None:
    chain, values = layers(6, Chain.residual)
    sizes = [chain.reduce_sum(chain.multiply(value, value), axes=[0, 1]) for value in values[1:]]
    total = sizes[0]
    for size in sizes[1:]:
        total = chain.add(total, size)
    graph = chain.done(values[-1], total)
    result, _ = roll(graph)
    (scan,) = loops(result.graph)
    assert "reduce_sum" in body_ops(scan)
    assert all(len(value.type.shape) < 3 for value in scan.outputs), "no layer is stacked whole"
    same_numbers(chain, graph, result.graph)


def test_a_connection_that_skips_layers_takes_the_stacked_results() -> None:
    """A U-net: the second half reads the first half, last layer first."""
    chain = Chain()
    value = chain.feed(VECTORS)
    seen = []
    for _ in range(5):
        value = chain.residual(value)
        seen.append(value)
    for before in reversed(seen):
        value = chain.sine(chain.product(chain.add(value, before), chain.feed(MATRIX)))
    graph = chain.done(value)
    result, _ = roll(graph)
    assert lengths(result.graph) == [5, 5]
    same_numbers(chain, graph, result.graph)


def test_a_chain_that_waits_for_what_depends_on_it_is_refused() -> None:
    """Each layer also reads a node that is no part of any layer and reads the layer before."""
    chain = Chain()
    value = chain.feed(VECTORS)
    odd = ["cosine", "sine", "logistic", "abs", "floor", "ceil"]
    for name in odd:
        strange = getattr(chain, name)(value)
        value = chain.add(value, chain.tanh(chain.product(strange, chain.feed(MATRIX))))
    graph = chain.done(value)
    result, context = roll(graph)
    assert not result.changed
    assert any("depends on the loop" in reason for reason in refusals(context))


@pytest.mark.parametrize("difference", ["shape", "attribute", "connection"])
def test_blocks_that_differ_are_not_rolled_together(difference: str) -> None:
    chain = Chain()
    value = before = chain.feed(VECTORS)
    for number in range(6):
        is_odd = number in (2, 4)
        if difference == "shape" and is_odd:
            wide = chain.product(value, chain.feed(as_type("float64", (4, 7))))
            after = chain.product(chain.tanh(wide), chain.feed(as_type("float64", (7, 4))))
        elif difference == "attribute" and is_odd:
            product = chain.dot_general(
                value, chain.feed(MATRIX), lhs_contracting=[1], rhs_contracting=[1]
            )
            after = chain.tanh(product)
        else:
            product = chain.product(value, chain.feed(MATRIX))
            after = chain.tanh(product)
        if difference == "connection":
            after = chain.add(after, before if is_odd else value)
        before, value = value, after
    graph = chain.done(value)
    result, _ = roll(graph)
    assert not result.changed


def test_a_chain_without_a_product_is_not_worth_a_loop() -> None:
    chain = Chain()
    value = chain.feed(VECTORS)
    for _ in range(20):
        value = chain.sine(chain.multiply(value, value))
    result, _ = roll(chain.done(value))
    assert not result.changed


def test_symbolic_sizes_stay_symbolic() -> None:
    chain = Chain()
    value = chain.feed(as_type("float64", (symbol("n"), 4)))
    for _ in range(4):
        value = chain.residual(value)
    graph = chain.done(value)
    result, _ = roll(graph)
    (scan,) = loops(result.graph)
    assert str(scan.outputs[0].type) == "f64[n, 4]"
    same_numbers(chain, graph, result.graph)


def test_a_train_step_that_is_written_out_is_rolled_both_ways() -> None:
    chain, values = layers(6, Chain.residual)
    loss = chain.reduce_sum(chain.multiply(values[-1], values[-1]), axes=[0, 1])
    weights = [v for v in chain.inputs if v.type is MATRIX]
    gradients = append_gradients(chain, chain.nodes, [loss], [None], weights)
    rate = chain.full(0.1, MATRIX.dtype, MATRIX.shape)
    updated = [
        chain.subtract(w, chain.multiply(g, rate)) for w, g in zip(weights, gradients, strict=True)
    ]
    graph = chain.done(loss, *updated)
    result, _ = roll(graph)
    forward, backward = loops(result.graph)
    assert not forward.attributes["reverse"]
    assert backward.attributes["reverse"]
    assert forward.attributes["length"] == 6
    assert backward.attributes["length"] == 5, "the first layer's input needs no gradient"
    assert "subtract" in body_ops(backward), "a layer's update is part of its block"
    same_numbers(chain, graph, result.graph)


def test_initial_values_are_drawn_in_one_loop() -> None:
    chain = Chain()
    key = chain.feed(as_type("uint32", (2,)))
    drawn = []
    for stream in range(1, 7):
        chain.at(stream, f"layer_{stream}/kernel")
        folded = chain.random_fold(key, chain.array(np.uint32(stream)))
        numbers = chain.random_uniform(folded, shape=(4, 4), dtype=VECTORS.dtype)
        drawn.append(chain.multiply(numbers, chain.full(0.5, VECTORS.dtype, (4, 4))))
    graph = chain.done(*drawn, chain.array(np.uint32(1)))
    result, _ = roll(graph)
    (scan,) = loops(result.graph)
    assert (scan.attributes["length"], scan.attributes["carries"]) == (6, 0)
    (streams,) = [n for n in result.graph.nodes if str(n.outputs[0].type) == "u32[6]"]
    assert streams.op.name == "constant"
    same_numbers(chain, graph, result.graph)


def test_draws_that_are_used_at_once_stay_where_they_are() -> None:
    """Stacked, the masks of all layers would be in memory together."""
    chain = Chain()
    key = chain.feed(as_type("uint32", (2,)))
    total = chain.full(0.0, VECTORS.dtype, (4, 4))
    for stream in range(1, 7):
        folded = chain.random_fold(key, chain.array(np.uint32(stream)))
        numbers = chain.random_uniform(folded, shape=(4, 4), dtype=VECTORS.dtype)
        total = getattr(chain, ["add", "multiply"][stream % 2])(total, numbers)
    result, _ = roll(chain.done(total))
    assert not result.changed


def test_what_a_few_layers_share_is_read_by_all_of_them() -> None:
    """Nothing is copied where sharing is no exception: a mask of every layer, two heads of each."""
    chain = Chain()
    value = chain.feed(VECTORS)
    mask = chain.tanh(chain.feed(VECTORS))
    for _ in range(5):
        both = chain.sine(value)
        left, right = (chain.product(both, chain.feed(MATRIX)) for _ in range(2))
        value = chain.add(chain.multiply(left, mask), right)
    graph = chain.done(value)
    search = LoopSearch(graph, 4, False)
    assert OwnBeginnings(graph, search.signatures, search.users, 4).graph is graph
    result, _ = roll(graph)
    assert lengths(result.graph) == [5]
    same_numbers(chain, graph, result.graph)

"""Common subexpressions: equal nodes are one, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.types import as_type
from graphc.reference.evaluator import evaluate
from graphc.rewriting.driver import rewrite_jointly
from graphc.rewriting.graph_pass import PassContext
from passes.algebra import RULES
from passes.common_subexpressions import CommonSubexpressions
from tests.passes.rewrite_checks import (
    F32,
    SYMBOLIC,
    apply,
    assert_same_bits,
    assert_same_graph,
    graph_of,
    numbers,
)

KEY = as_type("uint32", (2,))


def merged(body, *types) -> Graph:
    graph = graph_of(body, *types)
    result = apply(CommonSubexpressions(), graph)
    arrays = [numbers(type_, salt) for salt, type_ in enumerate(types)]
    assert_same_bits(evaluate(graph, arrays), evaluate(result, arrays))
    return result


def kept(body, *types) -> None:
    assert not CommonSubexpressions()(graph_of(body, *types)).changed


@pytest.mark.parametrize("type_", [F32, SYMBOLIC], ids=str)
def test_a_chain_computed_twice_is_computed_once(type_) -> None:
    def chain(build, x):
        return build.exponential(build.reduce_sum(build.tanh(x), axes=(1,)))

    result = merged(lambda b, x: b.subtract(chain(b, x), chain(b, x)), type_)
    assert_same_graph(result, graph_of(lambda b, x: b.subtract(y := chain(b, x), y), type_))


def test_operands_of_a_commutative_op_may_change_places_and_others_not() -> None:
    result = merged(lambda b, x, y: (b.add(x, y), b.add(y, x)), F32, F32)
    assert_same_graph(result, graph_of(lambda b, x, y: (z := b.add(x, y), z), F32, F32))
    kept(lambda b, x, y: (b.subtract(x, y), b.subtract(y, x)), F32, F32)


def test_attributes_tell_nodes_apart() -> None:
    kept(lambda b, x: (b.reduce_sum(x, axes=(0,)), b.reduce_sum(x, axes=(1,))), F32)
    kept(lambda b, x: (b.convert(x, dtype="float64"), b.convert(x, dtype="int32")), F32)


def test_constants_are_equal_when_every_bit_is() -> None:
    quiet, payload = np.array([0x7FC00000, 0x7FC00001], np.uint32).view(np.float32)
    pairs = [(0.0, -0.0), (quiet, payload), (1.0, 2.0)]
    for one, other in pairs:
        kept(lambda b, o=one, p=other: (b.array(np.float32(o)), b.array(np.float32(p))))
    kept(lambda b: (b.array(np.float32(1)), b.array(np.int32(1)), b.array(np.float32([1]))))
    large = np.arange(1000, dtype=np.float32)
    result = merged(lambda b: (b.array(large), b.array(large.copy()), b.array(np.float32(np.nan))))
    assert result.count("constant") == 2


def test_draws_from_one_key_are_one_and_from_two_keys_are_two() -> None:
    draw = {"shape": (3,), "dtype": "float32"}
    result = merged(lambda b, k: (b.random_normal(k, **draw), b.random_normal(k, **draw)), KEY)
    assert result.count("random_normal") == 1
    kept(lambda b, k, m: (b.random_normal(k, **draw), b.random_normal(m, **draw)), KEY, KEY)


def test_effects_and_barriers_stay_as_many_as_they_are() -> None:
    kept(lambda b: (b.random_key(stream=0), b.random_key(stream=0)))
    kept(lambda b, x: (b.tap(x, label="a"), b.tap(x, label="a")), F32)
    kept(lambda b, x: (b.optimization_barrier(x), b.optimization_barrier(x)), F32)


def test_what_is_beyond_a_barrier_is_not_merged_with_what_is_before_it() -> None:
    kept(lambda b, x: (b.tanh(x), b.tanh(b.tap(x, label="a"))), F32)


def body_of(*names: str) -> Graph:
    build = GraphBuilder()
    x = build.input(F32, "x")
    for name in names:
        x = build.add(getattr(build, name)(x), getattr(build, name)(x))
    return build.finish([x])


def test_region_ops_are_equal_when_their_bodies_are() -> None:
    def loop(build, x, *names):
        return build.scan(x, carries=1, length=3, regions=(body_of(*names),))

    result = merged(lambda b, x: (loop(b, x, "tanh"), loop(b, x, "tanh")), F32)
    assert result.count("scan") == 1
    assert result.outputs[0] is result.outputs[1]
    other = merged(lambda b, x: (loop(b, x, "tanh"), loop(b, x, "sine")), F32)
    assert other.count("scan") == 2


def test_bodies_are_merged_within_but_not_with_what_is_outside() -> None:
    def program(build, x):
        outside = build.tanh(x)
        inside = build.scan(x, carries=1, length=2, regions=(body_of("tanh"),))
        return build.add(outside, inside)

    result = merged(program, F32)
    (loop,) = [node for node in result.nodes if node.op.name == "scan"]
    assert loop.regions[0].count("tanh") == 1
    assert result.count("tanh") == 2


def test_the_first_of_equal_nodes_stays_with_its_name_and_line() -> None:
    build = GraphBuilder()
    x = build.input(F32, "x")
    build.name = "first"
    one = build.tanh(x)
    build.name = "second"
    graph = build.finish([build.add(one, build.tanh(x))])
    result = CommonSubexpressions()(graph)
    assert [node.name for node in result.graph.nodes if node.op.name == "tanh"] == ["first"]
    assert result.values[graph.nodes[2].output] is result.values[one]
    assert result.details == {"merged": 1}


def test_merged_values_are_seen_by_rules() -> None:
    graph = graph_of(
        lambda b, x: b.maximum(b.tanh(x), b.tanh(x)),
        F32,
    )
    assert not rewrite_jointly(graph, [RULES], PassContext()).changed
    result = rewrite_jointly(apply(CommonSubexpressions(), graph), [RULES], PassContext()).graph
    assert_same_graph(result, graph_of(lambda b, x: b.tanh(x), F32))

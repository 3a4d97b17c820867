"""Equality: names and lines do not count, all else does, and the first difference is told."""

from __future__ import annotations

import numpy as np
import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.dimensions import symbol
from graphc.ir.builder import GraphBuilder
from graphc.ir.equality import Structures, equal_graphs, first_difference
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.op import Constraint
from graphc.ir.origin import Origin
from graphc.ir.parser import parse
from graphc.ir.types import as_type

VECTOR = as_type("float32", (3,))
n, m = symbol("n"), symbol("m")


def graph_of(body, *, types=(VECTOR, VECTOR), name="", line=1, names=("x", "y"), kind="feed"):
    build = GraphBuilder(origin=Origin("model.py", line, "f"), name=name)
    made = body(
        build, *[build.input(t, label, kind) for t, label in zip(types, names, strict=True)]
    )
    return build.finish(made if isinstance(made, tuple) else (made,))


def default(build, x, y):
    return build.add(build.tanh(x), y)


def with_body(write):
    def body(build, x, y):
        inner = GraphBuilder()
        a, b = inner.input(VECTOR, "a"), inner.input(VECTOR, "b")
        return build.fusion(x, y, regions=(inner.finish([write(inner, a, b)]),), kind="elementwise")

    return body


def constant(array):
    return lambda build, x, y: build.array(array)


def test_names_and_lines_do_not_count() -> None:
    graph = graph_of(default)
    other = graph_of(default, name="scope/add", line=99)
    assert first_difference(graph, graph) is None
    assert first_difference(graph, other) is None
    assert equal_graphs(graph, other)
    assert equal_graphs(graph_of(with_body(default)), graph_of(with_body(default), name="z"))


def test_the_order_in_which_nodes_were_made_does_not_count_once_they_are_frozen() -> None:
    def other_way_round(build, x, y):
        right = build.sine(y)
        return build.add(build.tanh(x), right)

    def usual(build, x, y):
        left = build.tanh(x)
        return build.add(left, build.sine(y))

    assert equal_graphs(graph_of(usual), graph_of(other_way_round))


DIFFERENT = [
    (default, lambda b, x, y: b.add(b.sine(x), y), "tanh '' against sine ''"),
    (default, lambda b, x, y: b.add(y, b.tanh(x)), "add '' has other operands than add"),
    (default, lambda b, x, y: b.add(b.tanh(y), x), "tanh '' has other operands than tanh"),
    (default, lambda b, x, y: b.tanh(x), "2 nodes against 1"),
    (default, lambda b, x, y: (b.add(b.tanh(x), y), x), "other outputs"),
    (lambda b, x, y: (x, y), lambda b, x, y: (y, x), "other outputs"),
    (
        lambda b, x, y: b.reshape(x, shape=(1, 3)),
        lambda b, x, y: b.reshape(x, shape=(3, 1)),
        "reshape with {shape=[1, 3]} against {shape=[3, 1]}",
    ),
    (constant(np.float32(0)), constant(np.float32(-0.0)), "f32[] 0.0} against {value=f32[] -0.0}"),
    (constant(np.float32(0)), constant(np.float64(0)), "f32[] 0.0} against {value=f64[] 0.0}"),
    (constant(np.arange(99)), constant(np.arange(1, 100)), "constant with {value=i64[99] sha256"),
    (
        lambda b, x, y: b.layer_normalization(x, y, y, axis=0, epsilon=0.0),
        lambda b, x, y: b.layer_normalization(x, y, y, axis=0, epsilon=-0.0),
        "epsilon=0.0} against {axis=0, epsilon=-0.0}",
    ),
    (
        with_body(lambda b, x, y: b.add(x, y)),
        with_body(lambda b, x, y: b.add(y, x)),
        "in the body of fusion: add '' has other operands",
    ),
]


@pytest.mark.parametrize(("left", "right", "words"), DIFFERENT)
def test_the_first_difference_is_told(left, right, words: str) -> None:
    one, other = graph_of(left), graph_of(right)
    assert words in str(first_difference(one, other))
    assert not equal_graphs(one, other)
    assert first_difference(other, one) is not None
    structures = Structures()
    assert structures[one] != structures[other]


def test_what_a_body_calls_its_operands_does_not_count() -> None:
    def body(name: str):
        def build(b, x, y):
            inner = GraphBuilder()
            left, right = (inner.input(x.type, f"{name}/{side}") for side in ("left", "right"))
            inner.name = name
            region = inner.finish([inner.add(left, right)])
            return b.fusion(x, y, regions=(region,), kind="elementwise")

        return build

    one, other = graph_of(body("dense")), graph_of(body("dense_1"))
    structures = Structures()
    assert first_difference(one, other) is None
    assert structures[one] == structures[other]
    assert first_difference(one.nodes[-1].regions[0], other.nodes[-1].regions[0]) is not None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"names": ("x", "z")}, 'name="y", dtype=f32, shape=[3]} against {kind="feed", name="z"'),
        ({"kind": "state"}, 'kind="feed"'),
        ({"types": (VECTOR, as_type("f64", (3,)))}, "dtype=f32"),
        ({"types": (VECTOR, as_type("f32", (n,)))}, "shape=[3]} against"),
    ],
)
def test_names_kinds_and_types_of_inputs_count(options, words: str) -> None:
    left, right = (graph_of(lambda b, x, y: x, **each) for each in ({}, options))
    assert words in str(first_difference(left, right))


def test_what_surrounds_the_nodes_counts() -> None:
    base = graph_of(lambda b, x, y: (x, y))
    x = base.inputs[0]
    fewer = Graph([x], [x], [x.node])
    updates = Graph(base.inputs, base.outputs, base.nodes, ["w"])
    renamed = Graph(base.inputs, base.outputs, base.nodes, ["v"])
    bound = Graph(base.inputs, base.outputs, base.nodes, (), [Constraint(n, m)])
    assert "2 inputs against 1" in str(first_difference(base, fewer))
    assert "updates ('w',) against ('v',)" in str(first_difference(updates, renamed))
    assert "updates ()" in str(first_difference(base, updates))
    assert "constraints ()" in str(first_difference(base, bound))


def test_result_types_count_though_nobody_verified_them() -> None:
    build = GraphBuilder()
    x = build.input(VECTOR, "x")
    y = build.tanh(x)
    wrong = Node(y.node.op, (x,), y.node.attributes, (as_type("f32", (4,)),))
    left, right = (Graph([x], node.outputs, [x.node, node]) for node in (y.node, wrong))
    assert first_difference(left, right) == "tanh gives [f32[3]] against [f32[4]]"


@pytest.mark.parametrize(
    "array",
    [
        np.arange(20, dtype=np.uint8),
        np.arange(99.0),
        np.array(0x7FC00001, np.uint32).view(np.float32),
        np.array(["a", "b"] * 10),
    ],
)
def test_a_constant_equals_itself_known_by_its_hash_alone(array) -> None:
    graph = graph_of(constant(array))
    detached = parse(str(graph))
    assert detached.nodes[-1].attributes["value"].is_detached
    assert first_difference(graph, detached) is None
    assert first_difference(detached, graph) is None
    other = graph_of(constant(np.roll(array, 1) if array.size > 1 else -array))
    assert first_difference(other, detached) is not None

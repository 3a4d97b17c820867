"""Parts of graphs computed in pieces: what is cut, what is not, and that the numbers stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.parser import parse
from graphc.ir.registry import REGISTRY
from graphc.ir.types import as_type
from graphc.ir.verifier import verify
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.memory_goal import MemoryGoal
from passes.memory_budget import ComputationInPieces
from passes.memory_budget.piece_groups import find_group, most_alive
from passes.memory_budget.pieces import InPieces, in_pieces

ROWS, WIDTH, WIDE = 8, 4, 64
Make = Callable[[GraphBuilder, Value, Value, Value], Sequence[Value]]


def made_by(make: Make, dtype: str = "float32") -> tuple[Graph, list[Any]]:
    """A graph of x: [8, 4], up: [4, 64] and down: [64, 4], and arrays for it."""
    build = GraphBuilder()
    shapes = {"x": (ROWS, WIDTH), "up": (WIDTH, WIDE), "down": (WIDE, WIDTH)}
    inputs = [build.input(as_type(dtype, shape), name) for name, shape in shapes.items()]
    graph = build.finish(list(make(build, *inputs)))
    generator = np.random.default_rng(5)
    arrays = [
        np.asarray(generator.normal(size=shape), value.type.dtype.numpy)
        for value, shape in zip(inputs, shapes.values(), strict=True)
    ]
    return graph, arrays


def product(build: GraphBuilder, x: Value, y: Value, axes: tuple[int, int] = (1, 0)) -> Value:
    return build.dot_general(x, y, lhs_contracting=axes[:1], rhs_contracting=axes[1:])


def feed_forward(build: GraphBuilder, x: Value, up: Value, down: Value) -> Sequence[Value]:
    """A layer and its way back, with the gradients of both matrices."""
    before = product(build, x, up)
    inner = build.tanh(before)
    result = product(build, inner, down)
    for_inner = product(build, x, down, (1, 1))
    one = build.full_like(inner, 1)
    slope = build.subtract(one, build.multiply(inner, inner))
    for_before = build.multiply(for_inner, slope)
    return [
        result,
        product(build, for_before, up, (1, 1)),
        product(build, x, for_before, (0, 0)),
        product(build, inner, x, (0, 0)),
        build.reduce_sum(for_before, axes=(0,)),
    ]


def through_a_sum(build: GraphBuilder, x: Value, up: Value, down: Value) -> Sequence[Value]:
    """The wide axis is summed over, and what comes of it goes back to it."""
    inner = build.tanh(product(build, x, up))
    outer = build.exponential(product(build, inner, down))
    again = build.multiply(product(build, outer, up), inner)
    return [product(build, again, down)]


def of_a_vector(build: GraphBuilder, x: Value, up: Value, down: Value) -> Sequence[Value]:
    """What is repeated along an axis is read at two places."""
    largest = build.reduce_max(down, axes=(1,))
    whole = build.broadcast_in_dim(largest, shape=(ROWS, WIDE), broadcast_dimensions=(1,))
    inner = build.multiply(build.tanh(product(build, x, up)), whole)
    outer = build.add(product(build, inner, down), x)
    return [product(build, build.add(product(build, outer, up), whole), down)]


def checked(graph: Graph, arrays: list[Any], most: int = 4) -> InPieces:
    made = in_pieces(graph, most, REGISTRY)
    verify(made.graph)
    assert str(parse(str(made.graph))) == str(made.graph)
    expected = evaluate(graph, arrays)
    for mine, theirs in zip(evaluate(made.graph, arrays), expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)
    for old, new in zip(graph.outputs, made.graph.outputs, strict=True):
        assert made.values[old] is new
    return made


def loops(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes if node.op.name == "scan"]


def alive(graph: Graph) -> int:
    return most_alive(graph.nodes, set(graph.outputs))


@pytest.mark.parametrize("most", [4, 9])
def test_a_wide_layer_and_its_gradients_are_computed_in_pieces_of_the_wide_axis(most: int) -> None:
    graph, arrays = made_by(feed_forward)
    made = checked(graph, arrays, most)
    (loop,) = loops(made.graph)
    assert loop.attributes["length"] == {4: 4, 9: 8}[most]
    assert not [node for node in made.graph.nodes if node.op.name == "dot_general"]
    inside = [v.type.shape for n in loop.regions[0].nodes for v in n.outputs if v.type.rank == 2]
    assert (ROWS, WIDE) not in inside
    assert alive(made.graph) < alive(graph)


@pytest.mark.parametrize("make", [through_a_sum, of_a_vector])
def test_what_waits_for_a_sum_over_all_pieces_is_in_another_loop(make: Make) -> None:
    graph, arrays = made_by(make)
    made = checked(graph, arrays)
    assert len(made.loops) >= 1
    assert alive(made.graph) < alive(graph)


def test_bodies_of_loops_are_computed_in_pieces() -> None:
    body, arrays = made_by(lambda *given: feed_forward(*given)[1:2])
    build = GraphBuilder()
    inputs = [build.input(value.type, f"x{i}") for i, value in enumerate(body.inputs)]
    build.scan(*inputs, regions=(body,), carries=1, invariants=2, length=3)
    made = checked(build.finish(list(build.nodes[-1].outputs)), arrays)
    (outer,) = loops(made.graph)
    assert len(loops(outer.regions[0])) == 1
    assert made.loops == loops(outer.regions[0])


def test_attention_is_computed_example_by_example() -> None:
    build = GraphBuilder()
    shapes = [(4, 16, 2, 3)] * 3 + [(1, 1, 16, 16), (4, 16, 2, 3)]
    inputs = [build.input(as_type("float32", shape), f"x{i}") for i, shape in enumerate(shapes)]
    results = build.attention_gradient(*inputs, scale=0.5)
    graph = build.finish([build.attention(*inputs[:4], scale=0.5), *results])
    arrays = [np.random.default_rng(i).normal(size=s) for i, s in enumerate(shapes)]
    made = checked(graph, [array.astype(np.float32) for array in arrays])
    assert [loop.attributes["length"] for loop in loops(made.graph)] == [4, 4]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda build, x, up, down: [build.add(x, x)], "nothing is a product"),
        (lambda build, x, up, down: [product(build, x, up)], "would save 0 of"),
    ],
)
def test_what_is_not_worth_it_stays_and_says_why(make: Make, reason: str) -> None:
    graph, _ = made_by(make)
    made = in_pieces(graph, 4, REGISTRY)
    assert made.graph is graph
    (refused,) = made.refused
    assert reason in refused


def test_sums_of_narrow_floats_stay_whole() -> None:
    def sum_of_rows(build: GraphBuilder, x: Value, up: Value, down: Value) -> Sequence[Value]:
        return [product(build, build.tanh(product(build, x, up)), down)]

    wide, _ = made_by(sum_of_rows)
    narrow, _ = made_by(sum_of_rows, "bfloat16")
    for graph, expected in ((wide, None), (narrow, 0)):
        group = find_group(graph, 4)
        assert not isinstance(group, str)
        axes = [group.axis_of(value) for value in group.outputs]
        assert axes == [expected] or expected is None


def test_the_pass_takes_the_first_number_of_pieces_that_is_enough() -> None:
    graph, _ = made_by(feed_forward)
    lengths: list[int] = []
    for remove in (1, 2000, 2**40):
        goal = MemoryGoal(remove)
        context = PassContext(memory=goal)
        result = ComputationInPieces().apply(graph, context)
        lengths += [loop.attributes["length"] for loop in loops(result.graph)]
        assert goal.is_least == (remove == 2**40)
        assert goal.removed > 0
        assert context.trace.fired
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1]


def test_without_a_goal_or_with_one_that_is_met_nothing_is_cut() -> None:
    graph, _ = made_by(feed_forward)
    for goal in (None, MemoryGoal(0), MemoryGoal(5, removed=5), MemoryGoal(5, is_least=False)):
        assert ComputationInPieces().apply(graph, PassContext(memory=goal)).graph is graph

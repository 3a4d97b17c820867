"""Loops that keep less: which values are kept, and that the numbers stay the same to the bit."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.ir.builder import GraphBuilder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.parser import parse
from graphc.ir.verifier import verify
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.memory_goal import MemoryGoal
from passes.common_subexpressions import CommonSubexpressions
from passes.memory_budget import MemoryBudget
from passes.memory_budget.blocked_loops import place_blocked_pair
from passes.memory_budget.kept_sets import choices, choose_kept
from passes.memory_budget.loop_pairs import find_pairs
from passes.memory_budget.plans import Option, pair_options, plans
from passes.memory_budget.recomputation import write_pair
from passes.pruning import Pruning

pytestmark = pytest.mark.usefixtures("layers_in_loops")

LAYERS, ROWS, WIDTH = 6, 16, 4


@cache
def network() -> tuple[Graph, list[Any]]:
    """A train step of residual blocks with dropout, before its budget, and arrays for it."""
    with graphc.Graph().as_default() as graph:
        x = graphc.placeholder("float32", (ROWS, WIDTH), name="x")
        hidden = x
        for number in range(LAYERS):
            up = graphc.Variable(_matrix(WIDTH, 4 * WIDTH, number))
            down = graphc.Variable(_matrix(4 * WIDTH, WIDTH, number + LAYERS))
            inner = graphc.random.dropout(graphc.nn.gelu(hidden @ up), 0.3)
            hidden = hidden + ops.tanh(inner @ down)
        loss = ops.mean(ops.square(hidden))
        train = graphc.optimizers.Adam(1e-2).minimize(loss)
        session = graphc.Session(graph)
        made = session.compile([loss, train], [x]).graph("legalized")
    generator = np.random.default_rng(3)
    arrays = [
        np.asarray(np.abs(generator.normal(size=v.type.shape)) + 0.1, v.type.dtype.numpy)
        for v in made.inputs
    ]
    return made, arrays


def _matrix(rows: int, columns: int, seed: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(0, 0.3, (rows, columns)).astype(np.float32)


def loops(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes if node.op.name == "scan"]


def with_goal(graph: Graph, remove: int) -> tuple[Graph, MemoryGoal]:
    context = PassContext(memory=MemoryGoal(remove))
    made = MemoryBudget().apply(graph, context).graph
    for each in (Pruning(), CommonSubexpressions()):
        made = each.apply(made, context).graph
    verify(made)
    assert context.memory is not None
    return made, context.memory


def results(graph: Graph, arrays: Sequence[Any]) -> list[Any]:
    return [np.asarray(result) for result in evaluate(graph, list(arrays))]


def test_without_a_goal_nothing_changes() -> None:
    graph, _ = network()
    assert MemoryBudget().apply(graph, PassContext()).graph is graph
    made, goal = with_goal(graph, 0)
    assert made is graph
    assert not goal.is_least


def test_every_plan_gives_the_same_numbers_and_keeps_less_than_the_one_before() -> None:
    graph, arrays = network()
    (pair,) = find_pairs(graph)
    options = pair_options(pair)
    assert len(options) >= 4
    expected = results(graph, arrays)
    kept: list[int] = []
    for first, option in itertools.pairwise(options):
        assert option.bytes < first.bytes
        assert option.work > first.work
        made, goal = with_goal(graph, options[0].bytes - option.bytes)
        assert goal.removed == options[0].bytes - option.bytes
        assert goal.flops == option.flops > 0
        if loops(made)[0].attributes["length"] == LAYERS:  # blocks keep some inside as well
            kept.append(sum(value.type.byte_size for value in loops(made)[0].outputs))
        for mine, theirs in zip(results(made, arrays), expected, strict=True):
            np.testing.assert_array_equal(mine, theirs)  # masks of dropout too
    assert kept == sorted(kept, reverse=True)


def test_a_loop_of_whole_steps_keeps_less_inside() -> None:
    graph, arrays = network()
    build = GraphBuilder()
    inputs = [build.input(v.type, f"x{i}") for i, v in enumerate(graph.inputs)]
    body = Graph(graph.inputs, graph.outputs, graph.nodes)
    made = build.scan(*inputs, regions=(body,), carries=0, invariants=len(inputs), length=2)
    whole = build.finish(list(made))
    less, goal = with_goal(whole, 2**62)
    _, alone = with_goal(graph, 2**62)
    assert (goal.removed, goal.flops) == (alone.removed, 2 * alone.flops)
    for mine, theirs in zip(results(less, arrays), results(graph, arrays), strict=True):
        np.testing.assert_array_equal(mine, np.stack([theirs, theirs]))


def test_the_least_keeps_carries_and_nothing_else() -> None:
    graph, _ = network()
    made, goal = with_goal(graph, 2**62)
    assert goal.is_least
    forth, back = loops(made)
    rows = [v.type.shape for v in forth.outputs[forth.attributes["carries"] :]]
    assert rows == [(LAYERS, ROWS, WIDTH)]
    inside = [node.op.name for node in back.regions[0].nodes]
    # the gradients', the two of the block, and the first of these once more, late
    assert inside.count("dot_general") == 4 + 2 + 1
    assert str(parse(str(made))) == str(made)


@pytest.mark.parametrize("block", [2, 3])
def test_loops_of_blocks_give_the_same_numbers(block: int) -> None:
    graph, arrays = network()
    expected = results(graph, arrays)
    (pair,) = find_pairs(graph)
    editor = GraphEditor(graph)
    place_blocked_pair(
        editor, pair, write_pair(pair, choose_kept(pair.wanted, lambda v: 1, 1e6)), block
    )
    made, _ = editor.freeze()
    verify(made)
    forth, back = loops(made)
    assert forth.attributes["length"] == back.attributes["length"] == LAYERS // block
    assert (LAYERS // block, ROWS, WIDTH) in [v.type.shape for v in forth.outputs]
    for mine, theirs in zip(results(made, arrays), expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_cut_weighs_bytes_against_work() -> None:
    graph, _ = network()
    (pair,) = find_pairs(graph)

    def price(value: Any) -> int:
        is_free = value.node.op.name == "input" and value.node.attributes["name"][0] != "c"
        return 0 if is_free else value.type.byte_size

    found = choices(pair.wanted, price)
    by_work = sorted(found, key=lambda choice: choice.work)
    assert [c.bytes for c in by_work] == sorted((c.bytes for c in found), reverse=True)
    assert all("dot_general" not in {n.op.name for n in c.again} for c in by_work[:1])
    assert {value.node.op.name for value in by_work[-1].kept} == {"input"}


def test_a_plan_takes_the_cheapest_step_of_any_part_first() -> None:
    cheap = [Option(100, 0, 0), Option(50, 10, 10)]
    dear = [Option(100, 0, 0), Option(90, 10, 10), Option(10, 20, 20)]
    chosen = [[option.bytes for option in plan] for plan in plans([cheap, dear])]
    assert chosen == [[100, 100], [50, 100], [50, 90], [50, 10]]


def test_the_largest_values_that_are_left_name_the_users_line() -> None:
    graph, _ = network()
    _, goal = with_goal(graph, 0)
    sizes = [kept.bytes for kept in goal.largest]
    assert sizes == sorted(sizes, reverse=True)
    assert all(kept.origin.file == __file__ for kept in goal.largest)

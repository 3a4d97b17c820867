"""Graphs without loops that keep less: stretches computed again behind predicates."""

from __future__ import annotations

import itertools
from functools import cache
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.parser import parse
from graphc.ir.types import as_type
from graphc.ir.verifier import verify
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.memory_goal import MemoryGoal
from passes.memory_budget import MemoryBudget
from passes.memory_budget.long_lived_values import LongLived, find_long_lived, ways_to_keep_less
from passes.memory_budget.plans import long_lived_options

pytestmark = pytest.mark.usefixtures("layers_in_loops")

ROWS, WIDTHS = 256, (8, 10, 6, 12, 9, 7, 11, 5, 13, 8)


def network() -> tuple[graphc.Graph, Any, list[Any]]:
    """No two layers have the same size, so there is no loop."""
    with graphc.Graph().as_default() as graph:
        hidden = x = graphc.placeholder("float32", (ROWS, 8), name="x")
        for number, (rows, columns) in enumerate(itertools.pairwise((8, *WIDTHS))):
            generator = np.random.default_rng(number)
            weights = generator.normal(0, 0.5, (rows, columns)).astype(np.float32)
            hidden = graphc.nn.gelu(hidden @ graphc.Variable(weights))
            if number % 3 == 1:
                hidden = graphc.random.dropout(hidden, 0.2)
        loss = ops.mean(ops.square(hidden))
        train = graphc.optimizers.Adam(1e-2).minimize(loss)
    return graph, x, [loss, train]


@cache
def before_the_budget() -> tuple[Graph, list[Any], LongLived]:
    graph, x, fetches = network()
    made = graphc.Session(graph).compile(fetches, [x]).graph("legalized")
    assert made.count("scan") == 0
    generator = np.random.default_rng(3)
    arrays = [
        np.asarray(np.abs(generator.normal(size=v.type.shape)) + 0.1, v.type.dtype.numpy)
        for v in made.inputs
    ]
    return made, arrays, find_long_lived(made)


def test_products_masks_and_what_they_read_are_kept_and_nothing_elementwise() -> None:
    _, _, found = before_the_budget()
    kept = {value.node.op.name for value in found.wanted}
    assert "dot_general" in kept
    assert "dropout" in kept
    assert not kept & {"add", "tanh", "erf", "broadcast_in_dim", "constant", "input"}


def test_more_stretches_keep_more_at_edges_and_less_at_once() -> None:
    _, _, found = before_the_budget()
    ways = list(ways_to_keep_less(found))
    assert {len(way.again) for way in ways} >= {2, 3, 4}
    for way in ways:
        places = [[found.places[node] for node in nodes] for nodes in way.again]
        assert all(first[-1] < then[0] for first, then in itertools.pairwise(places))
    assert min(way.bytes for way in ways) < found.kept_bytes / 2


def test_stretches_may_end_with_a_node_of_several_results() -> None:
    build = GraphBuilder()
    x, y = (build.input(as_type("float32", (64, 64)), name) for name in "xy")
    largest, places = build.top_k(x, k=64)  # where most is alive
    inner = {"lhs_contracting": (1,), "rhs_contracting": (0,)}
    product = build.dot_general(y, largest, **inner)
    product = build.dot_general(product, build.convert(places, dtype=x.type.dtype), **inner)
    graph = build.finish([product])
    found = find_long_lived(graph)
    assert {*found.wanted} == {largest, places}
    assert [*ways_to_keep_less(found)]


def test_every_way_gives_the_same_numbers() -> None:
    graph, arrays, found = before_the_budget()
    expected = evaluate(graph, arrays)
    options = long_lived_options(found)
    assert len(options) >= 4
    for option in options[1:]:
        goal = MemoryGoal(options[0].bytes - option.bytes)
        made = MemoryBudget().apply(graph, PassContext(memory=goal)).graph
        verify(made)
        assert str(parse(str(made))) == str(made)
        assert goal.removed == options[0].bytes - option.bytes
        assert made.count("cond") >= 1
        for mine, theirs in zip(evaluate(made, arrays), expected, strict=True):
            np.testing.assert_array_equal(mine, theirs)  # masks of dropout too


def test_a_stretch_waits_for_the_way_back() -> None:
    graph, _, found = before_the_budget()
    made = MemoryBudget().apply(graph, PassContext(memory=MemoryGoal(2**62))).graph
    late = set(graph.nodes[found.peak :])
    for node in made.nodes:
        if node.op.name == "cond":
            pending, behind = [node.inputs[0].node], set[Any]()
            while pending:
                each = pending.pop()
                if each not in behind:
                    behind.add(each)
                    pending += [value.node for value in each.inputs]
            assert behind & late or any(each.op.name == "cond" for each in behind - {node})


@pytest.mark.parametrize("share", [0.5])
def test_xla_takes_less_and_losses_stay(share: float) -> None:
    graph, x, fetches = network()
    array = np.random.default_rng(0).normal(size=(ROWS, 8)).astype(np.float32)
    losses: list[list[float]] = []
    budget: int | None = None
    for _ in range(2):
        with graphc.Session(graph, memory_budget=budget) as session:
            losses.append([float(session.run(fetches, {x: array})[0]) for _ in range(3)])
            taken = session.compile(fetches).report().temp_bytes
        if budget is not None:
            assert taken <= budget
        budget = int(taken * share)
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)

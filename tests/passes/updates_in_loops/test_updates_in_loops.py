"""Updates that run in the loop of their gradients: same numbers, and no gradients stacked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.verifier import verify
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.memory_goal import MemoryGoal
from passes.memory_budget import MemoryBudget
from passes.pipelines import default_pipeline
from passes.pruning import Pruning
from passes.updates_in_loops import UpdatesInLoops

pytestmark = pytest.mark.usefixtures("layers_in_loops")

LAYERS, ROWS, WIDTH = 6, 64, 4


def step(
    optimizer: Any, fetch: Callable[[Any, list[Any]], list[Any]] | None = None
) -> tuple[graphc.Graph, Any, list[Any]]:
    """A train step of a chain of layers: its graph, what is fed, what is fetched."""
    with graphc.Graph().as_default() as graph:
        hidden = x = graphc.placeholder("float32", (ROWS, WIDTH), name="x")
        variables: list[Any] = []
        for number in range(LAYERS):
            generator = np.random.default_rng(number)
            kernel = graphc.Variable(generator.normal(0, 0.5, (WIDTH, WIDTH)).astype(np.float32))
            bias = graphc.Variable(np.zeros(WIDTH, np.float32))
            hidden = ops.tanh(hidden @ kernel + bias)
            variables += [kernel, bias]
        loss = ops.mean(ops.square(hidden - 1))
        more = fetch(loss, variables) if fetch else []
        return graph, x, [loss, optimizer.minimize(loss), *more]


def before_and_after(graph: graphc.Graph, x: Any, fetches: list[Any]) -> tuple[Graph, Graph]:
    pipeline = default_pipeline().without("updates_in_loops")
    program = graphc.Session(graph, pipeline=pipeline).compile(fetches, [x])
    before = program.graph("budgeted")
    result = UpdatesInLoops().apply(before, PassContext())
    verify(result.graph)
    assert not UpdatesInLoops().apply(result.graph, PassContext()).changed
    return before, result.graph


def check_equal(before: Graph, after: Graph) -> None:
    generator = np.random.default_rng(5)
    arrays = [
        np.asarray(np.abs(generator.normal(size=v.type.shape)) + 0.1, v.type.dtype.numpy)
        for v in before.inputs
    ]
    expected, given = by_name(before, arrays), by_name(after, arrays)
    assert expected.keys() == given.keys()
    for name, old in expected.items():
        np.testing.assert_array_equal(given[name], old)


def by_name(graph: Graph, arrays: list[Any]) -> dict[Any, Any]:
    """Fetches by number, new values of variables by name."""
    names = [*range(len(graph.fetches)), *graph.update_names]
    results = evaluate(graph, list(arrays))
    return {name: np.asarray(made) for name, made in zip(names, results, strict=True)}


def way_back(graph: Graph) -> Node:
    (found,) = [n for n in graph.nodes if n.op.name == "scan" and n.attributes["reverse"]]
    return found


def stacked(node: Node) -> int:
    return len(node.outputs) - node.attributes["carries"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: graphc.optimizers.Adam(1e-2),
        lambda: graphc.optimizers.SGD(1e-2),
        lambda: graphc.optimizers.SGD(1e-2, momentum=0.9, nesterov=True, weight_decay=0.1),
        lambda: graphc.optimizers.Lamb(1e-2),
        lambda: graphc.optimizers.Adafactor(1e-2),
        lambda: graphc.optimizers.Adam(1e-2, clipvalue=0.1),
        lambda: graphc.optimizers.Adam(1e-2, clipnorm=0.1),
        lambda: graphc.optimizers.Adam(1e-2, use_ema=True),
    ],
    ids=["adam", "sgd", "nesterov", "lamb", "adafactor", "clipvalue", "clipnorm", "ema"],
)
def test_a_layer_is_changed_where_its_gradient_is_made(make: Callable[[], Any]) -> None:
    before, after = before_and_after(*step(make()))
    assert stacked(way_back(before)) == 2
    assert stacked(way_back(after)) == 0
    check_equal(before, after)


def test_an_update_that_needs_all_gradients_stays_outside() -> None:
    before, after = before_and_after(*step(graphc.optimizers.Adam(1e-2, global_clipnorm=0.1)))
    assert after is before


def test_gradients_that_are_read_elsewhere_are_still_stacked() -> None:
    def fetch(loss: Any, variables: list[Any]) -> list[Any]:
        return [ops.sum(ops.square(graphc.gradients(loss, variables)[0]))]

    before, after = before_and_after(*step(graphc.optimizers.Adam(1e-2), fetch))
    assert stacked(way_back(before)) == 2
    assert stacked(way_back(after)) == 1
    check_equal(before, after)


def test_a_loop_of_blocks_changes_a_block_at_a_time() -> None:
    for optimizer in (graphc.optimizers.Adam(1e-2), graphc.optimizers.Lamb(1e-2)):
        graph, x, fetches = step(optimizer)
        pipeline = default_pipeline().without("updates_in_loops")
        program = graphc.Session(graph, pipeline=pipeline).compile(fetches, [x])
        context = PassContext(memory=MemoryGoal(2**40))
        blocked = MemoryBudget().apply(program.graph("legalized"), context).graph
        blocked = Pruning().apply(blocked, context).graph
        result = UpdatesInLoops().apply(blocked, PassContext())
        verify(result.graph)
        assert way_back(blocked).attributes["length"] < LAYERS
        assert stacked(way_back(result.graph)) == 0
        check_equal(blocked, result.graph)


@pytest.mark.parametrize(
    "make",
    [
        lambda: graphc.optimizers.Adam(1e-2),
        lambda: graphc.optimizers.Adam(1e-2, amsgrad=True),
        lambda: graphc.optimizers.SGD(1e-2),
        lambda: graphc.optimizers.SGD(1e-2, momentum=0.9, nesterov=True, weight_decay=0.1),
        lambda: graphc.optimizers.RMSprop(1e-2, momentum=0.9, centered=True),
        lambda: graphc.optimizers.Adadelta(1e-2),
        lambda: graphc.optimizers.Lion(1e-2),
        lambda: graphc.optimizers.Nadam(1e-2),
        lambda: graphc.optimizers.Adam(1e-2, use_ema=True),
    ],
    ids=["adam", "amsgrad", "sgd", "nesterov", "rmsprop", "adadelta", "lion", "nadam", "ema"],
)
def test_rows_are_changed_where_they_lie(make: Callable[[], Any]) -> None:
    width, layers, batch = 128, 8, 4
    with graphc.Graph().as_default() as graph:
        hidden = x = graphc.placeholder("float32", (batch, width))
        for number in range(layers):
            generator = np.random.default_rng(number)
            kernel = generator.normal(0, 0.1, (width, width)).astype(np.float32)
            hidden = ops.tanh(hidden @ graphc.Variable(kernel))
        loss = ops.mean(ops.square(hidden))
        fetches = [loss, make().minimize(loss)]
    row, activations = 4 * width**2, 4 * (layers + 4) * batch * width
    report = graphc.Session(graph).compile(fetches, [x]).report()
    # a gradient, the row that the product of the way back reads, and one in between at most
    assert report.temp_bytes < activations + 2.5 * row


def test_other_platforms_keep_their_updates_unless_memory_has_to_be_saved() -> None:
    graph, x, fetches = step(graphc.optimizers.SGD(1e-2))
    program = graphc.Session(graph).compile(fetches, [x])
    legalized = program.graph("legalized")
    for memory, is_changed in ((None, False), (MemoryGoal(0), False), (MemoryGoal(1), True)):
        context = PassContext(platform="gpu", memory=memory)
        assert UpdatesInLoops().apply(legalized, context).changed == is_changed


def test_neither_variables_nor_gradients_are_among_the_largest_values() -> None:
    graph, x, fetches = step(graphc.optimizers.Adam(1e-2))
    pipeline = default_pipeline().without("updates_in_loops")
    before = graphc.Session(graph, pipeline=pipeline).compile(fetches, [x]).graph("budgeted")
    goal = MemoryGoal(0)
    UpdatesInLoops().apply(before, PassContext(memory=goal))
    sizes = [kept.bytes for kept in goal.largest]
    assert sizes[0] == LAYERS * ROWS * WIDTH * 4  # activations
    assert LAYERS * WIDTH * WIDTH * 4 not in sizes

"""Layers that take less memory written out, and compile as fast, are left as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.ir.graph import Graph
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.pack_layout import PackLayout
from passes.layer_rolling import LayerRolling
from passes.pipelines import default_pipeline

WIDTH = 16


def tanh(x: Any, number: int) -> Any:
    return ops.tanh(x @ matrix(number))


def relu(x: Any, number: int) -> Any:
    return graphc.nn.relu(x @ matrix(number))


def normalized(x: Any, number: int) -> Any:
    return relu(x - ops.mean(x, axis=-1, keepdims=True), number)


def matrix(number: int) -> Any:
    values = np.random.default_rng(number).normal(0, 0.2, (WIDTH, WIDTH)).astype(np.float32)
    return graphc.Variable(values, name=f"kernel_{number}")


def train_step(
    layer: Any, layers: int, rows: Any, memory_budget: int | None = None, rolling: bool = True
) -> Any:
    with graphc.Graph().as_default() as graph:
        hidden = x = graphc.placeholder("float32", (rows, WIDTH), name="x")
        for number in range(layers):
            hidden = layer(hidden, number)
        loss = ops.mean(ops.square(hidden))
        fetches = [loss, graphc.optimizers.SGD(1e-2).minimize(loss)]
    pipeline = default_pipeline() if rolling else default_pipeline().without("layer_rolling")
    session = graphc.Session(graph, memory_budget=memory_budget, pipeline=pipeline)
    return session.compile(fetches, [x])


def loops(graph: Graph) -> int:
    return sum(node.op.name == "scan" for node in graph.nodes)


@pytest.mark.parametrize(
    ("layer", "layers", "rows", "is_rolled"),
    [
        (tanh, 8, 4096, False),
        (relu, 8, 4096, True),  # a loop keeps products alone, written out their results too
        (tanh, 70, 4096, True),  # many products take XLA long
        (tanh, 16, 64, True),  # so few bytes are no reason
        (tanh, 12, 64, False),  # but few products with little between them are
        (relu, 12, 16, False),
        (normalized, 12, 16, True),
        (tanh, 16, None, True),  # nobody knows how many
        (tanh, 12, None, False),
    ],
)
def test_rows_beside_stacks_are_weighed(
    layer: Any, layers: int, rows: Any, is_rolled: bool
) -> None:
    assert bool(loops(train_step(layer, layers, rows).graph("rolled"))) == is_rolled


@pytest.mark.cpu
def test_what_is_trained_takes_no_more_than_written_out() -> None:
    for layer in (tanh, relu):
        taken = train_step(layer, 8, 4096).report().temp_bytes
        written_out = train_step(layer, 8, 4096, rolling=False).report().temp_bytes
        assert taken <= 1.01 * written_out


@pytest.mark.parametrize("trained_first", [True, False])
def test_a_session_keeps_variables_in_one_way(trained_first: bool) -> None:
    """No program cuts rows of stacks that another made: whichever comes first decides."""
    with graphc.Graph().as_default() as graph:
        hidden = x = graphc.placeholder("float32", (64, WIDTH), name="x")
        for number in range(8):
            hidden = tanh(hidden, number)
        loss = ops.mean(ops.square(hidden))
        step = graphc.optimizers.SGD(1e-2).minimize(loss)
    session, rows = graphc.Session(graph), np.ones((64, WIDTH), np.float32)
    order = [[loss, step], [hidden]]
    for fetches in order if trained_first else reversed(order):
        session.run(fetches, {x: rows})
    found = [loops(session.compile(fetches, [x]).graph("rolled")) for fetches in order]
    assert found == ([0, 0] if trained_first else [1, 1])
    assert bool(session.store.packs.members) != trained_first


def test_a_budget_is_met_in_loops() -> None:
    assert loops(train_step(tanh, 8, 4096, memory_budget=2**30).graph("rolled")) == 1


def test_layers_whose_variables_are_stacked_already_stay_a_loop() -> None:
    before = train_step(tanh, 8, 4096).graph("composed")
    names = [f"kernel_{number}" for number in range(8)]
    rolling = LayerRolling(weighs_stacks=True)
    assert not rolling.apply(before, PassContext()).changed
    packed = PassContext(packs=PackLayout({"kernels": names}))
    assert rolling.apply(before, packed).changed


def test_the_report_says_why() -> None:
    report = train_step(tanh, 8, 4096).report()
    assert "rows beside stacks take" in str(report)

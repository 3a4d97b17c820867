"""New values in the order of variables: each takes the memory of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from passes.pipelines import default_pipeline
from passes.update_order import UpdateOrder


def train_step() -> tuple[graphc.Graph, Any, list[Any]]:
    with graphc.Graph().as_default() as graph:
        hidden = x = graphc.placeholder("float32", (4, 64), name="x")
        for number in range(3):
            kernel = np.random.default_rng(number).normal(0, 0.1, (64, 64)).astype(np.float32)
            hidden = ops.tanh(hidden @ graphc.Variable(kernel))
        loss = ops.mean(ops.square(hidden))
        return graph, x, [loss, graphc.optimizers.Adam(1e-2).minimize(loss)]


def test_new_values_come_in_the_order_of_the_variables_whose_memory_they_take() -> None:
    graph, x, fetches = train_step()
    pipeline = default_pipeline().without("update_order")
    before = graphc.Session(graph, pipeline=pipeline).compile(fetches, [x]).graph("fused")
    result = UpdateOrder().apply(before, PassContext())
    assert result.changed
    assert not UpdateOrder().apply(result.graph, PassContext()).changed
    after = result.graph
    states = [value.node.attributes["name"] for value in after.inputs]
    assert list(after.update_names) == [name for name in states if name in after.update_names]
    generator = np.random.default_rng(0)
    arrays = [
        np.asarray(np.abs(generator.normal(size=v.type.shape)) + 0.1, v.type.dtype.numpy)
        for v in before.inputs
    ]
    old, new = evaluate(before, arrays), evaluate(after, arrays)
    np.testing.assert_array_equal(old[0], new[0])
    expected = dict(zip(before.update_names, old[1:], strict=True))
    for name, value in zip(after.update_names, new[1:], strict=True):
        np.testing.assert_array_equal(value, expected[name])


@pytest.mark.parametrize("layers", ["update_order", None])
def test_no_variable_is_copied_to_make_way_for_another(layers: str | None) -> None:
    graph, x, fetches = train_step()
    pipeline = default_pipeline() if layers is None else default_pipeline().without(layers)
    taken = graphc.Session(graph, pipeline=pipeline).compile(fetches, [x]).report().temp_bytes
    row = 4 * 64**2
    assert (taken < 3 * row) == (layers is None)  # a gradient and activations, no copies


def test_a_graph_without_updates_is_left_alone() -> None:
    with graphc.Graph().as_default() as graph:
        fetch = graphc.Variable(1.0) + 1.0
    fused = graphc.Session(graph).compile([fetch], []).graph("fused")
    assert not UpdateOrder().apply(fused, PassContext()).changed

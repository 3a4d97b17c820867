"""Layers whose dropouts have rates of their own run in one loop, with the masks that they had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import layers
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.types import as_type
from graphc.rewriting.graph_pass import PassContext, PassResult
from passes.layer_rolling import LayerRolling
from passes.pipelines import default_pipeline
from tests.passes.layer_rolling.chains import VECTORS, Chain, body_ops, lengths, loops, same_numbers

pytestmark = pytest.mark.usefixtures("layers_in_loops")

KEY = as_type("uint32", (2,))
WRITTEN = ("random_uniform", "compare", "multiply", "select")


def chain_of(rates: Sequence[float], shared_axes: Sequence[int] = ()) -> tuple[Chain, Graph]:
    """Layers that drop a part of what they add; the result, and the mask of the last one."""
    chain = Chain()
    value, key = chain.feed(VECTORS), chain.input(KEY, "key", "feed")
    chain.feeds.append(np.array([7, 4_000_000_000], np.uint32))
    kept: Value | None = None
    for number, rate in enumerate(rates):
        own = chain.random_fold(key, chain.full(number, as_type("uint32", ()).dtype, ()))
        dropped, kept = chain.dropout(chain.dense(value), own, rate=rate, shared_axes=shared_axes)
        value = chain.add(value, dropped)
    assert kept is not None
    return chain, chain.done(value, kept)


def rolled(graph: Graph) -> PassResult:
    return LayerRolling()(graph, PassContext())


def dropouts(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes if node.op.name == "dropout"]


@pytest.mark.parametrize("shared_axes", [(), (1,)])
def test_rates_that_grow_with_depth_are_scanned_over(shared_axes: Sequence[int]) -> None:
    chain, graph = chain_of([0.1, 0.2, 0.3, 0.4, 0.5], shared_axes)
    result = rolled(graph)
    (scan,) = loops(result.graph)
    assert scan.attributes["length"] == 5
    assert [name for name in body_ops(scan) if name in WRITTEN] == list(WRITTEN)
    assert not dropouts(result.graph)
    same_numbers(chain, graph, result.graph)
    for value in graph.outputs:
        assert result.values[value] in result.graph.outputs


def test_one_rate_for_all_stays_a_dropout() -> None:
    chain, graph = chain_of([0.3] * 5)
    result = rolled(graph)
    (scan,) = loops(result.graph)
    assert "dropout" in body_ops(scan)
    same_numbers(chain, graph, result.graph)


def test_a_layer_that_drops_nothing_or_everything_is_no_copy() -> None:
    chain, graph = chain_of([0.0, 0.1, 0.2, 0.3, 0.4, 1.0])
    result = rolled(graph)
    assert lengths(result.graph) == [4]
    assert [node.attributes["rate"] for node in dropouts(result.graph)] == [0.0, 1.0]
    same_numbers(chain, graph, result.graph)


def test_dropouts_in_no_loop_stay_as_they_are() -> None:
    chain, graph = chain_of([0.1, 0.2, 0.3])
    result = rolled(graph)
    assert result.graph is graph
    chain = Chain()
    value, key = chain.feed(VECTORS), chain.input(KEY, "key", "feed")
    for rate in (0.1, 0.2, 0.3, 0.4):  # without a product: not worth a loop
        value, _ = chain.dropout(chain.tanh(value), key, rate=rate)
    graph = chain.done(value)
    assert rolled(graph).graph is graph


def _train(is_rolled: bool) -> tuple[list[float], list[Any], int]:
    pipeline = default_pipeline()
    if not is_rolled:
        pipeline = pipeline.without("layer_rolling")
    with graphc.Graph().as_default() as graph:
        inputs = value = graphc.placeholder("float32", (None, 3, 4))
        for number in range(5):
            branch = layers.Dense(4, activation="tanh")(value)
            drop = layers.Dropout(0.1 * (number + 1), noise_shape=(None, 1, 1))
            value = value + drop(branch, training=True)
        loss = graphc.ops.mean(graphc.ops.square(value - 1))
        train = graphc.optimizers.Adam(0.01).minimize(loss)
        variables = graphc.global_variables()
    given = np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 4)
    with graphc.Session(graph, pipeline=pipeline, seed=3) as session:
        losses = [float(session.run([loss, train], {inputs: given})[0]) for _ in range(20)]
        weights = session.run(variables)
        count = len(session.compile([loss, train], [inputs]).report().loops)
    return losses, weights, count


def test_stochastic_depth_trains_in_a_loop_as_written_out() -> None:
    losses, weights, count = _train(is_rolled=True)
    others, theirs, none = _train(is_rolled=False)
    assert (count, none) == (1, 0)
    np.testing.assert_allclose(losses, others, rtol=1e-6)
    for mine, other in zip(weights, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-7)

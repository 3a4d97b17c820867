"""Keys that the host makes: rows of one input in place of hashes; other keys stay."""

from __future__ import annotations

import numpy as np

from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.types import as_type
from graphc.opset.random.keys import KEY, WORD, keys_of_streams
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext, PassResult
from graphc.rewriting.stream_keys import StreamKeys, streams_of, takes_stream_keys

SEED, COUNTER = np.uint32(5), np.uint32(3)


def drawing(*streams: int) -> Graph:
    """A draw from each stream, and one from a stream that is data."""
    build = GraphBuilder()
    seed, counter, other = (build.input(WORD, name, "state") for name in ("s", "c", "o"))
    base = build.random_base(seed, counter)
    keys = [build.random_fold(base, build.array(np.uint32(stream))) for stream in streams]
    keys += [build.random_fold(base, other), build.random_fold(keys[0], build.array(np.uint32(8)))]
    return build.finish([build.random_uniform(k, shape=(2, 3), dtype=F32) for k in keys])


F32 = as_type("float32", ()).dtype


def applied(graph: Graph, *streams: int) -> PassResult:
    return StreamKeys(streams).apply(graph, PassContext(platform="cpu"))


def test_keys_of_known_streams_are_rows_and_the_numbers_are_equal() -> None:
    graph = drawing(4, 9, 2)
    result = applied(graph, 9, 4, 1).graph
    names = [value.node.attributes["name"] for value in result.inputs]
    assert names == ["s", "c", "o", "graphc/stream_keys"]
    assert str(result.inputs[-1].type) == "u32[3, 2]"
    assert takes_stream_keys(result)
    ops = [node.op.name for node in result.nodes]
    # still hashed: stream 2, a stream that is data, and what is folded into a key
    assert (ops.count("dynamic_slice"), ops.count("random_fold")) == (2, 3)
    state = [SEED, COUNTER, np.uint32(77)]
    expected = evaluate(graph, state)
    found = evaluate(result, [*state, keys_of_streams(SEED, COUNTER, (9, 4, 1))])
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_graph_that_draws_from_none_of_them_is_left_alone() -> None:
    result = applied(drawing(4), 5)
    assert not result.changed
    assert not takes_stream_keys(result.graph)


def test_each_stream_of_a_graph_is_listed_once() -> None:
    build = GraphBuilder()
    keys = [build.random_key(stream=stream) for stream in (3, 1, 3)]
    assert keys[0].type is KEY
    assert streams_of(build.finish(keys)) == (3, 1)

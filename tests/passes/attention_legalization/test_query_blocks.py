"""Blocks of queries alone: how many there are, which keys they read, what they leave in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import graphc
import passes
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from passes.attention_legalization import AttentionLegalization
from passes.attention_legalization.query_blocks import QueryBlocks
from tests.opset.test_attention import attention_graph
from tests.passes.attention_legalization.test_attention_legalization import gradient_graph
from tests.passes.rewrite_checks import apply

MEGABYTE = 2**20


def attention(queries: int, keys: int, *extras: Any, heads: int = 8, **attributes: Any) -> Node:
    """One node, of arrays that are not there."""
    shapes = [(1, size, heads, 64) for size in (queries, keys, keys)]
    arrays = [np.broadcast_to(np.float32(0), shape) for shape in shapes]
    graph = attention_graph(*arrays, *extras, scale=0.1, **attributes)
    (node,) = (node for node in graph.nodes if node.op.name == "attention")
    return node


def test_a_block_has_as_many_logits_as_it_should() -> None:
    (segment,) = QueryBlocks().segments(attention(4096, 4096))
    assert (segment.blocks, segment.block) == (16, 256)
    assert segment.block * 4096 * 8 * 4 == 32 * MEGABYTE
    # no fewer queries than keep matrix units busy, and no more than a quarter
    (few,) = QueryBlocks().segments(attention(4096, 65536, heads=16))
    assert (few.blocks, few.block) == (64, 64)
    (many,) = QueryBlocks().segments(attention(2048, 512))
    assert (many.blocks, many.block) == (4, 512)
    (odd,) = QueryBlocks().segments(attention(4099, 4096))
    assert (odd.blocks, odd.block) == (17, 242)


def test_what_one_block_holds_is_not_cut() -> None:
    assert QueryBlocks().divide(attention(4096, 4096))
    assert not QueryBlocks().divide(attention(256, 4096))
    assert not QueryBlocks().divide(attention(64, 65536, heads=16))


def test_segments_of_causal_queries_read_no_later_keys() -> None:
    found = QueryBlocks().segments(attention(4096, 4096, is_causal=True))
    assert [segment.keys for segment in found] == [range(1024 * n) for n in (1, 2, 3, 4)]
    assert [segment.queries.start for segment in found] == [0, 1024, 2048, 3072]
    # fewer keys, more queries
    assert [segment.blocks for segment in found] == [1, 2, 4, 4]
    near = attention(4096, 4096, is_causal=True, local_window_size=(100, 0))
    keys = [segment.keys for segment in QueryBlocks().segments(near)]
    assert keys == [range(1024), range(924, 2048), range(1948, 3072), range(2972, 4096)]
    few = QueryBlocks(least_queries=2000).segments(attention(4096, 4096, is_causal=True))
    assert len(few) == 1


@pytest.mark.parametrize(
    "node",
    [
        attention(4096, 4096),
        attention(4096, 4096, np.ones((1, 1, 1, 4096), bool), is_causal=True),
        attention(4096, 4096, np.zeros((1, 1, 1, 4096), np.float32), is_causal=True),
        attention(4096, 4096, is_causal=True, hidden_logit=-2.0),
        attention(4096, 2048, local_window_size=(100, 0)),
    ],
    ids=["no order", "mask", "bias", "hidden keys that count", "queries behind all keys"],
)
def test_all_keys_are_read_where_hidden_ones_may_count(node: Node) -> None:
    (segment,) = QueryBlocks().segments(node)
    assert len(segment.keys) == node.inputs[1].type.shape[1]


def test_a_block_takes_a_mask_only_where_something_is_hidden() -> None:
    legalization = AttentionLegalization(0, 0, "query_blocks", query_blocks=QueryBlocks(0, 2))
    arrays = [np.zeros((1, 8, 1, 2), np.float32)] * 3

    def blocks(graph: Graph) -> list[Node]:
        loops = [node for node in apply(legalization, graph).nodes if node.op.name == "scan"]
        return [
            each for loop in loops for each in loop.regions[0].nodes if "scale" in each.attributes
        ]

    for is_causal in (False, True):
        graph = attention_graph(*arrays, scale=0.5, is_causal=is_causal, hidden_logit=-1e30)
        for before, operands in ((graph, 3), (gradient_graph(graph, arrays)[0], 4)):
            found = blocks(before)
            assert len(found) == (4 if is_causal else 1)
            for block in found:
                assert len(block.inputs) == operands + is_causal
                # what else a block says is what the whole said
                assert block.attributes["hidden_logit"] == -1e30
                assert not block.attributes["is_causal"]


@pytest.mark.parametrize("is_causal", [False, True])
def test_a_compiled_program_holds_a_quarter_of_what_it_would_written_out(is_causal: bool) -> None:
    shape = [1, 2048, 16, 8]
    with graphc.Graph().as_default() as graph:
        fed = [graphc.placeholder("float32", shape) for _ in range(4)]
        result = graphc.nn.dot_product_attention(*fed[:3], is_causal=is_causal)
        fetches = [result, *graphc.gradients(result, fed[:3], grad_ys=fed[3])]
    default = passes.default_pipeline()
    legalization = AttentionLegalization(form="query_blocks", huge_bytes=0)
    mine, whole = (
        graphc.Session(graph=graph, pipeline=pipeline)
        .compile(fetches, fed)
        .memory_analysis()
        .temp_size_in_bytes
        for pipeline in (
            default.replacing("attention_legalization", legalization),
            default.without("attention_legalization"),
        )
    )
    assert whole >= 16 * 2048 * 2048 * 4
    assert mine <= whole / 4

"""Fetches that come stacked: cut from a stack in one piece where they can be, in any case equal."""

from __future__ import annotations

import numpy as np
import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.types import as_type
from graphc.ir.verifier import verify
from graphc.reference.evaluator import evaluate
from graphc.rewriting.packed_fetches import PackedFetches

WHOLE = np.arange(24, dtype=np.float32).reshape(6, 4)


def graph_of_rows(rows: list[int]) -> Graph:
    """Fetches these rows of a stack, then the sum of all."""
    build = GraphBuilder()
    whole = build.input(as_type("float32", WHOLE.shape), "whole")
    fetched = []
    for row in rows:
        cut = build.slice(whole, start_indices=[row, 0], limit_indices=[row + 1, 4], strides=[1, 1])
        fetched.append(build.reshape(cut, shape=(4,)))
    return build.finish([*fetched, build.add(whole, whole)])


@pytest.mark.parametrize(
    ("rows", "ops"),
    [
        ([0, 1, 2, 3, 4, 5], ["add"]),
        ([1, 2, 3], ["slice", "add"]),
        ([1, 3, 5], ["slice", "add"]),
        ([5, 3, 1], None),
        ([1, 2, 4], None),
        ([2, 2], None),
        ([4], None),
    ],
    ids=str,
)
def test_rows_of_a_stack_are_cut_in_one_piece(rows: list[int], ops: list[str] | None) -> None:
    graph = graph_of_rows(rows)
    packed = PackedFetches((len(rows), None))(graph).graph
    verify(packed)
    stack, double = evaluate(packed, [WHOLE])
    np.testing.assert_array_equal(stack, WHOLE[rows])
    np.testing.assert_array_equal(double, 2 * WHOLE)
    names = [node.op.name for node in packed.nodes if node.op.name != "input"]
    if ops is None:
        assert len(names) > 2
    else:
        assert sorted(names) == sorted(ops)


def test_values_of_any_origin_are_stacked() -> None:
    build = GraphBuilder()
    x = build.input(as_type("float32", (4,)), "x")
    graph = build.finish([x, build.add(x, x), build.negate(x)])
    packed = PackedFetches((None, 2))(graph).graph
    verify(packed)
    first, stack = evaluate(packed, [WHOLE[1]])
    np.testing.assert_array_equal(first, WHOLE[1])
    np.testing.assert_array_equal(stack, [2 * WHOLE[1], -WHOLE[1]])

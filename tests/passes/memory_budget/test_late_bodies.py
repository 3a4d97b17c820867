"""Iterations that compute a part of themselves once more: same numbers, and less there at once."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import graphc
from graphc import ops
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.verifier import verify
from graphc.lowering.executable import Executable
from graphc.reference.evaluator import evaluate
from graphc.rewriting.graph_pass import PassContext
from passes.memory_budget.kept_sets import choices, choose_kept
from passes.memory_budget.late_bodies import late_bodies
from passes.memory_budget.loop_pairs import find_pairs
from passes.memory_budget.recomputation import place_pair, write_pair
from passes.updates_in_loops import UpdatesInLoops

LAYERS, ROWS, WIDTH = 4, 64, 8


@cache
def train_step() -> Graph:
    """Layers of three wide parts each, of which the first two need not be there for the last."""
    with graphc.Graph().as_default() as graph:
        hidden = x = graphc.placeholder("float32", (ROWS, WIDTH), name="x")
        for number in range(LAYERS):
            generator = np.random.default_rng(number)
            for activation in (ops.tanh, ops.sigmoid, ops.sin):
                up, down = (
                    graphc.Variable(generator.normal(0, 0.3, shape).astype(np.float32))
                    for shape in ((WIDTH, 32 * WIDTH), (32 * WIDTH, WIDTH))
                )
                hidden = hidden + ops.tanh(activation(hidden @ up) @ down)
        loss = ops.mean(ops.square(hidden))
        fetches = [loss, graphc.optimizers.SGD(1e-2).minimize(loss)]
        return graphc.Session(graph).compile(fetches, [x]).graph("legalized")


def price(value: Any) -> int:
    is_free = value.node.op.name == "input" and value.node.attributes["name"][0] != "c"
    return 0 if is_free else value.type.byte_size


def placed(written: Any) -> Graph:
    (pair,) = find_pairs(train_step())
    editor = GraphEditor(train_step())
    place_pair(editor, pair, written)
    made, _ = editor.freeze()
    verify(made)
    return made


def temp_bytes(graph: Graph) -> int:
    last = UpdatesInLoops().apply(graph, PassContext()).graph
    return Executable(last, donate=True).memory_analysis().temp_size_in_bytes


@pytest.mark.cpu
def test_what_is_computed_late_gives_the_same_numbers_and_takes_less() -> None:
    (pair,) = find_pairs(train_step())
    least = min(choices(pair.wanted, price), key=lambda choice: choice.bytes)
    written = write_pair(pair, least)
    before = placed(written)
    arrays = [
        np.random.default_rng(i).normal(0, 0.3, v.type.shape).astype(v.type.dtype.numpy)
        for i, v in enumerate(before.inputs)
    ]
    expected = evaluate(before, arrays)
    found = list(late_bodies(written))
    assert found
    for late in found:
        assert late.flops > 0
        for mine, theirs in zip(evaluate(placed(late.write()), arrays), expected, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    most = max(found, key=lambda late: late.bytes)
    wide = 4 * ROWS * 32 * WIDTH
    assert most.bytes >= wide
    assert temp_bytes(placed(most.write())) <= temp_bytes(before) - wide // 2


def test_an_iteration_that_computes_nothing_again_has_nothing_late() -> None:
    (pair,) = find_pairs(train_step())
    kept = choose_kept(pair.wanted, lambda value: 1, 1e6)
    assert not kept.again
    assert not [late for late in late_bodies(write_pair(pair, kept)) if late.bytes > 0]

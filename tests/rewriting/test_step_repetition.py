"""A loop over spans of steps: what begins anew, and what is kept after each."""

import numpy as np
import pytest

from graphc.dtypes import F32
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.literal import as_literal
from graphc.ir.types import tensor_type
from graphc.lowering.executable import Executable
from graphc.rewriting.graph_pass import PassContext
from graphc.rewriting.pack_layout import PackLayout
from graphc.rewriting.step_repetition import STEPS, StepRepetition


def step():
    """Adds a number that is fed to three variables that are kept as one pack; gives their sum."""
    build = GraphBuilder(name="step")
    pack = build.input(tensor_type(F32, (3,)), "a..c", "state", ["a", "b", "c"])
    build.input(tensor_type(F32, ()), "d", "state")
    number = build.input(tensor_type(F32, ()), "x", "feed")
    added = build.broadcast_in_dim(number, shape=(3,), broadcast_dimensions=())
    new = build.add(pack, added)
    made = build.finish([build.reduce_sum(new, axes=(0,)), new])
    return Graph(made.inputs, made.outputs, made.nodes, ["a..c"])


@pytest.mark.parametrize("count", [2, 3])
def test_a_row_of_a_pack_and_a_variable_that_nothing_sets_begin_anew(count):
    fresh = (("b", as_literal(np.float32(50))), ("d", as_literal(np.float32(7))))
    context = PassContext(sizes={STEPS: 6}, packs=PackLayout({"a..c": ("a", "b", "c")}))
    looped = StepRepetition(("x",), fresh, 3).apply(step(), context).graph
    assert looped.update_names == ("a..c", "d")
    spans = np.array([[0, 2, 1], [2, 3, 0], [3, 6, 1]], np.int32)
    state, numbers = [np.array([1, 2, 3], "f"), np.float32(9)], np.arange(1, 7, dtype="f")
    run = Executable(looped, donate=False).call
    sums, b, d, pack, single = map(np.asarray, run(*state, numbers, spans, np.int32(count)))
    # 1 + 2 on [1, 50, 3]; 3 on what that has left; 4 + 5 + 6 on that with 50 in its middle.
    ended = [count > 0, count > 1, count > 2]
    np.testing.assert_array_equal(sums, np.where(ended, [63, 72, 111], 0))
    np.testing.assert_array_equal(b, np.where(ended, [53, 56, 65], 0))
    np.testing.assert_array_equal(d, np.where(ended, [7, 7, 7], 0))
    np.testing.assert_array_equal(pack, [22, 65, 24] if count == 3 else [7, 56, 9])
    assert single == 7

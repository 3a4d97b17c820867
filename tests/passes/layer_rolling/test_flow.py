"""What depends on what, where planned loops are one node each."""

from __future__ import annotations

import graphc.opset  # noqa: F401, registers the ops
from graphc.ir.builder import GraphBuilder
from graphc.ir.types import as_type
from passes.layer_rolling.loops import Flow
from passes.layer_rolling.node_signatures import users_of

F32 = as_type("float32", (2, 3))


def test_a_loop_leads_back_to_what_stands_before_it() -> None:
    build = GraphBuilder()
    x, y = build.input(F32, "x"), build.input(F32, "y")
    early = build.exponential(y)
    from_early = build.sine(early)
    begin = build.tanh(x)
    late = build.log(begin)
    graph = build.finish([from_early, late, build.cosine(late)])
    assert graph.nodes.index(from_early.node) < graph.nodes.index(begin.node)
    flow = Flow(users_of(graph))
    assert flow.after([begin.node], [from_early.node]) == set()
    flow.contract([early.node, late.node])
    assert flow.after([begin.node], [from_early.node, x.node]) == {from_early.node}
    flow.release([early.node, late.node])
    assert flow.after([begin.node], [from_early.node]) == set()
    assert flow.after([begin.node], [begin.node, late.node]) == {begin.node, late.node}

"""Loops over rows, small and written by hand: what the tests of products in loops share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.types import TensorType, as_type
from tests.passes.rewrite_checks import graph_of

STEPS, ROWS, WIDTH, GATES = 4, 4, 16, 32

XS = as_type("float32", (STEPS, ROWS, WIDTH))
GS = as_type("float32", (STEPS, ROWS, GATES))
W = as_type("float32", (WIDTH, GATES))
BIAS = as_type("float32", (GATES,))
STATE = as_type("float32", (ROWS, WIDTH))


def row(type_: TensorType) -> TensorType:
    return type_.with_shape(type_.shape[1:])


def product(build: Any, a: Value, b: Value, lhs: int = 1, rhs: int = 0) -> Value:
    return build.dot_general(a, b, lhs_contracting=[lhs], rhs_contracting=[rhs])


def loop_graph(
    body: Callable[..., Sequence[Value]],
    carries: Sequence[TensorType],
    scanned: Sequence[TensorType],
    invariants: Sequence[TensorType] = (),
    *,
    op: str = "scan",
    **attributes: Any,
) -> Graph:
    """A graph of one loop: of all its operands, to all that it gives."""
    inside = [*carries, *map(row, scanned), *invariants]

    def outer(build: GraphBuilder, *operands: Value) -> Sequence[Value]:
        region = graph_of(body, *inside)
        length = scanned[0].shape[0]
        count = [build.array(np.int32(length - 1))] if op == "counted_scan" else []
        made = getattr(build, op)(
            *count,
            *operands,
            regions=(region,),
            carries=len(carries),
            invariants=len(invariants),
            length=length,
            **attributes,
        )
        return [made] if isinstance(made, Value) else list(made)

    return graph_of(outer, *carries, *scanned, *invariants)


def loops_in(graph: Graph) -> list[Node]:
    """All loops, those of bodies too."""
    found: list[Node] = []
    for node in graph.nodes:
        found += [node] if node.op.name == "scan" else []
        for region in node.regions:
            found += loops_in(region)
    return found


def products_in_loops(graph: Graph) -> list[int]:
    """How many products the innermost loops make in each iteration."""
    return [
        sum(node.op.name == "dot_general" for node in loop.regions[0].nodes)
        for loop in loops_in(graph)
        if not any(node.regions for node in loop.regions[0].nodes)
    ]

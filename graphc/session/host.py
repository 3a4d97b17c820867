"""Strings: folded and fetched on the host, never handed to XLA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dtypes import STRING
from graphc.errors import FetchError, GraphcError
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.slicing_graphs import slice_graph
from graphc.reference.evaluator import evaluate


def host_slice(graph: DataflowGraph, fetches: Sequence[Value], feeds: Sequence[Value]) -> Graph:
    """What strings need, as a graph of its own.

    Raises:
        FetchError: a string depends on a variable or on a placeholder that is not fed.
    """
    sliced = slice_graph(graph, fetches, feeds)
    for node in sliced.nodes:
        if node.op.name in ("read", "assign"):
            raise FetchError("a string cannot depend on a variable", origin=node.origin)
    for value in sliced.inputs[len(feeds) :]:
        raise FetchError(
            f"the placeholder {value.node.name!r} is needed and not fed", origin=value.node.origin
        )
    return sliced


def run_on_host(sliced: Graph, arrays: Sequence[Any]) -> list[Any]:
    """The strings: `str` and `bytes` for scalars, object arrays otherwise."""
    try:
        results = evaluate(sliced, arrays)
    except NotImplementedError as problem:
        raise GraphcError(f"a string cannot be computed: {problem}") from problem
    return [
        result.item() if value.type.dtype is STRING and result.ndim == 0 else result
        for value, result in zip(sliced.outputs, results, strict=True)
    ]

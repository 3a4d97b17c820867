"""A graph as networkx sees it. A view, made on demand: ordered operand tuples stay the truth.

A `MultiDiGraph` with the argument position as edge key: a plain `DiGraph` folds the two edges of
`x * x` into one, and predecessors lose operand order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

import networkx as nx

from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value

_NETWORKX: Final = cast(Any, nx)  # its types say nothing of nodes of several kinds


def to_networkx(graph: Graph) -> nx.MultiDiGraph[Node]:
    """The data flow between nodes.

    Nodes carry `op` and `label`; an edge runs from producer to user with the operand's position as
    its key, and carries `value`.
    """
    view: nx.MultiDiGraph[Node] = nx.MultiDiGraph()
    for node in graph.nodes:
        view.add_node(node, op=node.op.name, label=node.name or node.op.name)
    for node in graph.nodes:
        for position, value in enumerate(node.inputs):
            view.add_edge(value.node, node, key=position, value=value)
    return view


def node_digraph(graph: Graph) -> nx.DiGraph[Node]:
    """Which node needs which, one edge a pair: for ancestors, dominators and convexity."""
    view: nx.DiGraph[Node] = nx.DiGraph()
    view.add_nodes_from(graph.nodes)
    view.add_edges_from((value.node, node) for node in graph.nodes for value in node.inputs)
    return view


def least_cut(
    network: Any, source: str, sink: str, values: Iterable[Value]
) -> tuple[int, frozenset[Value]]:
    """The capacity of a minimum cut, and the values that it goes through: of all, the last ones.

    Args:
        network: a digraph where a value is the edge from (value, "here") to (value, "there").
        source: where the flow begins.
        sink: where it ends.
        values: those of the network.
    """
    capacity, (before, after) = _NETWORKX.minimum_cut(
        network, source, sink, flow_func=_NETWORKX.algorithms.flow.boykov_kolmogorov
    )
    cut = [v for v in values if (v, "here") in before and (v, "there") in after]
    return capacity, frozenset(cut)

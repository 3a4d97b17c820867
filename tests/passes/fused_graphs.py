"""Fusing a graph, with every check that holds for any graph; looking into the regions."""

from __future__ import annotations

from typing import Any

from graphc.ir.editor import GraphEditor
from graphc.ir.equality import first_difference
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.parser import parse
from graphc.ir.verifier import verify
from passes.elementwise_fusion import ElementwiseFusion, unfuse
from passes.fusion_groups import Role, role_of
from tests.passes.built_programs import op_names


def freeze(graph: Graph) -> Graph:
    """The same graph in the order in which editors leave graphs, without what nothing needs."""
    return GraphEditor(graph).freeze()[0]


def fuse(graph: Graph, **options: Any) -> Graph:
    """The fused graph, held to everything that every fused graph must be."""
    graph = freeze(graph)
    result = ElementwiseFusion(**options)(graph)
    fused = result.graph
    verify(fused)
    text = str(fused)
    assert str(parse(text)) == text
    again = ElementwiseFusion(**options)(fused)
    assert again.graph is fused
    assert not again.changed
    assert first_difference(graph, unfuse(fused)) is None
    assert result.changed == (fused.count("fusion") > 0)
    for region in fusions(fused):
        check_region(region)
    return fused


def check_region(region: Node) -> None:
    nodes = [node for node in region.regions[0].nodes if node.op.name != "input"]
    roles = [role_of(node.op) for node in nodes]
    assert Role.ALONE not in roles
    assert Role.ELEMENTWISE in roles
    heavy = [role for role in roles if role in (Role.CONTRACTION, Role.REDUCTION)]
    assert bool(heavy) == (region.attributes["kind"] != "elementwise")
    assert len(heavy) <= 1
    assert sum(node.op.name != "constant" for node in nodes) >= 2
    assert "elementwise_fusion" in region.origin.rules


def fusions(graph: Graph) -> list[Node]:
    return [node for node in graph.walk() if node.op.name == "fusion"]


def contents(graph: Graph) -> list[str]:
    """The ops in each region of the graph itself, without constants and what spreads them."""
    return [
        " ".join(name for name in op_names(node.regions[0]) if name != "broadcast_in_dim")
        for node in graph.nodes
        if node.op.name == "fusion"
    ]

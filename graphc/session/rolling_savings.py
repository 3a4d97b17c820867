"""What loops of repeated layers have saved: nodes, and an estimate of XLA's seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from graphc.ir.graph import Graph
from graphc.ir.node import Node

_ROLLED: Final = "layer_rolling"
_SOURCES: Final = frozenset({"input", "constant"})


@dataclass(frozen=True)
class RollingSavings:
    """A program with rolled layers beside itself written out.

    Attributes:
        loops: how many loops rolling made, those of the way back included.
        nodes: what the program computes, bodies included and counted once.
        nodes_written_out: the same with each iteration written out.
        xla_seconds_saved: an estimate: XLA's seconds per node of this program, for the nodes that
            it does not have. XLA takes more per node in larger programs, so it is rather too low.
            0 where the program was not compiled but found in the disk cache.
    """

    loops: int
    nodes: int
    nodes_written_out: int
    xla_seconds_saved: float

    def __str__(self) -> str:
        return (
            f"rolled: {self.loops} loops, {self.nodes:,} nodes instead of "
            f"{self.nodes_written_out:,}; XLA saved about {self.xla_seconds_saved:.1f} s (estimate)"
        )


def estimate_savings(graph: Graph, xla_seconds: float) -> RollingSavings | None:
    """What rolling has saved in a program; None where it made no loops.

    Args:
        graph: as it is lowered.
        xla_seconds: how long XLA took to compile it.
    """
    loops = sum(map(_is_rolled, graph.walk()))
    if not loops:
        return None
    nodes, written_out = _count(graph, is_written_out=False), _count(graph, is_written_out=True)
    return RollingSavings(loops, nodes, written_out, xla_seconds * (written_out - nodes) / nodes)


def _is_rolled(node: Node) -> bool:
    return node.op.name == "scan" and _ROLLED in node.origin.rules


def _count(graph: Graph, is_written_out: bool) -> int:
    total = 0
    for node in graph.nodes:
        inside = sum(_count(region, is_written_out) for region in node.regions)
        if is_written_out and _is_rolled(node):
            total += inside * node.attributes["length"]
        elif node.op.name not in _SOURCES:
            total += inside + 1
    return total

"""The values of a program that take most memory, for the error that says a budget is too small."""

from __future__ import annotations

from typing import Final

from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.op import Trait
from graphc.ir.origin import UNKNOWN, Origin
from graphc.rewriting.memory_goal import KeptValue
from passes.memory_budget.kept_sets import bytes_of
from passes.scans import Scan

_SHOWN: Final = 8


def largest_values(graph: Graph) -> list[KeptValue]:
    """The largest values that XLA cannot fuse away, by user line, without variables.

    What a loop stacks is named by what its body gives.
    """
    found: dict[tuple[str, Origin], int] = {}
    for node in graph.walk():
        if not node.op.has(Trait.CONTRACTION | Trait.REGION):
            continue
        for value in node.outputs:
            if _is_variable(value):
                continue
            made, loop = node, Scan.of(node)
            if loop is not None and value.index in loop.stacked:
                inside = loop.body.outputs[value.index].node
                made = node if inside.origin is UNKNOWN else inside
            if made.origin is UNKNOWN:
                continue
            key = (made.name or node.name, made.origin)
            found[key] = max(found.get(key, 0), bytes_of(value))
    kept = [KeptValue(size, name, origin) for (name, origin), size in found.items()]
    return sorted(kept, key=lambda value: -value.bytes)[:_SHOWN]


def _is_variable(value: Value) -> bool:
    """Whether a value is a variable that a loop changes: that is no temporary memory."""
    loop = Scan.of(value.node)
    if loop is None or value.index in loop.stacked:
        return False
    first: Node = loop.node.inputs[value.index].node
    first = first.inputs[0].node if first.op.name == "reshape" else first
    return first.op.name == "input" and first.attributes["kind"] == "state"

"""What a loss hangs on: what layers set while they train, and variables."""

from __future__ import annotations

from graphc.ir.graph import topological_order
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


def updates_below(tensor: Tensor) -> list[Tensor]:
    """The assignments of the layers, called in training, whose results a tensor depends on."""
    noted = tensor.graph.records.updates
    if not noted:
        return []
    nodes = topological_order([tensor.value])
    results = [value for node in nodes for value in node.outputs if value in noted]
    return list(dict.fromkeys(update for value in results for update in noted[value]))


def variables_below(tensor: Tensor) -> list[Variable]:
    """The variables whose values a tensor depends on, in bodies of loops and branches as well."""
    names: dict[str, None] = {}
    for node in topological_order([tensor.value]):
        for inner in (node, *[each for region in node.regions for each in region.walk()]):
            if inner.op.name == "read":
                names[inner.attributes["variable"]] = None
    return [tensor.graph.variables[name] for name in names]

"""What layers set while they train: moving averages, vectors of power iterations, states."""

from __future__ import annotations

from graphc.ir.graph import topological_order
from graphc.ops.tensor import Tensor


def updates_below(tensor: Tensor) -> list[Tensor]:
    """The assignments of the layers, called in training, whose results a tensor depends on."""
    noted = tensor.graph.records.updates
    if not noted:
        return []
    nodes = topological_order([tensor.value])
    results = [value for node in nodes for value in node.outputs if value in noted]
    return list(dict.fromkeys(update for value in results for update in noted[value]))

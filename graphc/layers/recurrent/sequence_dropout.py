"""Dropout masks of cells: one for all steps of a sequence.

Source: Gal and Ghahramani 2016, dropout in recurrent networks, https://arxiv.org/abs/1512.05287.
"""

from __future__ import annotations

from graphc.dimensions import Shape
from graphc.dtypes import DType
from graphc.ops.arithmetic import multiply
from graphc.ops.creation import ones
from graphc.ops.dataflow import DataflowGraph, get_default_graph
from graphc.ops.tensor import Tensor
from graphc.random.masks import dropout
from graphc.random.streams import SeedGenerator


class SequenceDropout:
    """Draws the masks of what a cell drops, and keeps them until they are forgotten.

    Args:
        rate: fraction that is dropped.
        count: how many masks there are: one per gate, or one for all.
        seeds: where the numbers come from.
    """

    def __init__(self, rate: float, count: int, seeds: SeedGenerator) -> None:
        self.rate = rate
        self.count = count
        self._seeds = seeds
        self._graph: DataflowGraph | None = None
        self._masks: dict[tuple[Shape, DType], list[Tensor]] = {}

    def begin(self, graph: DataflowGraph | None) -> None:
        """Forget the masks; the next ones stand in `graph`, outside of the loop over the steps."""
        self._graph, self._masks = graph, {}

    def copies(self, tensor: Tensor) -> list[Tensor]:
        """The tensor under each of the masks, which are the same ones for all steps."""
        return [multiply(tensor, mask) for mask in self.masks(tensor)]

    def masks(self, tensor: Tensor) -> list[Tensor]:
        """0, or 1 / (1 - rate), for each element of a tensor like this one."""
        around = get_default_graph()
        if self._graph is None or not around.can_see(self._graph):
            self.begin(around)
        key = tensor.shape, tensor.dtype
        if key not in self._masks:
            assert self._graph is not None
            with self._graph.as_default():
                self._masks[key] = [
                    dropout(ones(tensor.shape, tensor.dtype), self.rate, seed=self._seeds)
                    for _ in range(self.count)
                ]
        return self._masks[key]

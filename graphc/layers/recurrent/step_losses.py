"""Penalties that layers add in the body of a loop: their sums, outside of it."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.layers.layer import Layer
from graphc.ops.dataflow import get_default_graph
from graphc.ops.reductions import sum as sum_of
from graphc.ops.tensor import Tensor


class StepLosses:
    """Takes penalties out of the body in which they were added, and gives their sums back.

    Args:
        layers: those that may add penalties in the body.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = list(layers)
        self._owners: list[Layer] = []

    def take(self) -> list[Tensor]:
        """Those that were added in the graph being built, which is a body: to be stacked."""
        body = get_default_graph()
        taken: list[Tensor] = []
        self._owners = []
        for layer in self._layers:
            inside = [x for x in layer._call_losses if isinstance(x, Tensor) and x.graph is body]
            layer._call_losses = [x for x in layer._call_losses if x not in inside]
            self._owners += [layer] * len(inside)
            taken += inside
        return taken

    def give(self, stacked: Sequence[Tensor]) -> None:
        """Let the layers have the sums over all iterations."""
        for layer, losses in zip(self._owners, stacked, strict=True):
            layer.add_loss(sum_of(losses))

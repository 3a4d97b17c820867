"""Weights that a call would make anew each time, which nothing would train, keep or save.

`fit`, `evaluate` and `predict` call a model once each. A layer that is made in `call` has other
weights in each of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphc.errors import GraphcError
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.variable import Variable

if TYPE_CHECKING:
    from graphc.layers.layer import Layer


class WeightsOfCall:
    """The weights that are made while the outermost layer is called.

    Args:
        layer: the layer.
        graph: where variables are.
        was_called: whether it was called before.
    """

    def __init__(self, layer: Layer, graph: DataflowGraph, was_called: bool) -> None:
        self._layer = layer
        self._graph = graph
        self._count = len(graph.variables)
        layers = layer._flatten_layers() if was_called else []
        self._was_called = was_called
        self._waiting = {id(each) for each in layers if not each.built}

    def require_kept(self) -> None:
        """Refuse weights that no layer keeps, or that were not there in the call before.

        What a layer's `build` makes at its own first call is as it should be.

        Raises:
            GraphcError: there are some; names the line in `call` that makes them.
        """
        if len(self._graph.variables) == self._count:
            return
        made = itertools.islice(self._graph.variables.values(), self._count, None)
        owners = {v: each for each in self._layer._flatten_layers() for v in each._own_weights()}
        lost = [v for v in made if v.trainable and not self._is_kept(owners.get(v))]
        if lost:
            raise _made_in_call(self._layer, lost)

    def _is_kept(self, owner: Layer | None) -> bool:
        return owner is not None and (not self._was_called or id(owner) in self._waiting)


def _made_in_call(layer: Layer, lost: Sequence[Variable]) -> GraphcError:
    more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""
    return GraphcError(
        f"`call` of {layer.name!r} makes new weights each time it is called",
        given=", ".join(f"{variable.name!r}" for variable in lost[:3]) + more,
        expected="weights that are made once; these would not be trained, saved, or the same in "
        "fit and in predict",
        fix="make layers in __init__ (self.dense = Dense(10)) and weights in build "
        "(self.kernel = self.add_weight(...)), and use them in call",
        origin=lost[0].origin,
    )

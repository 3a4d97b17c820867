"""Operations without a value: groups, and the initializer of variables."""

from __future__ import annotations

from typing import Any

from graphc.ir.registry import REGISTRY
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.dataflow import get_default_graph
from graphc.ops.tensor import Operation, Tensor
from graphc.ops.variable import Variable, initialize


def group(*things: Any, name: str | None = None) -> Operation:
    """An operation that is done when all of `things` (tensors and operations) are."""
    graph = graph_of(things) if things else get_default_graph()
    tensors: list[Tensor] = []
    for thing in things:
        if isinstance(thing, Operation):
            tensors.extend(thing.outputs)
        else:
            tensors.append(to_tensor(thing, None, graph))
    made: Tensor = graph.add(REGISTRY["group"], (*tensors, *graph.control), name=name or "group")[0]
    return made.op


def no_op(name: str | None = None) -> Operation:
    """An operation that does nothing; control dependencies make it wait."""
    return group(name=name or "no_op")


def global_variables_initializer(name: str | None = None) -> Operation:
    """The operation that resets every variable of the default graph; see `initialize`."""
    return initialize(list(get_default_graph().variables.values()), name)


def global_variables() -> list[Variable]:
    """Every variable of the default graph, in creation order."""
    return list(get_default_graph().variables.values())


def trainable_variables() -> list[Variable]:
    """Those that optimizers change by default."""
    return [variable for variable in global_variables() if variable.trainable]

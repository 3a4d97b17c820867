"""Initial values: variables that are used for the first time get theirs, together, in one program.

They are drawn as if the session had never drawn before, so a variable's initial value depends on
the seed and the graph alone, not on when it is first used or what else ran.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import FeedError
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.slicing_graphs import slice_graph
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable
from graphc.session.program import Program
from graphc.session.state import COUNTER, Compute, VariableStore


def compute_initial_values(
    program: Program, variables: list[Variable], store: VariableStore, compute: Compute
) -> list[Any]:
    """The arrays that a program of initial values gives."""
    signature = program.signature([])
    names = signature.state_names
    store.ensure(names, compute)
    first = store.put(np.uint32(0))
    state = [
        # Nothing may be donated to this program but what is its own.
        first if name == COUNTER else store.put(array)
        for name, array in zip(names, store.values(names), strict=True)
    ]
    executable = signature.executable
    results = executable.call(*executable.constants, *state)
    signature.check_numbers(results)
    return results[: len(variables)]


def refuse_feeds(graph: DataflowGraph, variables: list[Variable], tensors: list[Tensor]) -> None:
    """An initial value cannot wait for a feed.

    Raises:
        FeedError: one needs a placeholder; says which.
    """
    for variable, tensor in zip(variables, tensors, strict=True):
        for value in slice_graph(graph, [tensor.value]).inputs:
            raise FeedError(
                f"the initial value of {variable.name!r} needs the placeholder "
                f"{value.node.name!r}, which nobody feeds when a variable initializes itself",
                fix="give it a value that needs no feed, and assign the fed one later",
                origin=variable.origin,
            )

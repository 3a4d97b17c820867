"""Initial values: variables that are used for the first time get theirs, together, in one program.

They are drawn as if the session had never drawn before, so a variable's initial value depends on
the seed and the graph alone, not on when it is first used or what else ran.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from graphc.errors import FeedError
from graphc.ir.node import Value
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.slicing_graphs import slice_graph
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable
from graphc.opset.random.keys import keys_of_streams
from graphc.rewriting.step_form import StepForm
from graphc.rewriting.stream_keys import streams_of, takes_stream_keys
from graphc.session.program import Program
from graphc.session.state import COUNTER, SEED, Compute, VariableStore

FIRST: Final = np.uint32(0)
"""How many programs have drawn before this one, as far as it knows."""


def compute_initial_values(
    program: Program, count: int, store: VariableStore, compute: Compute
) -> list[Any]:
    """The first `count` arrays that a program of initial values gives."""
    signature = program.signature([])
    names = signature.state_names
    store.ensure(names, compute)
    state = [
        FIRST if name == COUNTER else array
        for name, array in zip(names, store.values(names), strict=True)
    ]
    executable = signature.executable
    keys: list[Any] = []
    if takes_stream_keys(executable.graph):
        seed = np.array(store.arrays[SEED])
        keys.append(keys_of_streams(seed, FIRST, streams_of(program.built)))
    results = executable.call(*executable.constants, *state, *keys)
    signature.check_numbers(results)
    return results[:count]


def initial_values(
    graph: DataflowGraph, groups: Sequence[Sequence[Variable]]
) -> tuple[list[Value], StepForm]:
    """What a program of initial values fetches, and its form: one result for each group.

    Raises:
        FeedError: one needs a placeholder, for which it cannot wait; says which.
    """
    computed = {
        variable: variable.initial_value.value
        for variables in groups
        for variable in variables
        if isinstance(variable.initial_value, Tensor)
    }
    sliced = slice_graph(graph, list(computed.values()))
    if sliced.inputs:
        _refuse_feeds(graph, computed)
    counts = [None if len(variables) == 1 else len(variables) for variables in groups]
    form = StepForm(packed=tuple(counts), streams=streams_of(sliced))
    return list(computed.values()), form


def _refuse_feeds(graph: DataflowGraph, computed: Mapping[Variable, Value]) -> None:
    for variable, initial in computed.items():
        for value in slice_graph(graph, [initial]).inputs:
            raise FeedError(
                f"the initial value of {variable.name!r} needs the placeholder "
                f"{value.node.name!r}, which nobody feeds when a variable initializes itself",
                fix="give it a value that needs no feed, and assign the fed one later",
                origin=variable.origin,
            )

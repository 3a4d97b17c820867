"""Fetches that come stacked: one result for many values of a type.

The initial values of variables that a session keeps as the rows of one array are computed as that
array: the program has as many results as there are packs, not as there are variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from graphc.ir.builder import Builder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.pipeline import Pipeline
from graphc.rewriting.rules import Numerics


@dataclass(frozen=True)
class PackedFetches(GraphPass):
    """Stacks fetches, and lets go of updates: the session goes on as if nothing had run.

    Attributes:
        counts: for each result, in order, of how many fetches it has a row; None for the next fetch
            as it is.
    """

    name: ClassVar[str] = "packed_fetches"
    required: ClassVar[bool] = True
    effect_on_numbers: ClassVar[Numerics] = "exact"

    counts: tuple[int | None, ...] = ()

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        editor = GraphEditor(graph, context.registry)
        fetches = iter(graph.fetches)
        packed = [
            next(fetches)
            if count is None
            else _stack(editor.build, [next(fetches) for _ in range(count)])
            for count in self.counts
        ]
        editor.set_outputs(packed)
        return PassResult.of(editor, {"results": len(packed)})


def _stack(build: Builder, values: Sequence[Value]) -> Value:
    """One array with a row for each value; a part of one there is, where they are rows of it."""
    first = values[0].node
    with build.located(first.origin.with_rule(PackedFetches.name), first.name):
        part = _part_of_stack(build, [_row_of_stack(value) for value in values])
        if part is not None:
            return part
        rows = [build.reshape(value, shape=(1, *value.type.shape)) for value in values]
        return rows[0] if len(rows) == 1 else build.concatenate(*rows, dimension=0)


def _row_of_stack(value: Value) -> tuple[Value, int] | None:
    """The array that a value is cut out of as a whole row, and which row."""
    if value.node.op.name != "reshape":
        return None
    cut = value.node.inputs[0]
    if cut.node.op.name != "slice" or cut.type.shape != (1, *value.type.shape):
        return None
    whole = cut.node.inputs[0]
    is_whole_row = whole.type.shape[1:] == value.type.shape
    return (whole, cut.node.attributes["start_indices"][0]) if is_whole_row else None


def _part_of_stack(build: Builder, places: Sequence[tuple[Value, int] | None]) -> Value | None:
    """The rows at these places of one array, where they follow one another in even steps."""
    found = [place for place in places if place is not None]
    if len(found) < len(places) or len(found) < 2 or len({whole for whole, _ in found}) > 1:
        return None
    whole, rows = found[0][0], [row for _, row in found]
    step, shape = rows[1] - rows[0], whole.type.shape
    if step < 1 or rows != list(range(rows[0], rows[-1] + 1, step)):
        return None
    if rows == list(range(shape[0])):
        return whole
    return build.rows(whole, rows[0], rows[-1] + 1, step)


def with_packed_fetches(pipeline: Pipeline, counts: Sequence[int | None]) -> Pipeline:
    """A pipeline that stacks fetches once sizes are known."""
    return pipeline.after("placed", PackedFetches(tuple(counts)))

"""The pass that changes the variables of a layer inside the loop, as soon as a gradient is there.

The stacks of the variables and of an optimizer's slots become carries, of which an iteration
changes its own row in place.

* row_updates: which updates follow, row by row, from what a loop stacks.
* in_place: in which order rows can be changed where they lie, and after what.
* loop_writing: the loop that does so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph, users_of
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.memory_budget.largest_values import largest_values
from passes.scans import Scan, stacking_scans
from passes.updates_in_loops.loop_writing import RULE, LoopWriter
from passes.updates_in_loops.row_updates import RowUpdate, find_row_updates


@dataclass(frozen=True)
class UpdatesInLoops(GraphPass):
    """Runs the updates of stacked variables in the loop that stacks their gradients.

    The gradients are then never there all at once. What needs them all, such as a global norm,
    keeps its updates outside. A CPU always gains. On other chips the update of each row is a kernel
    to launch, in place of one for all rows: there it is done where memory has to be saved.
    """

    name: ClassVar[str] = RULE
    effect_on_numbers: ClassVar[Numerics] = "exact"
    idempotent: ClassVar[bool] = True

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        if context.platform != "cpu" and not context.has_to_save:
            return PassResult.unchanged(graph)
        found = dict(_updates_by_loop(graph))
        if not found:
            return PassResult.unchanged(graph)
        editor = GraphEditor(graph, context.registry)
        for loop, updates in found.items():
            made = LoopWriter(editor, loop, updates).write()
            context.trace.fire(self.name, "update", made)
        variables = sum(len(update.states) for each in found.values() for update in each)
        result = PassResult.of(editor, {"variables": variables})
        if context.memory is not None:
            context.memory.largest = largest_values(result.graph)
        return result


def _updates_by_loop(graph: Graph) -> Iterator[tuple[Scan, list[RowUpdate]]]:
    if not graph.update_names:
        return
    uses = users_of(graph)
    for loop in stacking_scans(graph):
        updates = find_row_updates(graph, loop, uses)
        if updates:
            yield loop, updates

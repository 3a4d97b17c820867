"""Row access: rows of stacks cut and put together so that XLA compiles few kernels for it.

XLA:CPU compiles a kernel for each slice that begins elsewhere (16 to 25 ms each, measured in JAX
0.10), and kernels that are equal only once. So where many rows are cut out of stacks, as of the
gradients that a rolled chain of layers leaves, the row is an operand: a number that XLA cannot see,
because it comes out of a loop (one that turns a list of numbers round, twice). Likewise a short
concatenation is one kernel that chooses among its operands for each element (a quarter of a second
for eight); longer ones are copies. It becomes updates of rows, which are one kernel.

24 slices of 256 x 256: 0.56 s to compile, and 0.11 s so; the time of a run is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from graphc.dtypes import I32
from graphc.ir.builder import GraphBuilder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.types import tensor_type
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.stack_rows import cut_row, first_row, write_row

_LONGEST_FUSED: Final = 8  # XLA:CPU copies the operands of longer concatenations

Rows = Mapping[Node, int]


@dataclass(frozen=True)
class RowAccess(GraphPass):
    """Cuts rows by number, and puts few rows together by updates; on the CPU.

    Attributes:
        least: how many rows of stacks there must be, for the loop to be worth its own compilation.
    """

    least: int = 8

    name: ClassVar[str] = "row_access"
    effect_on_numbers: ClassVar[Numerics] = "exact"
    idempotent: ClassVar[bool] = True

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        if context.platform != "cpu":
            return PassResult.unchanged(graph)
        cuts = _row_cuts(graph)
        stacks = [node for node in graph.nodes if _puts_rows_together(node)]
        count = len(cuts) + sum(len(node.inputs) for node in stacks)
        if count < self.least:
            return PassResult.unchanged(graph)
        editor = GraphEditor(graph, context.registry)
        longest = max([*cuts.values(), *[len(node.inputs) - 1 for node in stacks]])
        editor.build.name = self.name
        numbers = _hidden_numbers(editor, longest + 1)
        for node, row in cuts.items():
            _replace_cut(editor, node, numbers[row])
        for node in stacks:
            _replace_stack(editor, node, numbers)
        context.trace.fire(self.name, "row", numbers[0].node)
        return PassResult.of(editor, {"rows": count})


def _row_cuts(graph: Graph) -> dict[Node, int]:
    """The slices that are one row of a stack of which more rows are cut, with its number."""
    found: dict[Value, dict[Node, int]] = {}
    for node in graph.nodes:
        if node.op.name != "slice" or node.inputs[0].node.op.name == "constant":
            continue
        row = first_row(node)
        if row is not None and node.output.type.shape[0] == 1 != node.inputs[0].type.shape[0]:
            found.setdefault(node.inputs[0], {})[node] = row
    return {node: row for cuts in found.values() if len(cuts) > 2 for node, row in cuts.items()}


def _puts_rows_together(node: Node) -> bool:
    if node.op.name != "concatenate" or node.attributes["dimension"] != 0:
        return False
    first = node.inputs[0].type
    return (
        2 < len(node.inputs) <= _LONGEST_FUSED
        and first.shape[0] == 1
        and all(value.type is first for value in node.inputs)
        and all(value.node.op.name != "constant" for value in node.inputs)
    )


def _hidden_numbers(editor: GraphEditor, count: int) -> Sequence[Value]:
    """0, 1, 2, … as numbers that XLA does not know while it compiles."""
    body, scalar = GraphBuilder(editor.build.registry), tensor_type(I32, ())
    given = [body.input(scalar, f"number{i}") for i in range(count)]
    region = body.finish(given[::-1])
    numbers = [editor.build.array(np.int32(i)) for i in range(count)]
    made = editor.build.scan(
        *numbers, regions=(region,), carries=count, invariants=0, length=2, reverse=False
    )
    return [made] if isinstance(made, Value) else made


def _replace_cut(editor: GraphEditor, node: Node, number: Value) -> None:
    editor.build.origin, editor.build.name = node.origin, node.name
    editor.replace(node.output, cut_row(editor.build, node.inputs[0], number))


def _replace_stack(editor: GraphEditor, node: Node, numbers: Sequence[Value]) -> None:
    build, type_ = editor.build, node.output.type
    build.origin, build.name = node.origin, node.name
    first, *others = node.inputs
    # not zeros, which XLA would keep once and copy for each stack
    whole = build.broadcast_in_dim(first, shape=type_.shape, broadcast_dimensions=range(type_.rank))
    for number, row in zip(numbers[1:], others, strict=False):
        whole = write_row(build, whole, row, number)
    editor.replace(node.output, whole)

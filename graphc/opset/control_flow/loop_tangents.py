"""The forward derivative of loops: the loop with the tangents of its carries as further carries.

It is made of ops that have derivatives, so those of higher order need nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from graphc.ir.builder import Builder
from graphc.ir.editor import GraphEditor
from graphc.ir.forward_differentiation import jvp_graph, moved_carries
from graphc.ir.graph import Graph, topological_order
from graphc.ir.node import Value
from graphc.ir.op import Forward, OpCall
from graphc.opset.control_flow.loop_derivatives import LoopParts

T = TypeVar("T")


def loop_tangent(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    tangents: Sequence[Value | None],
) -> Forward:
    """The forward rule of `scan`, `counted_scan` and `while_loop`."""
    parts, body = LoopParts.of(call), call.regions[-1]
    taken, given = parts.of_body(operands), parts.of_body(tangents)
    found = {i for i, tangent in enumerate(given) if tangent is not None}
    moved, reached = moved_carries(body, found, parts.carries)
    if not reached:
        own = [None if tangent is None else tangent for tangent in given[: parts.carries]]
        others: list[Value | None] = [None] * (len(results) - parts.carries)
        return Forward(results, [*own, *others])
    inputs = sorted(moved)
    outputs = sorted(reached | {i for i in moved if parts.is_carry(i)})
    order = _Order(parts, inputs, outputs, len(taken), len(body.outputs))
    moving = order.arranged(jvp_graph(body, inputs, outputs))
    regions = (*[order.widened(region) for region in call.regions[:-1]], moving)
    extra = [
        build.full_like(taken[i], 0) if (tangent := given[i]) is None else tangent for i in inputs
    ]
    attributes = dict(call.attributes)
    attributes["carries"] = parts.carries + order.carries
    if "invariants" in attributes:
        attributes["invariants"] += sum(i >= parts.carries + parts.scanned for i in inputs)
    first = operands[: int(parts.counts_first)]
    made = build.make(
        call.op,
        (*first, *order.operands(taken, extra)),
        call.op.attributes.make(attributes, call.op.name),
        regions,
    ).outputs
    return order.results(made)


@dataclass(frozen=True)
class _Order:
    """Where the tangents stand among what a loop takes and gives: after what they belong to.

    Attributes:
        parts: of the loop without tangents.
        inputs: the inputs of its body that move.
        outputs: the outputs whose tangents it gives; all carries that move are among them.
        taken: number of inputs.
        given: number of outputs.
    """

    parts: LoopParts
    inputs: list[int]
    outputs: list[int]
    taken: int
    given: int

    @property
    def carries(self) -> int:
        """How many carries move."""
        return sum(self.parts.is_carry(i) for i in self.inputs)

    def operands(self, own: Sequence[T], extra: Sequence[T]) -> list[T]:
        """Carries and their tangents, scanned arrays and theirs, invariants and theirs."""
        by_position = list(zip(self.inputs, extra, strict=True))
        end = self.parts.carries + self.parts.scanned
        parts = [range(self.parts.carries), range(self.parts.carries, end), range(end, self.taken)]
        return [
            value
            for part in parts
            for value in (*[own[i] for i in part], *[t for i, t in by_position if i in part])
        ]

    def arranged(self, moving: Graph) -> Graph:
        """The body with tangents, in this order."""
        inputs = self.operands(moving.inputs[: self.taken], moving.inputs[self.taken :])
        own, extra = moving.outputs[: self.given], moving.outputs[self.given :]
        carries = self.parts.carries
        outputs = [
            *own[:carries],
            *extra[: self.carries],
            *own[carries:],
            *extra[self.carries :],
        ]
        nodes = topological_order(outputs, inputs)
        return Graph(inputs, outputs, nodes, constraints=moving.constraints)

    def widened(self, condition: Graph) -> Graph:
        """A condition that also takes tangents, and looks at none."""
        editor = GraphEditor(condition)
        extra = [editor.build.input(condition.inputs[i].type, f"tangent{i}") for i in self.inputs]
        editor.inputs = self.operands(condition.inputs, extra)
        return editor.freeze()[0]

    def results(self, made: Sequence[Value]) -> Forward:
        """The results of the loop with tangents, as results and tangents of the one without."""
        carries, moved, counted = self.parts.carries, self.carries, int(self.parts.gives_count)
        own_carries, carry_tangents = made[:carries], made[carries : carries + moved]
        rest = made[carries + moved :]
        count, stacked = rest[:counted], rest[counted:]
        end = self.given - carries
        own = [*own_carries, *count, *stacked[:end]]
        tangents: list[Value | None] = [None] * len(own)
        extra = [*carry_tangents, *stacked[end:]]
        for output, tangent in zip(self.outputs, extra, strict=True):
            tangents[self.parts.result(output)] = tangent
        return Forward(own, tangents)

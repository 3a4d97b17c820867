"""The gradient of a scan: the scan once more, saving its carries, and a scan the other way.

The way back runs the vector-Jacobian product of the body on the saved carries, so each iteration
is computed again there; what is kept in memory are the carries that this needs, no more. All of it
is made of ops that have gradients, so gradients of gradients need nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from graphc.ir.builder import Builder
from graphc.ir.differentiation import reached_inputs, reached_outputs, vjp_graph
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.op import OpCall, Recomputed
from graphc.opset.control_flow.signatures import used_inputs

T = TypeVar("T")


@dataclass(frozen=True)
class ScanParts:
    """How the operands of a scan divide; the inputs of its body stand in the same order.

    Attributes:
        carries: how many carries come first.
        scanned: how many arrays are scanned over.
        invariants: how many arrays every iteration sees whole.
    """

    carries: int
    scanned: int
    invariants: int

    @classmethod
    def of(cls, call: OpCall) -> ScanParts:
        carries, invariants = call.attributes["carries"], call.attributes["invariants"]
        return cls(carries, len(call.types) - carries - invariants, invariants)

    def is_carry(self, position: int) -> bool:
        return position < self.carries

    def is_scanned(self, position: int) -> bool:
        return self.carries <= position < self.carries + self.scanned

    def split(self, operands: Sequence[T]) -> tuple[Sequence[T], Sequence[T], Sequence[T]]:
        """Carries, scanned arrays, invariants."""
        end = self.carries + self.scanned
        return operands[: self.carries], operands[self.carries : end], operands[end:]


@dataclass(frozen=True)
class _Plan:
    """Which positions of operands and results take part in the way back.

    Attributes:
        carries: carries whose cotangent is carried back.
        stacked: stacked results with a cotangent that matters.
        scanned: scanned operands whose cotangents are wanted.
        invariants: invariant operands whose cotangents are wanted.
    """

    carries: list[int]
    stacked: list[int]
    scanned: list[int]
    invariants: list[int]


def _plan(call: OpCall, parts: ScanParts, body: Graph) -> _Plan:
    dependent = {i for i in range(len(call.types)) if call.wants(i)}
    while True:  # what depends on a carry depends on it in the next iteration too
        reached = reached_outputs(body, dependent)
        if (more := {i for i in reached if parts.is_carry(i)} - dependent) == set():
            break
        dependent |= more
    given = {i for i in range(len(body.outputs)) if call.has_cotangent(i)}
    while True:  # and what a carry depends on, it depends on in the iteration before
        sources = reached_inputs(body, given)
        if (more := {i for i in sources if parts.is_carry(i)} - given) == set():
            break
        given |= more
    wanted = [i for i in sorted(sources & dependent) if call.wants(i)]
    return _Plan(
        carries=[i for i in range(parts.carries) if i in given and i in dependent],
        stacked=[i for i in sorted(given & reached) if not parts.is_carry(i)],
        scanned=[i for i in wanted if parts.is_scanned(i)],
        invariants=[i for i in wanted if not parts.is_carry(i) and not parts.is_scanned(i)],
    )


def scan_gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    cotangents: Sequence[Value],
) -> Recomputed:
    """The gradient rule of `scan`."""
    parts = ScanParts.of(call)
    (body,) = call.regions
    plan = _plan(call, parts, body)
    gradients: list[Value | None] = [None] * len(operands)
    wanted = [*plan.carries, *plan.scanned, *plan.invariants]
    if not wanted:
        return Recomputed(results, gradients)
    back = vjp_graph(body, wanted, [*plan.carries, *plan.stacked])
    used = sorted(position for position in used_inputs(back) if position < len(operands))
    results, saved = _save_carries(
        build, call, operands, results, [i for i in used if parts.is_carry(i)]
    )
    used_scanned = [i for i in used if parts.is_scanned(i)]
    used_invariants = [i for i in used if not parts.is_carry(i) and not parts.is_scanned(i)]
    sums = [build.full_like(operands[i], 0) for i in plan.invariants]
    attributes = call.op.attributes.make(
        {
            "carries": len(plan.carries) + len(sums),
            "invariants": len(used_invariants),
            "length": call.attributes["length"],
            "reverse": not call.attributes["reverse"],
        },
        call.op.name,
    )
    made = build.make(
        call.op,
        (
            *[cotangents[i] for i in plan.carries],
            *sums,
            *saved,
            *[operands[i] for i in used_scanned],
            *[cotangents[i] for i in plan.stacked],
            *[operands[i] for i in used_invariants],
        ),
        attributes,
        (_body_back(back, plan, len(operands), used, used_invariants),),
    )
    # results of the way back: carries, sums of invariants, stacked slices
    for position, value in zip(
        [*plan.carries, *plan.invariants, *plan.scanned], made.outputs, strict=True
    ):
        gradients[position] = value
    return Recomputed(results, gradients)


def _save_carries(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    carries: Sequence[int],
) -> tuple[Sequence[Value], list[Value]]:
    """The results, and the values that carries had before each iteration, stacked.

    A carry that the scan stacks already, as one that was made here for a first derivative, is not
    stacked twice.
    """
    (body,) = call.regions
    count = call.attributes["carries"]
    stacked = dict[Value, int]()
    for position in range(count, len(body.outputs)):
        stacked.setdefault(body.outputs[position], position)
    missing = [body.inputs[i] for i in carries if body.inputs[i] not in stacked]
    if missing:
        outputs = (*body.outputs, *missing)
        saving = Graph(body.inputs, outputs, body.nodes, constraints=body.constraints)
        for value in missing:
            stacked[value] = len(results) + missing.index(value)
        results = build.make(call.op, tuple(operands), call.attributes, (saving,)).outputs
    saved = [results[stacked[body.inputs[i]]] for i in carries]
    return results[: len(body.outputs)], saved


def _body_back(
    back: Graph, plan: _Plan, operands: int, used: Sequence[int], used_invariants: Sequence[int]
) -> Graph:
    """The body of the way back: cotangents of carries and sums of invariants are its carries.

    Args:
        back: the vector-Jacobian product of the body: its inputs, then cotangents of carries and
            stacked results; gives cotangents of carries, scanned arrays and invariants.
        plan: what takes part.
        operands: number of inputs of the body.
        used: the inputs that `back` needs.
        used_invariants: those among them that are invariant.
    """
    editor = GraphEditor(back)
    build = editor.build
    from_carries = editor.inputs[operands : operands + len(plan.carries)]
    from_stacked = editor.inputs[operands + len(plan.carries) :]
    first = len(plan.carries)
    middle = first + len(plan.scanned)
    to_carries, to_scanned = back.outputs[:first], back.outputs[first:middle]
    to_invariants = back.outputs[middle:]
    sums = [build.input(value.type, f"sum{i}") for i, value in enumerate(to_invariants)]
    sliced = [back.inputs[i] for i in used if i not in used_invariants]
    editor.inputs = [
        *from_carries,
        *sums,
        *sliced,
        *from_stacked,
        *[back.inputs[i] for i in used_invariants],
    ]
    totals = [build.add(total, value) for total, value in zip(sums, to_invariants, strict=True)]
    editor.set_outputs([*to_carries, *totals, *to_scanned])
    graph, _ = editor.freeze()
    return graph

"""The gradients of loops; one way for every op that runs a body many times.

Backward is the loop once more, saving its carries and what is dear to compute again, and a scan the
other way. That runs the vector-Jacobian product of the body on what was saved, and computes the
rest of each iteration again. A loop that may end early saves into a buffer of its greatest length,
and goes back over as many rows as it ran.

All of it is made of ops that have derivatives, so those of higher order need nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from graphc.errors import GradientError
from graphc.ir.builder import Builder
from graphc.ir.differentiation import forward_name, reached_inputs, reached_outputs, vjp_graph
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.op import OpCall, Recomputed
from graphc.opset.control_flow.kept_values import divide
from graphc.opset.control_flow.signatures import used_inputs

T = TypeVar("T")


@dataclass(frozen=True)
class LoopParts:
    """How the operands of a loop divide; the inputs of its body stand in the same order.

    Attributes:
        carries: how many carries come first.
        scanned: how many arrays are scanned over.
        invariants: how many arrays every iteration sees whole.
        counts_first: whether an operand that only the op itself sees comes before all: how many
            iterations there are.
        gives_count: whether a result that is none of the body's comes after the carries: the same.
    """

    carries: int
    scanned: int
    invariants: int
    counts_first: bool = False
    gives_count: bool = False

    @classmethod
    def of(cls, call: OpCall) -> LoopParts:
        attributes, name = call.attributes, call.op.name
        carries, counts_first = attributes["carries"], name == "counted_scan"
        others = len(call.types) - carries - counts_first
        if name == "while_loop":
            return cls(carries, 0, others, gives_count=attributes["maximum"] is not None)
        invariants = attributes["invariants"]
        return cls(carries, others - invariants, invariants, counts_first)

    def is_carry(self, position: int) -> bool:
        return position < self.carries

    def is_scanned(self, position: int) -> bool:
        return self.carries <= position < self.carries + self.scanned

    def split(self, operands: Sequence[T]) -> tuple[Sequence[T], Sequence[T], Sequence[T]]:
        """Carries, scanned arrays, invariants, of what the body takes."""
        end = self.carries + self.scanned
        return operands[: self.carries], operands[self.carries : end], operands[end:]

    def of_body(self, operands: Sequence[T]) -> Sequence[T]:
        """The operands of the op that its body takes."""
        return operands[int(self.counts_first) :]

    def result(self, output: int) -> int:
        """The position among the op's results of what an output of the body becomes."""
        return output + (self.gives_count and output >= self.carries)


@dataclass(frozen=True)
class _Plan:
    """Which inputs and outputs of the body take part in the way back.

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


def _plan(call: OpCall, parts: LoopParts, body: Graph) -> _Plan:
    offset = int(parts.counts_first)
    dependent = {i for i in range(len(body.inputs)) if call.wants(i + offset)}
    while True:  # what depends on a carry depends on it in the next iteration too
        reached = reached_outputs(body, dependent)
        if (more := {i for i in reached if parts.is_carry(i)} - dependent) == set():
            break
        dependent |= more
    given = {i for i in range(len(body.outputs)) if call.has_cotangent(parts.result(i))}
    while True:  # and what a carry depends on, it depends on in the iteration before
        sources = reached_inputs(body, given)
        if (more := {i for i in sources if parts.is_carry(i)} - given) == set():
            break
        given |= more
    wanted = [i for i in sorted(sources & dependent) if call.wants(i + offset)]
    return _Plan(
        carries=[i for i in range(parts.carries) if i in given and i in dependent],
        stacked=[i for i in sorted(given & reached) if not parts.is_carry(i)],
        scanned=[i for i in wanted if parts.is_scanned(i)],
        invariants=[i for i in wanted if not parts.is_carry(i) and not parts.is_scanned(i)],
    )


def loop_gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    cotangents: Sequence[Value],
) -> Recomputed:
    """The gradient rule of `scan`, `counted_scan` and `while_loop`.

    Raises:
        GradientError: a `while_loop` has no greatest number of iterations.
    """
    parts, body = LoopParts.of(call), call.regions[-1]
    plan = _plan(call, parts, body)
    gradients: list[Value | None] = [None] * len(operands)
    wanted = [*plan.carries, *plan.scanned, *plan.invariants]
    if not wanted:
        return Recomputed(results, gradients)
    _require_length(call)
    taken = parts.of_body(operands)
    joint = vjp_graph(body, wanted, [*plan.carries, *plan.stacked], with_outputs=True)
    forth, handed, back = divide(joint, len(taken), len(body.outputs), parts.carries)
    used = {position for position in used_inputs(back) if position < len(taken)}
    used = sorted(used.union(handed))
    results, saved, kept = _save(
        build, call, operands, results, forth, [i for i in used if parts.is_carry(i)]
    )
    used_scanned = [i for i in used if parts.is_scanned(i)]
    used_invariants = [i for i in used if not parts.is_carry(i) and not parts.is_scanned(i)]
    sums = [build.full_like(taken[i], 0) for i in plan.invariants]
    made = _make_scan(
        build,
        call,
        _count(parts, operands, results),
        [
            *[cotangents[parts.result(i)] for i in plan.carries],
            *sums,
            *[results[i] for i in handed],
            *saved,
            *[taken[i] for i in used_scanned],
            *[cotangents[parts.result(i)] for i in plan.stacked],
            *kept,
            *[taken[i] for i in used_invariants],
        ],
        _body_back(back, plan, len(taken), used, used_invariants, handed),
        carries=len(plan.carries) + len(sums) + len(handed),
        invariants=len(used_invariants),
    )
    # results of the way back: carries, sums of invariants, handed carries, stacked slices
    sums_end = len(plan.carries) + len(sums)
    positions = [*plan.carries, *plan.invariants, *plan.scanned]
    for position, value in zip(
        positions, [*made[:sums_end], *made[sums_end + len(handed) :]], strict=True
    ):
        gradients[position + parts.counts_first] = value
    return Recomputed(results, gradients)


def _require_length(call: OpCall) -> None:
    if call.op.name == "while_loop" and call.attributes["maximum"] is None:
        raise GradientError(
            "while_loop has no gradient: the number of iterations is known only when it runs, so "
            "nothing could be saved for the way back",
            given=f"while_loop({', '.join(map(str, call.types))})",
            expected="a greatest number of iterations that is known while the graph is built",
            fix="say maximum_iterations=, use scan, or stop the gradient at its operands; "
            "graphc.jvp goes through it as it is",
        )


def _count(parts: LoopParts, operands: Sequence[Value], results: Sequence[Value]) -> Value | None:
    """How many iterations are run, where that is not the length."""
    if parts.counts_first:
        return operands[0]
    return results[parts.carries] if parts.gives_count else None


def _make_scan(
    build: Builder,
    call: OpCall,
    count: Value | None,
    operands: Sequence[Value],
    body: Graph,
    **attributes: Any,
) -> tuple[Value, ...]:
    """A scan over the rows of a loop, in the other direction."""
    is_while = call.op.name == "while_loop"
    op = build.registry["scan" if count is None else "counted_scan"]
    made = op.attributes.make(
        {
            **attributes,
            "length": call.attributes["maximum" if is_while else "length"],
            "reverse": is_while or not call.attributes["reverse"],
        },
        op.name,
    )
    first = [] if count is None else [count]
    return build.make(op, (*first, *operands), made, (body,)).outputs


def _save(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    forth: Graph,
    carries: Sequence[int],
) -> tuple[Sequence[Value], list[Value], list[Value]]:
    """The results; what carries were before each iteration, and what else is kept, stacked.

    What the loop stacks already, as what was saved here for a first derivative, is not stacked
    twice.
    """
    parts, body = LoopParts.of(call), call.regions[-1]
    given, count = len(body.outputs), len(results)
    kept = forth.outputs[given:]
    wanted = [*[forth.inputs[i] for i in carries], *kept]
    places = dict[Value, int]()
    for position in range(parts.carries, given):
        places.setdefault(forth.outputs[position], position)
    missing = [value for value in wanted if value not in places]
    if missing:
        places.update((value, given + i) for i, value in enumerate(missing))
        outputs = (*forth.outputs[:given], *missing)
        saving = Graph(forth.inputs, outputs, forth.nodes, constraints=forth.constraints)
        regions = (*call.regions[:-1], saving)
        with build.located(build.origin, forward_name(build.name)):  # it stands for the loop
            results = build.make(call.op, tuple(operands), call.attributes, regions).outputs
    saved = [results[parts.result(places[value])] for value in wanted]
    return results[:count], saved[: len(carries)], saved[len(carries) :]


def _body_back(
    back: Graph,
    plan: _Plan,
    operands: int,
    used: Sequence[int],
    used_invariants: Sequence[int],
    handed: Sequence[int],
) -> Graph:
    """The body of the way back: cotangents of carries and sums of invariants are its carries.

    Args:
        back: the vector-Jacobian product of the body: its inputs, then cotangents of carries and
            stacked results, handed carries and kept values; gives cotangents of carries, scanned
            arrays and invariants.
        plan: what takes part.
        operands: number of inputs of the body.
        used: the inputs that `back` needs.
        used_invariants: those among them that are invariant.
        handed: the carries whose new values it reads: what they were before is handed on to it.
    """
    editor = GraphEditor(back)
    build = editor.build
    from_carries = editor.inputs[operands : operands + len(plan.carries)]
    stacked_end = operands + len(plan.carries) + len(plan.stacked)
    from_stacked = editor.inputs[operands + len(plan.carries) : stacked_end]
    from_handed = editor.inputs[stacked_end : stacked_end + len(handed)]
    kept = editor.inputs[stacked_end + len(handed) :]
    first = len(plan.carries)
    middle = first + len(plan.scanned)
    to_carries, to_scanned = back.outputs[:first], back.outputs[first:middle]
    to_invariants = back.outputs[middle:]
    sums = [build.input(value.type, f"sum{i}") for i, value in enumerate(to_invariants)]
    sliced = [back.inputs[i] for i in used if i not in used_invariants]
    editor.inputs = [
        *from_carries,
        *sums,
        *from_handed,
        *sliced,
        *from_stacked,
        *kept,
        *[back.inputs[i] for i in used_invariants],
    ]
    totals = [build.add(total, value) for total, value in zip(sums, to_invariants, strict=True)]
    before = [back.inputs[i] for i in handed]
    editor.set_outputs([*to_carries, *totals, *before, *to_scanned])
    graph, _ = editor.freeze()
    return graph

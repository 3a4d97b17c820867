"""The derivatives of loops, backward and forward; one way for every op that runs a body many times.

Backward is the loop once more, saving its carries and what is dear to compute again, and a scan the
other way. That runs the vector-Jacobian product of the body on what was saved, and computes the
rest of each iteration again. A loop that may end early saves into a buffer of its greatest length,
and goes back over as many rows as it ran.

Forward is the loop with the tangents of its carries as further carries.

All of it is made of ops that have derivatives, so those of higher order need nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from graphc.errors import GradientError
from graphc.ir.builder import Builder
from graphc.ir.differentiation import reached_inputs, reached_outputs, vjp_graph
from graphc.ir.editor import GraphEditor
from graphc.ir.forward_differentiation import jvp_graph, moved_carries
from graphc.ir.graph import Graph, topological_order
from graphc.ir.node import Value
from graphc.ir.op import Forward, OpCall, Recomputed
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
    forth, back = divide(joint, len(taken), len(body.outputs))
    used = sorted(position for position in used_inputs(back) if position < len(taken))
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
            *saved,
            *[taken[i] for i in used_scanned],
            *[cotangents[parts.result(i)] for i in plan.stacked],
            *kept,
            *[taken[i] for i in used_invariants],
        ],
        _body_back(back, plan, len(taken), used, used_invariants),
        carries=len(plan.carries) + len(sums),
        invariants=len(used_invariants),
    )
    # results of the way back: carries, sums of invariants, stacked slices
    positions = [*plan.carries, *plan.invariants, *plan.scanned]
    for position, value in zip(positions, made, strict=True):
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
        results = build.make(call.op, tuple(operands), call.attributes, regions).outputs
    saved = [results[parts.result(places[value])] for value in wanted]
    return results[:count], saved[: len(carries)], saved[len(carries) :]


def _body_back(
    back: Graph, plan: _Plan, operands: int, used: Sequence[int], used_invariants: Sequence[int]
) -> Graph:
    """The body of the way back: cotangents of carries and sums of invariants are its carries.

    Args:
        back: the vector-Jacobian product of the body: its inputs, then cotangents of carries and
            stacked results, and kept values; gives cotangents of carries, scanned arrays and
            invariants.
        plan: what takes part.
        operands: number of inputs of the body.
        used: the inputs that `back` needs.
        used_invariants: those among them that are invariant.
    """
    editor = GraphEditor(back)
    build = editor.build
    from_carries = editor.inputs[operands : operands + len(plan.carries)]
    stacked_and_kept = editor.inputs[operands + len(plan.carries) :]
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
        *stacked_and_kept,
        *[back.inputs[i] for i in used_invariants],
    ]
    totals = [build.add(total, value) for total, value in zip(sums, to_invariants, strict=True)]
    editor.set_outputs([*to_carries, *totals, *to_scanned])
    graph, _ = editor.freeze()
    return graph


# --- forward --------------------------------------------------------------------------------------


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

"""Conditionals and loops without the results, carries and operands that nobody needs.

A branch's result goes when nothing uses it, and an operand when no branch reads it. A carry stays
as long as its final value is used, or another value that is used depends on it in some iteration,
or the condition of the loop reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.opset.control_flow.signatures import used_inputs


@dataclass(frozen=True)
class Slimmed:
    """What is left of a region op.

    Attributes:
        operands: positions of the operands that stay.
        results: positions of the results that stay.
        regions: the bodies without the rest.
        attributes: attributes that change: how many carries and invariants there are.
    """

    operands: tuple[int, ...]
    results: tuple[int, ...]
    regions: tuple[Graph, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


Prune = Callable[[Graph], Graph]
"""Drops what the outputs of a body do not need; gives the body itself where there is nothing."""


def slim(node: Node, used: Collection[int], prune: Prune) -> Slimmed | None:
    """A region op without what only unused results need; None for other ops.

    Args:
        node: the node.
        used: positions of the results that are used.
        prune: prunes bodies, so that what an inner loop does not need is not needed here either.
    """
    maker = _MAKERS.get(node.op.name)
    return None if maker is None else maker(node, sorted(used), prune)


def _restricted(graph: Graph, outputs: Sequence[int], prune: Prune) -> Graph:
    """A body with some of its outputs, and the nodes that those need; all inputs stay."""
    if list(outputs) == list(range(len(graph.outputs))):
        return prune(graph)
    kept = [graph.outputs[position] for position in outputs]
    return prune(Graph(graph.inputs, kept, graph.nodes, constraints=graph.constraints))


def _with_inputs(graph: Graph, positions: Sequence[int]) -> Graph:
    """A body without the inputs that nothing in it reads."""
    if len(positions) == len(graph.inputs):
        return graph
    kept = [graph.inputs[position] for position in positions]
    dropped = {value.node for value in graph.inputs} - {value.node for value in kept}
    nodes = [node for node in graph.nodes if node not in dropped]
    return Graph(kept, graph.outputs, nodes, constraints=graph.constraints)


def _slim_cond(node: Node, used: Sequence[int], prune: Prune) -> Slimmed:
    branches = [_restricted(region, used, prune) for region in node.regions]
    read = sorted(set[int]().union(*[used_inputs(branch) for branch in branches]))
    return Slimmed(
        operands=(0, *[position + 1 for position in read]),
        results=tuple(used),
        regions=tuple([_with_inputs(branch, read) for branch in branches]),
    )


def _live_inputs(
    body: Graph, carries: int, outputs: set[int], read: set[int], prune: Prune
) -> set[int]:
    """The inputs of a loop's body that are read sooner or later.

    Args:
        body: takes carries first, and gives their new values first.
        carries: how many there are.
        outputs: positions of the outputs that are used after the loop; carries that turn out to be
            needed are added.
        read: inputs that are read anyway, by the condition.
        prune: prunes bodies.
    """
    while True:
        outputs |= {position for position in read if position < carries}
        found = read | used_inputs(_restricted(body, sorted(outputs), prune))
        if found <= read and {p for p in found if p < carries} <= outputs:
            return read
        read = found


def _slim_scan(node: Node, used: Sequence[int], prune: Prune) -> Slimmed:
    (body,) = node.regions
    carries, invariants = node.attributes["carries"], node.attributes["invariants"]
    outputs = set(used)
    read = _live_inputs(body, carries, outputs, set(), prune)
    # A carry whose final value alone is used has an initial value all the same.
    operands = sorted(read | {position for position in outputs if position < carries})
    kept = sorted(outputs)
    offset = len(node.inputs) - len(body.inputs)  # a counted scan's number of iterations stays
    first_invariant = len(body.inputs) - invariants
    return Slimmed(
        operands=(*range(offset), *[offset + position for position in operands]),
        results=tuple(kept),
        regions=(_with_inputs(_restricted(body, kept, prune), operands),),
        attributes={
            "carries": sum(position < carries for position in kept),
            "invariants": sum(position >= first_invariant for position in operands),
        },
    )


def _slim_while_loop(node: Node, used: Sequence[int], prune: Prune) -> Slimmed:
    condition, body = prune(node.regions[0]), node.regions[1]
    carries, is_bounded = node.attributes["carries"], node.attributes["maximum"] is not None
    # With a maximum, the number of iterations comes between carries and what is stacked.
    outputs = {i - (is_bounded and i > carries) for i in used if not (is_bounded and i == carries)}
    read = _live_inputs(body, carries, outputs, used_inputs(condition), prune)
    kept = sorted(outputs)
    first = [position for position in kept if position < carries]
    count = [carries] if is_bounded else []
    operands = sorted(read | set(first))
    return Slimmed(
        operands=tuple(operands),
        results=(*first, *count, *[position + 1 for position in kept if position >= carries]),
        regions=(
            _with_inputs(condition, operands),
            _with_inputs(_restricted(body, kept, prune), operands),
        ),
        attributes={"carries": len(first)},
    )


def _slim_vectorized_map(node: Node, used: Sequence[int], prune: Prune) -> Slimmed:
    body = _restricted(node.regions[0], used, prune)
    read = sorted(used_inputs(body))
    first_invariant = len(node.inputs) - node.attributes["invariants"]
    return Slimmed(
        operands=tuple(read),
        results=tuple(used),
        regions=(_with_inputs(body, read),),
        attributes={"invariants": sum(position >= first_invariant for position in read)},
    )


_MAKERS: Mapping[str, Callable[[Node, Sequence[int], Prune], Slimmed]] = {
    "case": _slim_cond,
    "cond": _slim_cond,
    "counted_scan": _slim_scan,
    "scan": _slim_scan,
    "vectorized_map": _slim_vectorized_map,
    "while_loop": _slim_while_loop,
}

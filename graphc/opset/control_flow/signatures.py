"""What the type rules, the costs and the gradients of region ops ask of a body."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from graphc.dimensions import Dimension
from graphc.errors import DTypeError, ShapeError
from graphc.ir.graph import Graph
from graphc.ir.op import Cost, OpCall
from graphc.ir.types import TensorType


def require_regions(call: OpCall, count: int) -> tuple[Graph, ...]:
    """The bodies of a call, whose own undecided equations become the call's.

    Raises:
        ShapeError: there are not `count`, or one updates variables.
    """
    if len(call.regions) != count:
        names = ", ".join(call.op.region_names)
        raise call.error(ShapeError, f"has {len(call.regions)} regions", f"{count}: {names}")
    for position, region in enumerate(call.regions):
        if region.update_names:
            raise call.error(
                ShapeError,
                f"the region {call.op.region_name(position)!r} updates variables "
                f"({', '.join(region.update_names)})",
                "a closed graph whose state goes in as operands and comes out as results",
            )
        call.constraints.extend(region.constraints)
    return call.regions


def require_count(call: OpCall, given: int, expected: int, what: str) -> None:
    """Check a number of things.

    Raises:
        ShapeError: the numbers differ.
    """
    if given != expected:
        raise call.error(ShapeError, f"{what}: {given}", expected)


def require_type(call: OpCall, given: TensorType, expected: TensorType, what: str) -> None:
    """Check that two types are one; sizes that cannot be compared yet become constraints.

    Raises:
        DTypeError: the element types differ.
        ShapeError: the shapes can never be equal.
    """
    if given is expected:
        return
    if given.dtype is not expected.dtype:
        raise call.error(DTypeError, f"{what} is {given}", expected)
    if given.rank != expected.rank:
        raise call.error(ShapeError, f"{what} is {given}", expected)
    for axis, (mine, theirs) in enumerate(zip(given.shape, expected.shape, strict=True)):
        call.require_equal(mine, theirs, f"{what} is {given}, expected {expected}: sizes {axis}")


def require_inputs(
    call: OpCall, region: Graph, types: Sequence[TensorType], what: str = "the body"
) -> None:
    """Check that a body takes operands of these types.

    Raises:
        DTypeError: it takes other element types.
        ShapeError: it takes another number of inputs, or other shapes.
    """
    require_count(call, len(region.inputs), len(types), f"number of inputs of {what}")
    for position, (value, type_) in enumerate(zip(region.inputs, types, strict=True)):
        require_type(call, value.type, type_, f"input {position} of {what}")


def region_cost(region: Graph) -> Cost:
    """What one run of a body costs."""
    flops: Dimension = 0
    moved: Dimension = 0
    for node in region.nodes:
        if node.op.name != "input":
            cost = node.op.cost_of(node.call)
            flops, moved = flops + cost.flops, moved + cost.bytes
    return Cost(flops, moved)


def used_inputs(graph: Graph) -> set[int]:
    """Positions of the inputs that something in a graph reads, or that it gives back."""
    used = {operand for node in graph.nodes for operand in node.inputs}
    used.update(graph.outputs)
    return {position for position, value in enumerate(graph.inputs) if value in used}


def with_inputs(graph: Graph, positions: Collection[int]) -> Graph:
    """A graph without the inputs that are not among `positions`; nothing may use those."""
    kept = [graph.inputs[position] for position in sorted(positions)]
    dropped = {value.node for value in graph.inputs} - {value.node for value in kept}
    nodes = [node for node in graph.nodes if node not in dropped]
    return Graph(kept, graph.outputs, nodes, constraints=graph.constraints)

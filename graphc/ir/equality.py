"""Are two graphs the same? Node for node in order, names and origins aside."""

from __future__ import annotations

from graphc.ir.attributes import identity_key
from graphc.ir.graph import Graph
from graphc.ir.literal import Literal
from graphc.ir.node import Node, Value
from graphc.ir.text import format_attributes


def first_difference(left: Graph, right: Graph) -> str | None:
    """Where two graphs differ first, as a sentence; None when they are equal.

    Both are walked in their own order, so graphs that were frozen by an editor compare equal
    however their nodes came about. Names and origins are annotations and do not count; the names
    of inputs and updates do.
    """
    if len(left.inputs) != len(right.inputs):
        return f"{len(left.inputs)} inputs against {len(right.inputs)}"
    if left.update_names != right.update_names:
        return f"updates {left.update_names} against {right.update_names}"
    if left.constraints != right.constraints:
        return f"constraints {left.constraints} against {right.constraints}"
    partner: dict[Value, Value] = {}
    for mine, theirs in zip(left.inputs, right.inputs, strict=True):
        partner[mine] = theirs
        difference = _node_difference(mine.node, theirs.node)
        if difference:
            return difference
    own = [node for node in left.nodes if node.op.name != "input"]
    other = [node for node in right.nodes if node.op.name != "input"]
    for mine, theirs in zip(own, other, strict=False):
        if [partner.get(value) for value in mine.inputs] != list(theirs.inputs):
            return f"{mine.op.name} {mine.name!r} has other operands than {theirs.op.name}"
        difference = _node_difference(mine, theirs)
        if difference:
            return difference
        partner.update(zip(mine.outputs, theirs.outputs, strict=True))
    if len(own) != len(other):
        return f"{len(own)} nodes against {len(other)}"
    if [partner.get(value) for value in left.outputs] != list(right.outputs):
        return "other outputs"
    return None


def equal_graphs(left: Graph, right: Graph) -> bool:
    """Whether two graphs are the same, names and origins aside."""
    return left is right or first_difference(left, right) is None


def _equal_attributes(mine: Node, theirs: Node) -> bool:
    """Whether two nodes of one op have the same attributes: to the last bit, -0.0 is not 0.0."""
    if mine.attributes is theirs.attributes:
        return True
    for own, other in zip(mine.attributes.values(), theirs.attributes.values(), strict=True):
        if isinstance(own, Literal) and isinstance(other, Literal):
            # the hash is all that there is to know of a constant that text named by it
            if own.digest != other.digest:
                return False
        elif identity_key(own) != identity_key(other):
            return False
    return True


def _node_difference(mine: Node, theirs: Node) -> str | None:
    if mine.op is not theirs.op:
        return f"{mine.op.name} {mine.name!r} against {theirs.op.name} {theirs.name!r}"
    if not _equal_attributes(mine, theirs):
        return (
            f"{mine.op.name} with {{{format_attributes(mine)}}} "
            f"against {{{format_attributes(theirs)}}}"
        )
    own = [value.type for value in mine.outputs]
    other = [value.type for value in theirs.outputs]
    if own != other:
        return f"{mine.op.name} gives {own} against {other}"
    if len(mine.regions) != len(theirs.regions):
        return f"{mine.op.name} has {len(mine.regions)} regions against {len(theirs.regions)}"
    for position, (left, right) in enumerate(zip(mine.regions, theirs.regions, strict=True)):
        difference = first_difference(left, right)
        if difference:
            return f"in the {mine.op.region_name(position)} of {mine.op.name}: {difference}"
    return None

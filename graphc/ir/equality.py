"""Are two graphs the same? Node for node in order, names and origins aside.

What a body calls its operands is an annotation, too: they are known by their places.
"""

from __future__ import annotations

from graphc.ir.attributes import identity_key
from graphc.ir.graph import Graph
from graphc.ir.literal import Literal
from graphc.ir.node import Node, Value
from graphc.ir.text import format_attributes


class Structures:
    """Numbers for closed graphs: equal for those that are equal but for names and origins.

    For keys, where many bodies are compared with each other; valid as long as the object lives.
    """

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        self._of: dict[Graph, int] = {}

    def __getitem__(self, graph: Graph) -> int:
        found = self._of.get(graph)
        if found is None:
            found = self._of[graph] = self._numbers.setdefault(self._key(graph), len(self._of))
        return found

    def _key(self, graph: Graph) -> object:
        places: dict[Value, int] = {}
        given: list[object] = []
        for value in graph.inputs:
            places[value] = len(places)
            given.append((value.type, None if _is_argument(value) else value.node.attributes))
        nodes: list[object] = []
        for node in graph.nodes:
            if node.op.name == "input":
                continue
            operands = tuple([places[value] for value in node.inputs])
            types = tuple([value.type for value in node.outputs])
            regions = tuple([self[region] for region in node.regions])
            nodes.append((node.op, node.attributes, operands, types, regions))
            for value in node.outputs:
                places[value] = len(places)
        results = tuple([places[value] for value in graph.outputs])
        return tuple(given), tuple(nodes), results, graph.update_names, graph.constraints


def _is_argument(value: Value) -> bool:
    return value.node.attributes["kind"] == "argument"


def first_difference(left: Graph, right: Graph) -> str | None:
    """Where two graphs differ first, as a sentence; None when they are equal.

    Both are walked in their own order, so graphs that were frozen by an editor compare equal
    however their nodes came about. Names and origins are annotations and do not count; the names
    of inputs and updates do, but for those of a body's arguments.
    """
    return _difference(left, right, is_body=False)


def _difference(left: Graph, right: Graph, is_body: bool) -> str | None:
    if len(left.inputs) != len(right.inputs):
        return f"{len(left.inputs)} inputs against {len(right.inputs)}"
    if left.update_names != right.update_names:
        return f"updates {left.update_names} against {right.update_names}"
    if left.constraints != right.constraints:
        return f"constraints {left.constraints} against {right.constraints}"
    partner: dict[Value, Value] = {}
    for mine, theirs in zip(left.inputs, right.inputs, strict=True):
        partner[mine] = theirs
        if is_body and _is_argument(mine) and _is_argument(theirs) and mine.type is theirs.type:
            continue
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
        difference = _difference(left, right, is_body=True)
        if difference:
            return f"in the {mine.op.region_name(position)} of {mine.op.name}: {difference}"
    return None

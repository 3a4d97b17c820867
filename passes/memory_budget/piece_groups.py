"""Nodes that can be computed together in pieces, so that what lies between them is never whole.

A group grows from one large value and one of its axes: whoever makes or reads a value that is cut
is asked along which axes its other operands and results are cut then. Who cannot say stays outside,
and reads the whole value or makes it. Nodes that wait for a sum over all pieces, or for a node
outside that does, belong to a later group.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from graphc.ir.graph import Graph, users_of
from graphc.ir.node import Node, Value
from graphc.ir.op import Trait
from passes.attention_sizes import logits_bytes
from passes.memory_budget.axis_cuts import Cut, can_be_summed, cuts_of
from passes.memory_budget.kept_sets import bytes_of

_FUSED: Final = Trait.ELEMENTWISE | Trait.SHAPE_MOVE
_READS: Final = Trait.REDUCTION
_SEEDS: Final = 12
_LITTLE: Final = 16
"""A group must save one part in so many of what is there at once, to be worth a loop."""


@dataclass(frozen=True, eq=False)
class PieceGroup:
    """Nodes of a graph to compute in pieces.

    Attributes:
        graph: that they stand in.
        count: how many pieces.
        cuts: for each node, operands first, how it is cut.
        outputs: what others read, and what the graph gives.
    """

    graph: Graph
    count: int
    cuts: Mapping[Node, Cut]
    outputs: tuple[Value, ...]

    @cached_property
    def inside(self) -> tuple[int, int]:
        """Bytes of what lies between the nodes at once: whole, and in pieces."""
        whole = most_alive(list(self.cuts), set(self.outputs))
        extra = [bytes_of(value) for value in self.outputs]
        summed = [bytes_of(v) for v in self.outputs if self.axis_of(v) is None]
        return whole, sum(extra) + max(summed, default=0) + whole // self.count

    @property
    def saved(self) -> int:
        whole, pieces = self.inside
        return whole - pieces

    def axis_of(self, value: Value) -> int | None:
        """The axis that a result of one of the nodes is cut along."""
        return self.cuts[value.node].results[value.index]


def find_group(graph: Graph, most: int) -> PieceGroup | str:
    """The group of a graph of known sizes that saves most in at most so many pieces.

    Returns:
        Why there is none, where nothing saves a good part of what is there at once.
    """
    users = users_of(graph)
    seeds = _seeds(graph)
    if not seeds:
        return "nothing is a product"
    found: list[PieceGroup] = []
    ways = _Ways()
    seen: set[tuple[Value, int]] = set()
    for value, axis in [(seed, axis) for seed in seeds for axis in range(seed.type.rank)]:
        size: Any = value.type.shape[axis]
        count = max([n for n in range(1, most + 1) if size % n == 0], default=1)
        if count == 1 or (value, axis) in seen:
            continue
        growth = _grow(value, axis, count, users, ways)
        seen.update(growth.axes.items())
        found += _in_order(graph, growth.cuts, count, users)
    best = max(found, key=lambda group: group.saved, default=None)
    needed = most_alive(graph.nodes, set(graph.outputs))
    if best is None:
        return f"no axis of {seeds[0].node.op.name} and the other products can be cut"
    if best.saved * _LITTLE <= needed:
        return f"pieces would save {max(best.saved, 0):,} of {needed:,} bytes"
    return best


def is_repeated(node: Node) -> bool:
    """Whether a node is made anew wherever it is read: it takes next to nothing to do so."""
    return node.op.name in ("constant", "iota", "broadcast_in_dim")


def most_alive(nodes: Sequence[Node], given: set[Value]) -> int:
    """The most bytes that nodes hold at once, in this order, of what they make for each other.

    Args:
        nodes: operands first.
        given: results that others hold.
    """
    last: dict[Value, int] = {}
    stored: set[Value] = set()
    for place, node in enumerate(nodes):
        for value in node.inputs:
            last[value] = place
            if not node.op.has(_FUSED | _READS):
                stored.add(value)
    changes = [0] * (len(nodes) + 1)
    for place, node in enumerate(nodes):
        changes[place] += _inside(node)
        changes[place + 1] -= _inside(node)
        for value in node.outputs:
            lasts = value in last and value not in given
            is_stored = not node.op.has(_FUSED) or value in stored
            if lasts and is_stored and node.op.name not in ("input", "constant"):
                changes[place] += bytes_of(value)
                changes[last[value] + 1] -= bytes_of(value)
    alive = most = 0
    for change in changes:
        alive += change
        most = max(most, alive)
    return most


def _inside(node: Node) -> int:
    """What a node itself holds while it is computed."""
    if node.op.name in ("attention", "attention_gradient"):
        return logits_bytes(node) * (2 if node.op.name == "attention" else 3)
    return max([most_alive(each.nodes, set(each.outputs)) for each in node.regions], default=0)


def _seeds(graph: Graph) -> list[Value]:
    """The largest values that products give or hold inside."""
    found = {
        node.outputs[0]: max(bytes_of(node.outputs[0]), _inside(node))
        for node in graph.nodes
        if node.op.has(Trait.CONTRACTION) and not node.regions
    }
    return sorted(found, key=lambda value: -found[value])[:_SEEDS]


class _Ways:
    """The ways to cut nodes, found once."""

    def __init__(self) -> None:
        self._found: dict[Node, list[Cut]] = {}

    def __call__(self, node: Node) -> list[Cut]:
        found = self._found.get(node)
        if found is None:
            found = self._found[node] = list(cuts_of(node))
        return found


def _grow(
    value: Value, axis: int, count: int, users: Mapping[Value, Sequence[Node]], ways: _Ways
) -> _Growth:
    """The nodes that can be cut with a value along an axis; none where its own node cannot."""
    growth = _Growth(count)
    growth.add(value.node, [cut for cut in ways(value.node) if cut.results[0] == axis])
    if _inside(value.node):  # what is large is in the node itself
        return growth
    while growth.pending:
        each = growth.pending.pop()
        axis = growth.axes[each]
        growth.add(each.node, [cut for cut in ways(each.node) if cut.results[each.index] == axis])
        for user in users.get(each, ()):
            place = user.inputs.index(each)
            growth.add(user, [cut for cut in ways(user) if cut.operands[place] == axis])
    return growth


class _Growth:
    """Nodes that are cut so far, and the axes of values."""

    def __init__(self, count: int) -> None:
        self.cuts: dict[Node, Cut] = {}
        self.axes: dict[Value, int] = {}
        self.pending: list[Value] = []
        self._whole: set[Value] = set()
        self._count = count

    def add(self, node: Node, cuts: Sequence[Cut]) -> bool:
        """Take a node in, if one of the ways to cut it fits what is cut already."""
        if node in self.cuts or node.op.name == "constant":
            return False
        for cut in cuts:
            if self._fits(node, cut):
                self.cuts[node] = cut
                for value, axis in self._values(node, cut):
                    if axis is None:
                        self._whole.add(value)
                    elif value not in self.axes:
                        self.axes[value] = axis
                        self.pending.append(value)
                return True
        return False

    def _values(self, node: Node, cut: Cut) -> Iterator[tuple[Value, int | None]]:
        yield from zip(node.inputs, cut.operands, strict=True)
        yield from zip(node.outputs, cut.results, strict=True)

    def _fits(self, node: Node, cut: Cut) -> bool:
        results = zip(node.outputs, cut.results, strict=True)
        if not all(axis is not None or can_be_summed(value) for value, axis in results):
            return False
        own: dict[Value, int | None] = {}
        for value, axis in self._values(node, cut):
            if own.setdefault(value, axis) != axis:
                return False
            if axis is None:
                if value in self.axes:
                    return False
                continue
            size: Any = value.type.shape[axis]
            if value in self._whole or self.axes.get(value, axis) != axis or size % self._count:
                return False
        return True


def _in_order(
    graph: Graph, cuts: Mapping[Node, Cut], count: int, users: Mapping[Value, Sequence[Node]]
) -> Iterator[PieceGroup]:
    """Groups of nodes that wait for nothing that pieces of the same group give all together."""
    if not cuts:
        return
    after: dict[Value, int] = {}
    rounds: dict[int, dict[Node, Cut]] = {}
    for node in graph.nodes:
        cut = cuts.get(node)
        number = 0
        for place, value in enumerate(node.inputs):
            is_piece = cut and cut.operands[place] is not None and value.node in cuts
            number = max(number, after.get(value, 0) - (1 if is_piece else 0))
        if cut is not None and not is_repeated(node):
            rounds.setdefault(number, {})[node] = cut
        for value in node.outputs:
            after[value] = number + (cut is not None)
    given = set(graph.outputs)
    for own in rounds.values():
        outputs = [
            value
            for node in own
            for value in node.outputs
            if value in given or any(each not in own for each in _readers(value, users, given))
        ]
        yield PieceGroup(graph, count, own, tuple(outputs))


def _readers(
    value: Value, users: Mapping[Value, Sequence[Node]], given: Collection[Value]
) -> Iterator[Node]:
    """The nodes that read a value; those that read it by way of what is made anew for them."""
    for user in users.get(value, ()):
        if is_repeated(user) and user.outputs[0] not in given:
            yield from _readers(user.outputs[0], users, given)
        else:
            yield user

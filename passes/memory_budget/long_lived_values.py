"""What a graph that is no loop keeps for its way back, and ways to keep less of it.

Where most is alive divides the nodes into those before and those after. What the ones after read of
the ones before is kept, or computed again: in stretches, of which each begins with what is kept at
its edge. All of a stretch is there at once when it is computed again, so there are several, and
what counts is the bytes at the edges and the largest stretch (source: Chen and others, "Training
Deep Nets with Sublinear Memory Cost", 2016).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final

from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.op import Trait
from passes.memory_budget.kept_sets import KeptSet, bytes_of, choose_kept

_STRETCHES: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_FUSED: Final = Trait.ELEMENTWISE | Trait.SHAPE_MOVE
_READS: Final = Trait.REDUCTION  # of what it reads, XLA computes what is elementwise on the way
_RATES: Final = (1.0, 0.03, 0.003, 0.0)


@dataclass(frozen=True, eq=False)
class LongLived:
    """The values of a graph that are read long after they are made.

    Attributes:
        graph: the graph, of known sizes.
        places: where each node stands in it.
        peak: the last node before most is alive.
        wanted: the values made before it that are needed after it and could be computed again,
            as far as XLA keeps them: what is elementwise is computed where it is read.
        between: the nodes from them to what is read after the peak.
        plain: the nodes that are made of constants alone: they cost nothing, wherever they stand.
    """

    graph: Graph
    places: dict[Node, int]
    peak: int
    wanted: list[Value]
    between: frozenset[Node]
    plain: frozenset[Node]

    @cached_property
    def kept_bytes(self) -> int:
        return sum(map(bytes_of, self.wanted))

    @cached_property
    def read_before_peak(self) -> dict[Value, int]:
        """Where what is made before the peak is read last before the peak; no arguments."""
        last: dict[Value, int] = {}
        for place, node in enumerate(self.graph.nodes[: self.peak + 1]):
            for value in node.inputs:
                if self.price(value):
                    last[value] = place
        return last

    def price(self, value: Value) -> int:
        """What keeping a value takes; nothing for arguments and what is made of constants."""
        if value.node in self.plain or value.node.op.name == "input":
            return 0
        return max(1, bytes_of(value))


@dataclass(frozen=True, eq=False)
class Stretches:
    """A way to compute again what is wanted.

    Attributes:
        kept: the values that are kept.
        again: the nodes to compute again, by stretch, each in the order of the graph.
        bytes: what is kept, and the most that a stretch gives at once.
        work: of computing again.
        flops: of that.
    """

    kept: frozenset[Value]
    again: tuple[tuple[Node, ...], ...]
    bytes: int
    work: int
    flops: int


def is_fixed(node: Node) -> bool:
    """Whether a node is not computed again: what loops give is theirs to save."""
    return node.op.name in ("input", "constant") or bool(node.regions)


def plain_nodes(graph: Graph) -> frozenset[Node]:
    """The nodes that no argument has a part in, but for draws and loops."""
    found: set[Node] = set()
    for node in graph.nodes:
        is_own = node.op.name != "input" and not node.regions and not node.op.has(Trait.RANDOM)
        if is_own and all(value.node in found for value in node.inputs):
            found.add(node)
    return frozenset(found)


def find_long_lived(graph: Graph) -> LongLived:
    """What is alive where most is alive, going by the order of the graph."""
    places = {node: place for place, node in enumerate(graph.nodes)}
    last_use = dict[Value, int]()
    for place, node in enumerate(graph.nodes):
        for value in node.inputs:
            last_use[value] = place
    plain = plain_nodes(graph)
    changes = [0] * (len(graph.nodes) + 1)
    for value, last in last_use.items():
        if value.node.op.name != "input" and value.node not in plain:
            changes[places[value.node]] += bytes_of(value)
            changes[last] -= bytes_of(value)
    alive, most, peak = 0, -1, 0
    for place, change in enumerate(changes):
        alive += change
        if alive > most:
            most, peak = alive, place
    needed = [value for value, last in last_use.items() if places[value.node] <= peak < last]
    wanted, between = _materialised(graph, needed, plain)
    return LongLived(graph, places, peak, wanted, between, plain)


def _materialised(
    graph: Graph, needed: Sequence[Value], plain: frozenset[Node]
) -> tuple[list[Value], frozenset[Node]]:
    """The arrays that XLA computes values from where they are read, and the nodes in between."""
    as_operand = {
        value for node in graph.nodes if not node.op.has(_FUSED | _READS) for value in node.inputs
    }
    as_operand.update(graph.outputs)
    found: dict[Value, None] = {}
    between: set[Node] = set()
    pending = list(needed)
    while pending:
        value = pending.pop()
        node = value.node
        if value in found or node in between or node in plain or is_fixed(node):
            continue
        if value in as_operand or not node.op.has(_FUSED):
            found[value] = None
        else:
            between.add(node)
            pending += node.inputs
    outputs = set(graph.outputs)
    return [value for value in found if value not in outputs], frozenset(between)


def ways_to_keep_less(found: LongLived) -> Iterator[Stretches]:
    """Several numbers of stretches, each with more and with less computed again."""
    for count in _STRETCHES:
        edges = _edges(found, count)
        if len(edges) < count - 1:
            return
        at_edges = _kept_at_edges(found, edges)
        price = partial(_price_beside, found, at_edges)
        made: set[frozenset[Value]] = set()
        for rate in _RATES:
            choice = choose_kept(found.wanted, price, rate, is_fixed)
            if choice.kept not in made:
                made.add(choice.kept)
                yield _in_stretches(found, choice, at_edges, edges)


def _price_beside(found: LongLived, at_edges: set[Value], value: Value) -> int:
    return 0 if value in at_edges else found.price(value)


def _edges(found: LongLived, count: int) -> list[int]:
    """Places between stretches that keep about as much each, where least goes across."""
    made = Counter[int]()  # by place: a node may give several values
    for value in found.wanted:
        made[found.places[value.node]] += bytes_of(value)
    crossing = _crossing_bytes(found)
    edges: list[int] = []
    share, done = made.total() / count, 0
    start = 0
    for place in sorted(made):
        done += made[place]
        if done >= share * (len(edges) + 1) and len(edges) < count - 1:
            slack = max(1, (place - start) // 3)
            near = range(max(start, place - slack), min(found.peak, place + slack) + 1)
            edge = min(near, key=lambda at: (crossing[at], abs(at - place)))
            if not edges or edge > edges[-1]:
                edges.append(edge)
            start = place + 1
    return edges


def _crossing_bytes(found: LongLived) -> list[int]:
    """For each place before the peak, the bytes that are made up to it and read from there on."""
    changes = [0] * (found.peak + 2)
    for value, last in found.read_before_peak.items():
        changes[found.places[value.node]] += bytes_of(value)
        changes[last] -= bytes_of(value)
    sums, alive = [], 0
    for change in changes:
        alive += change
        sums.append(alive)
    return sums


def _kept_at_edges(found: LongLived, edges: list[int]) -> set[Value]:
    return {
        value
        for value, last in found.read_before_peak.items()
        if any(found.places[value.node] <= edge < last for edge in edges)
    }


def _in_stretches(
    found: LongLived, choice: KeptSet, at_edges: set[Value], edges: list[int]
) -> Stretches:
    again: list[list[Node]] = [[] for _ in range(len(edges) + 1)]
    for node in sorted(choice.again, key=lambda node: found.places[node]):
        again[sum(edge < found.places[node] for edge in edges)].append(node)
    computed = set(choice.again)
    read = {value for node in choice.again for value in node.inputs} | set(found.wanted)
    kept = {value for value in read if value in at_edges} | choice.kept
    wanted = [value for value in found.wanted if value.node in computed and value not in kept]
    given = [
        sum(bytes_of(value) for value in wanted if value.node in set(nodes)) for nodes in again
    ]
    return Stretches(
        frozenset(kept),
        tuple([tuple(nodes) for nodes in again if nodes]),
        sum(map(bytes_of, kept)) + max(given),
        choice.work,
        choice.flops,
    )

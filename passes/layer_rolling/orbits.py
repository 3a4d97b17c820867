"""Orbits and the edges between them: what a block computes, and from what of which block.

An orbit is the copies of one node. Where element i of an orbit reads element i + d of another, and
d is the same for (nearly) all i, the two are joined by an edge of that offset. What an orbit reads
besides is the same for all its elements, or comes from outside, another value for each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from graphc.ir.node import Node, Value
from passes.layer_rolling.succession import Succession, orbits_of


class Orbit:
    """The copies of one node, in the order of the blocks.

    Attributes:
        nodes: the elements.
        reads: edges to the orbits that it reads, by operand position.
        readers: edges of the orbits that read it.
    """

    __slots__ = ("nodes", "readers", "reads")

    def __init__(self, nodes: tuple[Node, ...]) -> None:
        self.nodes = nodes
        self.reads: dict[int, Edge] = {}
        self.readers: list[Edge] = []

    def __len__(self) -> int:
        return len(self.nodes)

    def __repr__(self) -> str:
        return f"<{len(self)} copies of {self.nodes[0].op.name} {self.nodes[0].name!r}>"


class Edge(NamedTuple):
    """Element i of `reader` reads result `index` of element `i + offset` of `source`.

    Attributes:
        reader: who reads.
        position: at which operand.
        source: what is read.
        index: which of its results.
        offset: how much later the element that is read stands in its orbit.
        breaks: the elements of the reader that have another operand.
    """

    reader: Orbit
    position: int
    source: Orbit
    index: int
    offset: int
    breaks: frozenset[int]

    def holds_for(self, elements: Iterable[int]) -> bool:
        """Whether these elements of the reader have just this operand."""
        return not self.breaks or self.breaks.isdisjoint(elements)


def find_orbits(succession: Succession, least: int) -> list[Orbit]:
    """The orbits of at least `least` elements, with the edges between them."""
    orbits = [Orbit(tuple(chain)) for chain in orbits_of(succession) if len(chain) >= least]
    places = {node: (orbit, i) for orbit in orbits for i, node in enumerate(orbit.nodes)}
    for orbit in orbits:
        for position in range(len(orbit.nodes[0].inputs)):
            edge = _edge(orbit, position, places)
            if edge is not None:
                orbit.reads[position] = edge
                edge.source.readers.append(edge)
    return orbits


def _edge(reader: Orbit, position: int, places: dict[Node, tuple[Orbit, int]]) -> Edge | None:
    """The edge that at least half of the elements agree on."""
    values = [node.inputs[position] for node in reader.nodes]
    if values[-1] is values[0] and all(value is values[0] for value in values):
        return None
    first, index = places.get(values[0].node), values[0].index
    if first is not None:  # nearly always all elements agree
        source, start = first
        if all(
            value.index == index and places.get(value.node) == (source, start + element)
            for element, value in enumerate(values)
        ):
            return Edge(reader, position, source, index, start, frozenset())
    given = [
        None if (place := places.get(value.node)) is None else (*place, value.index)
        for value in values
    ]
    votes = Counter(
        (place[0], place[1] - element, place[2])
        for element, place in enumerate(given)
        if place is not None
    )
    if not votes:
        return None
    (source, offset, index), count = votes.most_common(1)[0]
    if 2 * count < len(values):
        return None
    breaks: list[int] = []
    if count < len(values):
        breaks += [
            element
            for element, place in enumerate(given)
            if place != (source, element + offset, index)
        ]
    return Edge(reader, position, source, index, offset, frozenset(breaks))


def reverse_orbits(orbits: Iterable[Orbit]) -> list[Orbit]:
    """The same orbits with their elements the other way round, joined among themselves.

    The backward chain of a train step that is written out runs against the forward chain.
    """
    listed = list(orbits)
    turned = {orbit: Orbit(orbit.nodes[::-1]) for orbit in listed}
    for orbit in listed:
        for position, edge in orbit.reads.items():
            source = turned.get(edge.source)
            if source is not None:
                # element i was number len - 1 - i: offsets change sign, and lengths may differ
                offset = len(edge.source) - len(orbit) - edge.offset
                breaks = frozenset([len(orbit) - 1 - element for element in edge.breaks])
                made = Edge(turned[orbit], position, source, edge.index, offset, breaks)
                turned[orbit].reads[position] = made
                source.readers.append(made)
    return list(turned.values())


def operands_at(orbit: Orbit, position: int, elements: Sequence[int]) -> list[Value]:
    """What elements of an orbit read at one position."""
    return [orbit.nodes[element].inputs[position] for element in elements]

"""Places for the nodes of a graph, rank by rank: what is made stands below what it is made of.

After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures" (1981): ranks by longest path; edges that cross ranks get a bend in each; bends and
nodes are ordered by the mean place of their neighbours; then each moves towards its neighbours as
far as the next one in its rank allows.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import networkx as nx

GAP: Final = 18.0  # between neighbours in a rank
_SWEEPS: Final = 8
_ALONE: Final = 0.01  # the weight of a place that nothing asks for
_BEND: Final = 4.0  # what an edge that passes by takes of a rank

Node = Hashable


@dataclass(frozen=True)
class Link:
    """An edge, and where it ends, measured from the middles of its nodes along the rank."""

    source: Node
    target: Node
    leaves: float = 0.0
    enters: float = 0.0


@dataclass
class Layout:
    """Where everything is along the ranks.

    Attributes:
        ranks: nodes and bends of each rank, in order.
        rank: of every node.
        middle: of every node and bend, from 0 on to the right.
        paths: for each link, the nodes and bends that it passes, from the lesser rank on.
        is_upward: for each link, whether it runs against the ranks, as in a cycle.
        width: of the widest rank.
    """

    ranks: list[list[Node]] = field(default_factory=list)
    rank: dict[Node, int] = field(default_factory=dict)
    middle: dict[Node, float] = field(default_factory=dict)
    paths: list[list[Node]] = field(default_factory=list)
    is_upward: list[bool] = field(default_factory=list)
    width: float = 0.0


def lay_out(widths: Mapping[Node, float], links: Sequence[Link]) -> Layout:
    """Places for nodes of these widths; links from a node to itself are left out."""
    layout = Layout()
    graph: nx.DiGraph[Node] = nx.DiGraph()
    graph.add_nodes_from(widths)
    graph.add_edges_from((x.source, x.target) for x in links if x.source != x.target)
    upward = _break_cycles(graph)
    layout.rank = _ranks(graph)
    layout.ranks = [[] for _ in range(1 + max(layout.rank.values(), default=0))]
    for node in widths:
        layout.ranks[layout.rank[node]].append(node)
    neighbours: dict[Node, tuple[list[tuple[Node, float]], list[tuple[Node, float]]]] = {}
    for number, link in enumerate(links):
        is_upward = (link.source, link.target) in upward
        layout.is_upward.append(is_upward)
        layout.paths.append(_path(link, number, is_upward, layout))
        _note_neighbours(link, layout.paths[-1], is_upward, neighbours)
    _order(layout, neighbours)
    half = {node: widths.get(node, _BEND) / 2 for rank in layout.ranks for node in rank}
    _move(layout, widths, half, neighbours)
    _straighten(layout, links, half)
    left = min((layout.middle[node] - half[node] for node in half), default=0.0)
    for node in half:
        layout.middle[node] -= left
    layout.width = max((layout.middle[node] + half[node] for node in half), default=0.0)
    return layout


def _break_cycles(graph: nx.DiGraph[Node]) -> set[tuple[Node, Node]]:
    """Turn round one edge of each cycle: the one that runs back the furthest."""
    turned: set[tuple[Node, Node]] = set()
    place = {node: number for number, node in enumerate(graph)}
    while not nx.is_directed_acyclic_graph(graph):
        cycle = nx.find_cycle(graph)
        source, target = max(
            ((edge[0], edge[1]) for edge in cycle), key=lambda e: place[e[0]] - place[e[1]]
        )
        graph.remove_edge(source, target)
        turned.add((source, target))
    graph.add_edges_from((target, source) for source, target in turned)
    return turned


def _ranks(graph: nx.DiGraph[Node]) -> dict[Node, int]:
    """By the longest way from a source; sources stand right above what they are for."""
    rank: dict[Node, int] = {}
    for number, generation in enumerate(nx.topological_generations(graph)):
        rank.update(dict.fromkeys(generation, number))
    for node in graph:
        if not graph.in_degree(node) and graph.out_degree(node):
            rank[node] = min(rank[after] for after in graph.successors(node)) - 1
    return rank


def _path(link: Link, number: int, is_upward: bool, layout: Layout) -> list[Node]:
    """From the lesser rank to the greater, with a new bend in each rank between."""
    first, last = (link.target, link.source) if is_upward else (link.source, link.target)
    if first == last:
        return []
    path = [first]
    for rank in range(layout.rank[first] + 1, layout.rank[last]):
        bend = ("bend", number, rank)
        layout.ranks[rank].append(bend)
        path.append(bend)
    return [*path, last]


def _note_neighbours(
    link: Link,
    path: Sequence[Node],
    is_upward: bool,
    neighbours: dict[Node, tuple[list[tuple[Node, float]], list[tuple[Node, float]]]],
) -> None:
    """For each end of a piece: the other end, and how far it lies from the right place."""
    first, last = (link.enters, link.leaves) if is_upward else (link.leaves, link.enters)
    for number, (upper, lower) in enumerate(itertools.pairwise(path)):
        shift = (first if number == 0 else 0.0) - (last if number == len(path) - 2 else 0.0)
        neighbours.setdefault(lower, ([], []))[0].append((upper, shift))
        neighbours.setdefault(upper, ([], []))[1].append((lower, -shift))


_Neighbours = Mapping[Node, tuple[list[tuple[Node, float]], list[tuple[Node, float]]]]


def _order(layout: Layout, neighbours: _Neighbours) -> None:
    """Sweep down and up, and keep the order in which the fewest edges cross."""
    best = [list(rank) for rank in layout.ranks]
    fewest = _crossings(best, neighbours)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        upward = sweep % 2
        ranks = [list(rank) for rank in layout.ranks]
        for rank in reversed(ranks) if upward else ranks:
            place = {node: n for listed in ranks for n, node in enumerate(listed)}

            def mean(node: Node, place: dict[Node, int] = place, side: int = upward) -> float:
                beside = [place[other] for other, _ in neighbours.get(node, ([], []))[side]]
                return sum(beside) / len(beside) if beside else place[node]

            rank.sort(key=mean)
        layout.ranks = ranks
        crossings = _crossings(ranks, neighbours)
        if crossings < fewest:
            best, fewest = ranks, crossings
    layout.ranks = best


def _crossings(ranks: Sequence[Sequence[Node]], neighbours: _Neighbours) -> int:
    total = 0
    for upper, lower in itertools.pairwise(ranks):
        place = {node: number for number, node in enumerate(lower)}
        seen: list[int] = []
        for node in upper:
            ends = sorted(place[other] for other, _ in neighbours.get(node, ([], []))[1])
            total += sum(len(seen) - bisect.bisect_right(seen, end) for end in ends)
            for end in ends:
                bisect.insort(seen, end)
    return total


def _move(
    layout: Layout,
    widths: Mapping[Node, float],
    half: Mapping[Node, float],
    neighbours: _Neighbours,
) -> None:
    """Each node towards the mean of its neighbours, none nearer to the next than they are wide."""
    middle = layout.middle
    for rank in layout.ranks:
        x = 0.0
        for node in rank:
            middle[node] = x + half[node]
            x += 2 * half[node] + GAP
    for sweep in range(2 * _SWEEPS + 1):
        sides = ((0,), (1,), (0, 1))[2 if sweep == 2 * _SWEEPS else sweep % 2]
        for rank in reversed(layout.ranks) if sides == (1,) else layout.ranks:
            wanted: list[float] = []
            weights: list[float] = []
            for node in rank:
                around = neighbours.get(node, ([], []))
                beside = [
                    (_weight(node in widths, other in widths), middle[other] + shift)
                    for side in sides
                    for other, shift in around[side]
                ]
                weights.append(sum(weight for weight, _ in beside) or _ALONE)
                total = sum(weight * place for weight, place in beside)
                wanted.append(total / weights[-1] if beside else middle[node])
            apart = [half[a] + half[b] + GAP for a, b in itertools.pairwise(rank)]
            middle.update(zip(rank, nearest_places(wanted, apart, weights), strict=True))


def _straighten(layout: Layout, links: Sequence[Link], half: Mapping[Node, float]) -> None:
    """Bring the bends of each edge to one place, or to as few as the ranks leave room for."""
    middle = layout.middle
    beside: dict[Node, tuple[Node | None, Node | None]] = {}
    for rank in layout.ranks:
        around: list[Node | None] = [None, *rank, None]
        beside |= {node: (around[n], around[n + 2]) for n, node in enumerate(rank)}

    def room(bend: Node) -> tuple[float, float]:
        before, after = beside[bend]
        least = -math.inf if before is None else middle[before] + half[before] + GAP + half[bend]
        most = math.inf if after is None else middle[after] - half[after] - GAP - half[bend]
        return min(least, middle[bend]), max(most, middle[bend])

    for link, path, is_upward in zip(links, layout.paths, layout.is_upward, strict=True):
        if len(path) < 3:
            continue
        first, last = (link.enters, link.leaves) if is_upward else (link.leaves, link.enters)
        ends = middle[path[-1]] + last, middle[path[0]] + first
        run: list[Node] = []
        least, most = -math.inf, math.inf
        for bend in [*path[1:-1], None]:
            low, high = (math.inf, -math.inf) if bend is None else room(bend)
            if run and (max(least, low) > min(most, high)):
                fitting = [end for end in ends if least <= end <= most]
                mean = sum(middle[each] for each in run) / len(run)
                place = fitting[0] if fitting else min(max(mean, least), most)
                middle.update(dict.fromkeys(run, place))
                run, least, most = [], -math.inf, math.inf
            if bend is not None:
                run.append(bend)
                least, most = max(least, low), min(most, high)


def _weight(is_node: bool, is_other_node: bool) -> float:
    """How much straightness counts: long edges matter most, as Gansner and others say (1993)."""
    return (8.0, 2.0, 1.0)[is_node + is_other_node]


def nearest_places(
    wanted: Sequence[float], apart: Sequence[float], weights: Sequence[float]
) -> list[float]:
    """The places nearest to those wanted, in the sense of least squares, that keep a distance.

    Args:
        wanted: in the order that the places keep.
        apart: the least distance of each from the next.
        weights: how much each counts.
    """
    shifts = [0.0]
    for distance in apart:
        shifts.append(shifts[-1] + distance)
    # Those that lie as near as they may: their wanted places, weights and number.
    blocks: list[tuple[float, float, int]] = []
    for place, shift, weight in zip(wanted, shifts, weights, strict=False):
        mean, heavy, count = place - shift, weight, 1
        while blocks and blocks[-1][0] > mean:
            before, weight_before, number = blocks.pop()
            mean = (mean * heavy + before * weight_before) / (heavy + weight_before)
            heavy, count = heavy + weight_before, count + number
        blocks.append((mean, heavy, count))
    found = [mean for mean, _, count in blocks for _ in range(count)]
    return [place + shift for place, shift in zip(found, shifts, strict=False)]

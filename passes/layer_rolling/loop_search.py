"""The loops of a graph: families of like nodes are grown to blocks, and blocks planned as loops.

The way forth is looked for first; what is left may be the way back, which runs the other way round.

Copies that do not depend on each other (towers side by side, members of an ensemble) stay as they
are. One op on their stacked weights, or a loop over them, gains nothing on CPUs: a gradient of
towers of three dense layers (JAX 0.10, two cores, milliseconds of CPU time, weights stacked before)

    towers, width, batch     written out    one op for all    a loop
     8,  64,  64                     0.5               0.7       0.7
     8, 256,  64                     6.8               9.3       7.0
    24,  64,  64                     1.4               1.6       2.6
    24, 256, 128                      32                46        43

and compiles in about the same time: 0.46 s for 24 towers written out, 0.30 and 0.37 s otherwise.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import networkx as nx

from graphc.ir.graph import Graph
from graphc.ir.node import Node
from passes.layer_rolling.differences import reasons_left_out
from passes.layer_rolling.loops import Flow, Loop, RefusedError, narrow_loop, plan_loop
from passes.layer_rolling.node_signatures import (
    Signatures,
    families,
    is_draw,
    is_heavy,
    users_of,
)
from passes.layer_rolling.orbits import Orbit, find_orbits, reverse_orbits
from passes.layer_rolling.schedules import Schedule, find_cycles, inner_edges, schedule_cycle
from passes.layer_rolling.selection import orbits_worth_rolling, stacks_arguments
from passes.layer_rolling.stacked_rows import StackedRows
from passes.layer_rolling.succession import Succession

_MOST_RIVALS: Final = 16
_MOST_GROWN: Final = 40_000
"""Families are compared until they have grown over so many nodes: a second or two. With half as
many, 16 layers of an encoder with a decoder take 1.9 times the memory of those written out.
"""
_A_PART: Final = 4
"""One heavy node of a kind for four in loops is left by the first or the last of few layers."""
_ABOUT: Final = 10
"""A tenth more or less is about as much."""
_MOST_IN_VAIN: Final = 4
"""How often all nodes may be grown over by families that give no loop. In none of 80 programs was
a useful loop found after three such growths."""
_FEW_GROWN: Final = 20_000
"""Growing over so many nodes in vain is soon done: a quarter of a second."""
_PERIODS: Final = (1, 2, 3, 4)
"""How many look-alike layers a block may be made of: ABAB has blocks of two."""

Pairs = tuple[tuple[Node, Node], ...]
"""Nodes of which the second is to come one block after the first."""


class LoopSearch:
    """Looks for loops in one graph.

    Attributes:
        users: the uses of every node.
        signatures: what tells kinds of nodes apart.
        refused: why what looked like a chain of blocks was left alone.
    """

    def __init__(self, graph: Graph, least: int, weighs_stacks: bool) -> None:
        self.refused: list[str] = []
        self._weighs = weighs_stacks
        self._is_output = set(graph.outputs).__contains__
        self._graph = graph
        self._least = least
        self.users = users_of(graph)
        self.signatures = Signatures(graph)
        self._flow = Flow(self.users)
        self._rows = StackedRows()
        self._failed: set[Pairs | frozenset[tuple[Node, Node]]] = set()
        self._patience = max(_FEW_GROWN, _MOST_IN_VAIN * len(graph.nodes))
        self._side_by_side: list[Orbit] = []
        self._compared: set[frozenset[tuple[Node, Node]]] = set()

    def run(self) -> list[Loop]:
        """The loops of the graph, in no order; no two share a node."""
        found: list[Loop] = []
        for alike in reversed(self._families(is_heavy)):
            while loops := self._best_loops(alike):
                found += loops
        for family in itertools.chain(*self._families(is_draw)):
            found += self._independent(family)
        return found

    def _best_loops(self, alike: Sequence[Sequence[Node]]) -> list[Loop]:
        """The loops that a family leads to: of all, the best.

        An encoder's layers look like parts of a decoder's; from the wrong family half of each is
        rolled. The first will do where it leaves no other chain of nodes of its kinds.
        """
        best: list[Loop] = []
        self._compared.clear()
        rivals, most = 0, min(_MOST_RIVALS, 1 + _MOST_GROWN // len(self._graph.nodes))
        for family in alike:
            loops = next(filter(None, (self._loops_of(family, each) for each in _PERIODS)), [])
            if not loops:
                continue
            if not self._leaves_a_chain(loops):
                return loops
            for loop in loops:
                self._flow.release(loop.nodes())
                self._rows.remove(loop)
            rivals += 1
            if _are_better(loops, best):
                best = loops
            if rivals == most:
                break
        for loop in best:
            self._take(loop)
        return best

    def _leaves_a_chain(self, loops: Sequence[Loop]) -> bool:
        """Whether enough heavy nodes are left for another loop, of a kind that these hold."""
        kinds = Counter[int]()
        for loop in loops:
            for orbit in loop.orbits:
                if is_heavy(orbit.nodes[0]):
                    kinds[self.signatures[orbit.nodes[0]]] += loop.schedule.length
        left = Counter(
            kind
            for node in self._graph.nodes
            if (kind := self.signatures[node]) in kinds and not self._flow.is_taken(node)
        )
        return any(
            count >= self._least and count * _A_PART > kinds[kind] for kind, count in left.items()
        )

    def left_out(self) -> list[str]:
        """Why heavy nodes that came in numbers are in none of the loops."""
        is_taken, explained = self._flow.is_taken, set[Node]()
        found: list[str] = []
        for orbit in sorted(self._side_by_side, key=len, reverse=True):
            nodes = [node for node in orbit.nodes if not is_taken(node) and node not in explained]
            if len(nodes) >= self._least:
                explained.update(nodes)
                found.append(_side_by_side(nodes))
        search = self._graph, self.signatures, self.users, is_taken, self._least
        return [*dict.fromkeys(found), *reasons_left_out(*search, explained)]

    def _families(self, belongs: Callable[[Node], bool]) -> list[list[list[Node]]]:
        return families(self._graph, self.signatures, self.users, belongs)

    def _independent(self, family: Sequence[Node]) -> Iterator[Loop]:
        """A loop of draws that end in results of the graph: initial values of like variables."""
        seeds = self._seeds(family, period=1)
        if not seeds:
            return
        groups = _operands_first(find_orbits(self._grow(seeds), self._least))
        for orbit in itertools.chain(*groups):
            if not is_draw(orbit.nodes[0]) or any(map(self._flow.is_taken, orbit.nodes)):
                continue
            loop = self._without_leaks(orbit, [group for group in groups if group != [orbit]])
            if loop is not None:
                self._take(loop)
                yield loop

    def _without_leaks(self, orbit: Orbit, beside: Sequence[Sequence[Orbit]]) -> Loop | None:
        """A loop around an orbit of which nothing but results of the graph is read outside.

        What others read too, such as the keys of several draws, is made before the loop.
        """
        schedule, copied = Schedule({orbit: 0}, 0, len(orbit) - 1), self._rows.bytes_copied
        while True:
            try:
                loop = plan_loop(self._flow, [orbit], beside, schedule, copied)
            except RefusedError:
                return None
            inside = set(loop.nodes())
            leaking = {
                each
                for each in loop.orbits
                for element in loop.schedule.elements(each)
                if any(user not in inside for user, _ in self.users[each.nodes[element]])
            }
            if not leaking:
                return loop
            if orbit in leaking:
                return None
            beside = [group for group in beside if leaking.isdisjoint(group)]

    def _loops_of(self, family: Sequence[Node], period: int) -> list[Loop]:
        seeds = self._seeds(family, period)
        if not seeds or seeds in self._failed or self._patience < 0:
            return []
        succession = self._grow(seeds)
        grown = frozenset(succession.following.items())
        if grown in self._failed:  # from another node of the block
            self._patience -= len(grown)
        if grown in self._compared or grown in self._failed:
            return []
        self._compared.add(grown)
        orbits = find_orbits(succession, self._least)
        found: list[Loop] = []
        cycles = find_cycles(orbits)
        if not cycles:
            self._side_by_side += [orbit for orbit in orbits if is_heavy(orbit.nodes[0])]
        # What is heavy beside a sum of scalars, as the products beside a norm of gradients, belongs
        # rather to the loop that gives what it reads.
        for has_heavy in dict.fromkeys(sorted(map(_has_heavy, cycles), reverse=True)):
            rest = self._not_taken(orbits)
            found += self._plan(rest, has_heavy)
            rest = reverse_orbits(self._not_taken(rest))
            found += self._plan(rest, has_heavy, are_reversed=True)
        if not found:
            self._failed |= {seeds, grown}
            self._patience -= len(grown)
        return found

    def _seeds(self, family: Sequence[Node], period: int) -> Pairs:
        """The members of a family that follow each other; none where they are too few."""
        free = [node for node in family if not self._flow.is_taken(node)]
        return (
            tuple(zip(free, free[period:], strict=False))
            if (len(free) >= self._least * period)
            else ()
        )

    def _grow(self, seeds: Pairs) -> Succession:
        """What follows from nodes following each other."""
        succession = Succession(self.signatures, self.users, self._flow.is_taken)
        succession.grow(seeds)
        return succession

    def _not_taken(self, orbits: Sequence[Orbit]) -> list[Orbit]:
        """The orbits of which no planned loop has a node."""
        return [o for o in orbits if not any(map(self._flow.is_taken, o.nodes))]

    def _plan(
        self, orbits: Sequence[Orbit], has_heavy: bool, are_reversed: bool = False
    ) -> Iterator[Loop]:
        """Loops around the cycles that have a heavy node themselves, or around the others."""
        cycles, copied = find_cycles(orbits), self._rows.bytes_copied
        beside = _beside(orbits, cycles)
        for cycle in cycles:
            if _has_heavy(cycle) != has_heavy:
                continue
            for schedule in schedule_cycle(cycle, self._least, copied):
                free = [group for group in beside if len(self._not_taken(group)) == len(group)]
                try:
                    loop = plan_loop(self._flow, cycle, free, schedule, copied)
                    if self._weighs and stacks_arguments(loop):
                        kept = orbits_worth_rolling(loop, cycle, self.users, self._is_output)
                        loop = narrow_loop(self._flow, cycle, loop, kept)
                except RefusedError as refusal:
                    self.refused.append(str(refusal))
                    continue
                if not any(is_heavy(orbit.nodes[0]) for orbit in loop.orbits):
                    continue
                loop = replace(loop, is_reversed=are_reversed)
                loop = replace(loop, is_reversed=self._rows.run_backwards(loop))
                self._take(loop)
                yield loop

    def _take(self, loop: Loop) -> None:
        """From now on the nodes of a loop are one, and what it gives lies in stacks."""
        self._flow.contract(loop.nodes())
        self._rows.add(loop)

    def in_order(self, loops: Sequence[Loop]) -> list[Loop]:
        """The loops, those that others depend on first."""
        view: nx.DiGraph[int] = nx.DiGraph()
        view.add_nodes_from(range(len(loops)))
        firsts = [loop.nodes()[0] for loop in loops]
        for i, loop in enumerate(loops):
            after = self._flow.after(loop.nodes(), firsts)
            view.add_edges_from(
                (i, j) for j, first in enumerate(firsts) if i != j and first in after
            )
        return [loops[i] for i in nx.lexicographical_topological_sort(view)]


def _side_by_side(nodes: Sequence[Node]) -> str:
    first = nodes[0]
    return (
        f"{len(nodes)} copies of {first.op.name} {first.name!r} do not depend on each other: "
        "on CPUs, one op or loop for all of them runs no faster"
    )


def _has_heavy(cycle: Sequence[Orbit]) -> bool:
    return any(is_heavy(orbit.nodes[0]) for orbit in cycle)


def _are_better(loops: Sequence[Loop], others: Sequence[Loop]) -> bool:
    """Whether the largest loop covers more heavy nodes; if about as many, whether more are spared.

    Two loops spare more than one, but where one covers more, the other is found afterwards.
    """
    largest, other = (
        max([loop.heavy_nodes() for loop in each], default=0) for each in (loops, others)
    )
    if abs(largest - other) * _ABOUT > max(largest, other):
        return largest > other
    return _spared(loops) > _spared(others)


def _spared(loops: Sequence[Loop]) -> tuple[int, int]:
    """How many heavy nodes, and how many nodes in all, loops stand for without their bodies."""
    orbits = [(orbit, loop.schedule.length - 1) for loop in loops for orbit in loop.orbits]
    heavy = sum([times for orbit, times in orbits if is_heavy(orbit.nodes[0])])
    return heavy, sum([times for _, times in orbits])


def _beside(orbits: Sequence[Orbit], cycles: Sequence[Sequence[Orbit]]) -> list[Sequence[Orbit]]:
    """What may run beside a cycle, operands first: orbits of none, cycles without heavy orbits."""
    heavy = {orbit for cycle in cycles if _has_heavy(cycle) for orbit in cycle}
    return [group for group in _operands_first(orbits) if heavy.isdisjoint(group)]


def _operands_first(orbits: Sequence[Orbit]) -> list[list[Orbit]]:
    """Orbits by themselves, and those of each cycle together."""
    view: nx.DiGraph[Orbit] = nx.DiGraph()
    view.add_nodes_from(orbits)
    view.add_edges_from((edge.source, edge.reader) for edge in inner_edges(orbits))
    condensed: Any = nx.condensation(view)
    place = {orbit: i for i, orbit in enumerate(orbits)}
    return [
        sorted(condensed.nodes[component]["members"], key=place.__getitem__)
        for component in nx.topological_sort(condensed)
    ]

"""Which nodes are one thing: convex groups of elementwise nodes around at most one heavy op.

A heavy op is a contraction (a matrix product, a convolution) or a reduction. One walk over the
graph, operands first, gives every node a *level*, and every elementwise node and heavy op a group;
all nodes of a group are on one level. Levels obey three rules:

1. no edge leads from a higher level to a lower one;
2. an edge from a group to a contraction, or to a node in no group, leads to a higher level;
3. an edge from a group to an elementwise node or a reduction leads to a higher level, or stays in
   the group.

So *a path that leaves a group never comes back*: its first edge out of the group leads to a higher
level, by rule 2 or 3, and no later edge leads down again, by rule 1. Every group is convex. The
same holds for a path through groups that are drawn together to one node each: it is no cycle.

A node whose operands are in groups on its own level therefore joins all of them or, where that may
not be (two heavy ops, too many nodes, several name scopes), begins a group one level higher. A
group that this node alone uses may be lifted to the node's level, and joins: its edges out are
those to the node, its edges in only get longer. That is how a product meets a bias that was there
before it. A single number that serves all elements of a larger operand is on a lower level: it is
computed once, for all groups that use it.

Two kinds of nodes come along without being sought:

* A *layout* node (a broadcast, a reshape, a transpose) is in no group at first. One walk back,
  users first, lets it join the group that holds all its users, and lifts it there: its operands
  are on lower levels, by rule 2, or in no group, and its edges out are inside.
* A *source* (a scalar constant, an iota), and what is laid out from sources alone, costs nothing.
  Every group that uses one may have its own, so that no path between groups leads through it.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.op import OpSpec, Trait

_ALONE: Final = (
    Trait.BARRIER | Trait.RANDOM | Trait.REGION | Trait.EFFECT | Trait.INTENT | Trait.HOST
)
_LAYOUT_OPS: Final = frozenset({"broadcast_in_dim", "reshape", "transpose", "reverse"})
"""Moves that read no more than they write: what cuts a part out would make a region's operands
larger than what it reads of them."""

_MIXED: Final = "/"
"""The scope of a group with nodes of several top-level scopes; no scope is called this."""


class Role(enum.Enum):
    """What an op can be in a group."""

    ELEMENTWISE = enum.auto()
    REDUCTION = enum.auto()
    CONTRACTION = enum.auto()
    LAYOUT = enum.auto()
    SOURCE = enum.auto()
    ALONE = enum.auto()


@functools.cache
def role_of(op: OpSpec) -> Role:
    """What an op can be in a group."""
    if op.has(_ALONE):
        return Role.ALONE
    if op.has(Trait.CONTRACTION):
        return Role.CONTRACTION
    if op.has(Trait.REDUCTION):
        return Role.REDUCTION
    if op.has(Trait.ELEMENTWISE):
        return Role.ELEMENTWISE
    if op.name in _LAYOUT_OPS:
        return Role.LAYOUT
    return Role.SOURCE if op.name in ("constant", "iota") else Role.ALONE


def _is_contraction(node: Node) -> bool:
    return role_of(node.op) is Role.CONTRACTION


class Group:
    """Nodes that a region may be made of.

    Attributes:
        members: elementwise nodes and the heavy one, in no order.
        layout: the layout nodes that only members and other layout nodes here use.
        heavy: the only contraction or reduction, if there is one.
        results: what is used outside, those that are outputs of the graph last.
        level: see the module's description.
        open: number of uses, as an operand or an output, that are not inside the group.
        scope: the top-level name scope of all members, or `_MIXED`; those without have any.
    """

    __slots__ = ("heavy", "layout", "level", "members", "open", "results", "scope")

    def __init__(self, node: Node, heavy: Node | None, level: int, opened: int, scope: str) -> None:
        self.members = [node]
        self.layout: list[Node] = []
        self.heavy = heavy
        self.results: list[Value] = []
        self.level = level
        self.open = opened
        self.scope = scope


@dataclass(frozen=True)
class Grouping:
    """The groups of a graph.

    Attributes:
        groups: every group, those of one node included, in the order of their first nodes.
        group_of: the group of a node; layout nodes that joined none have none.
        free: sources, and what is laid out from sources alone: every group may have its own.
    """

    groups: Sequence[Group]
    group_of: Mapping[Node, Group]
    free: AbstractSet[Node]


def group_nodes(graph: Graph, largest: int) -> Grouping:
    """Find the groups of a graph, in time linear in its edges.

    Args:
        graph: its regions are not looked at.
        largest: how many members a group may have.
    """
    grouper = _Grouper(graph, largest)
    grouper.assign_levels()
    grouper.collect()
    groups = list(dict.fromkeys(grouper.group_of.values()))
    return Grouping(groups, grouper.group_of, grouper.free)


def _top_scope(name: str) -> str:
    end = name.find("/")
    return name[:end] if end > 0 else ""


def _common(mine: str, theirs: str) -> str:
    """The top-level scope of two parts together; a part without a scope goes with any."""
    if mine == theirs or not theirs:
        return mine
    return _MIXED if mine else theirs


class _Grouper:
    """The tables of one walk."""

    def __init__(self, graph: Graph, largest: int) -> None:
        self.graph = graph
        self.largest = largest
        self.group_of: dict[Node, Group] = {}
        self.free: set[Node] = set()
        self.layout: list[Node] = []
        self.levels: dict[Node, int] = {}  # of nodes in no group; those on level 0 are left out
        self.uses = self._count_uses()

    def _count_uses(self) -> dict[Node, int]:
        """How often each node that an output needs is used, by such nodes or as an output."""
        uses: dict[Node, int] = {}
        for value in self.graph.outputs:
            uses[value.node] = uses.get(value.node, 0) + 1
        for node in reversed(self.graph.nodes):
            if node in uses:
                for value in node.inputs:
                    producer = value.node
                    uses[producer] = uses.get(producer, 0) + 1
        return uses

    def assign_levels(self) -> None:
        """Give every node its level, and elementwise nodes and heavy ones their groups."""
        uses, free = self.uses, self.free
        for node in self.graph.nodes:
            if node not in uses:
                continue
            role = role_of(node.op)
            if role is Role.ELEMENTWISE:
                self.join(node, None)
            elif role is Role.REDUCTION:
                self.join(node, node)
            elif role is Role.CONTRACTION:
                self.group_of[node] = Group(
                    node, node, self.level_outside(node), uses[node], _top_scope(node.name)
                )
            elif role is Role.SOURCE:
                if node.op.name == "iota" or not node.outputs[0].type.shape:
                    free.add(node)
            elif role is Role.LAYOUT and all(value.node in free for value in node.inputs):
                free.add(node)
            else:
                if role is Role.LAYOUT:
                    self.layout.append(node)
                if level := self.level_outside(node):
                    self.levels[node] = level

    def level_outside(self, node: Node) -> int:
        """The lowest level of a node that joins no group of an operand."""
        level = 0
        for value in node.inputs:
            producer = value.node
            group = self.group_of.get(producer)
            least = self.levels.get(producer, 0) if group is None else group.level + 1
            if least > level:
                level = least
        return level

    def join(self, node: Node, heavy: Node | None) -> None:
        """Put an elementwise node or a reduction into the groups of its operands, or a new one."""
        level = 0
        shape = node.outputs[0].type.shape
        edges: dict[Group, int] = {}  # from groups that the node may join
        for value in node.inputs:
            producer = value.node
            group = self.group_of.get(producer)
            if group is None:
                least = self.levels.get(producer, 0)
            elif heavy is not None or value.type.shape == shape:
                edges[group] = edges.get(group, 0) + 1
                least = group.level
            else:  # one number that serves all elements is computed before them
                least = group.level + 1
            if least > level:
                level = least
        own = Group(node, heavy, level, self.uses[node], _top_scope(node.name))
        if not edges:
            self.group_of[node] = own
            return
        joined = [group for group in edges if group.level == level]
        if joined and not self.fit(own, joined):
            own.level = level + 1
            joined = []
        for group, count in edges.items():
            if group.open == count and group not in joined and self.fit(own, [*joined, group]):
                joined.append(group)
        self.merge(own, joined, edges)

    def fit(self, own: Group, joined: Sequence[Group]) -> bool:
        """Whether groups may become one with a node's own."""
        heavy, scope, size = own.heavy is not None, own.scope, 1
        for group in joined:
            heavy += group.heavy is not None
            size += len(group.members)
            scope = _common(scope, group.scope)
        return heavy <= 1 and size <= self.largest and not (heavy and scope is _MIXED)

    def merge(self, own: Group, joined: Sequence[Group], edges: Mapping[Group, int]) -> None:
        """Make one group, the largest of them all, out of several."""
        home = own
        for group in joined:
            own.open -= edges[group]
            if len(group.members) >= len(home.members):
                home = group
        level, group_of = own.level, self.group_of
        for group in (own, *joined):
            if group is not home:
                home.open += group.open
                home.heavy = home.heavy or group.heavy
                home.scope = _common(home.scope, group.scope)
                home.members += group.members
                for member in group.members:
                    group_of[member] = home
        home.level = level
        if home is own:
            group_of[own.members[0]] = own

    def collect(self) -> None:
        """Add layout nodes to groups, and find what of each group is used outside."""
        group_of, uses = self.group_of, self.uses
        # The group of the users seen so far; a layout node that others use too is taken out.
        homes: dict[Node, Group | None] = dict.fromkeys(self.layout)
        results: dict[Value, Group] = {}
        for value in self.graph.outputs:
            homes.pop(value.node, None)
            if value.node in group_of:
                results[value] = group_of[value.node]
        for node in reversed(self.graph.nodes):
            if node not in uses:
                continue
            group = group_of.get(node)
            if group is None and (home := homes.get(node)) is not None:
                group = group_of[node] = home
                home.layout.append(node)
            # What a contraction reads stands in memory.
            is_contraction = group is not None and group.heavy is node and _is_contraction(node)
            user = None if is_contraction else group
            for value in node.inputs:
                producer = value.node
                if producer in homes:
                    if user is None or homes[producer] not in (None, user):
                        del homes[producer]
                    else:
                        homes[producer] = user
                else:
                    source = group_of.get(producer)
                    if source is not None and source is not group:
                        results[value] = source
        for value in reversed(results):
            results[value].results.append(value)

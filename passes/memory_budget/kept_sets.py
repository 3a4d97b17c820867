"""What to keep of a computation so that some of its values can be had again: a minimum cut.

A value that is wanted later is kept, or computed again from others that are. Keeping costs bytes,
computing costs time; at a rate between the two, the best choice is a minimum cut: between what is
only there while the computation runs, and what can be had afterwards (source: Chen and others,
"Training Deep Nets with Sublinear Memory Cost", 2016, asks the question; as a cut it is in
PyTorch's partitioner).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx

from graphc.ir.graph import topological_order
from graphc.ir.networkx_view import least_cut
from graphc.ir.node import Node, Value

Price = Callable[[Value], int]
"""Bytes that keeping a value takes; 0 where it is there anyway."""


@dataclass(frozen=True)
class KeptSet:
    """A choice.

    Attributes:
        kept: the values to keep.
        again: the nodes to compute again, operands first.
        bytes: what keeping takes.
        work: what computing takes, in about the unit of `work_of`.
        flops: the floating-point operations of it.
    """

    kept: frozenset[Value]
    again: tuple[Node, ...]
    bytes: int
    work: int
    flops: int


def choose_kept(
    wanted: Collection[Value],
    price: Price,
    rate: float,
    is_fixed: Callable[[Node], bool] = lambda node: node.op.name == "input",
) -> KeptSet:
    """The cheapest choice of what to keep.

    Args:
        wanted: the values to have again.
        price: of keeping a value; what costs nothing is kept.
        rate: how many bytes one unit of work is worth.
        is_fixed: whether a node cannot be computed again.
    """
    network: Any = nx.DiGraph()
    order = topological_order(list(wanted))
    work = {node: _told_apart(work_of(node), i / len(order)) for i, node in enumerate(order)}
    for node in order:
        if not is_fixed(node):
            network.add_edge("forth", node, capacity=round(rate * work[node]))
            for operand in node.inputs:
                network.add_edge((operand, "there"), node)
        for value in node.outputs:
            bytes_ = price(value)
            if not bytes_:
                continue
            network.add_edge(node if not is_fixed(node) else "forth", (value, "here"))
            network.add_edge((value, "here"), (value, "there"), capacity=bytes_)
    for value in wanted:
        network.add_edge((value, "there"), "back")
    if "forth" not in network:
        return _describe(wanted, frozenset(), price, work)
    _, kept = least_cut(
        network, "forth", "back", [value for node in order for value in node.outputs]
    )
    return _describe(wanted, kept, price, work)


def choices(wanted: Collection[Value], price: Price, limit: int = 24) -> list[KeptSet]:
    """The choices that are best at some rate: from keeping all that is dear to the least bytes."""
    ends = [choose_kept(wanted, price, rate) for rate in (1e6, 0.0)]
    found = {choice.kept: choice for choice in ends}
    pending = [tuple(ends)]
    while pending and len(found) < limit:
        dear, little = pending.pop(0)
        if little.bytes >= dear.bytes or little.work <= dear.work:
            continue
        between = choose_kept(
            wanted, price, (dear.bytes - little.bytes) / (little.work - dear.work)
        )
        if between.kept not in found:
            found[between.kept] = between
            pending += [(dear, between), (between, little)]
    return list(found.values())


def _told_apart(work: int, place: float) -> int:
    """The work of a node, a little more for later ones: of equal nodes one goes before the other.

    A cut takes all or none of what has the same price; in between there would be no choice.
    """
    return round(work * (1 + place / 4))


def _describe(
    wanted: Collection[Value], kept: frozenset[Value], price: Price, work: Mapping[Node, int]
) -> KeptSet:
    again = dict[Node, None]()
    read = set[Value]()
    pending = list(wanted)
    while pending:
        value = pending.pop()
        if value in read:
            continue
        read.add(value)
        if value not in kept and price(value):
            again[value.node] = None
            pending += value.node.inputs
    order = [node for node in topological_order(list(wanted)) if node in again]
    used = frozenset(value for value in kept if value in read)
    return KeptSet(
        kept=used,
        again=tuple(order),
        bytes=sum(price(value) for value in used),
        work=sum(work[node] for node in order),
        flops=sum(map(flops_of, order)),
    )


def bytes_of(value: Value) -> int:
    """The size of a value whose type is static."""
    size = value.type.byte_size
    assert isinstance(size, int), value
    return size


def flops_of(node: Node) -> int:
    """The floating-point operations of a node whose sizes are known."""
    if node.op.name == "input":
        return 0
    flops = node.op.cost_of(node.call).flops
    return flops if isinstance(flops, int) else 0


def work_of(node: Node) -> int:
    """What computing a node takes: its operations, and the bytes that it moves."""
    if node.op.name == "input":
        return 0
    cost = node.op.cost_of(node.call)
    return sum(part for part in cost if isinstance(part, int))

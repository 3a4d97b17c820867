"""Why heavy nodes of one op are in no loop: what tells them from those that look alike.

For the report. A node is compared with another of its op, if possible one that is in a loop: first
the two themselves, then, in step, what they read and what reads them, a few steps away.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence, Set
from typing import Final

from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.text import format_attributes
from passes.layer_rolling.node_signatures import Signatures, Users, is_heavy

_MOST_REASONS: Final = 8
_MOST_PAIRS: Final = 64
"""How many pairs of neighbours are compared: about a layer."""


def reasons_left_out(
    graph: Graph,
    signatures: Signatures,
    users: Users,
    is_taken: Callable[[Node], bool],
    least: int,
    explained: Set[Node] = frozenset(),
) -> list[str]:
    """A sentence for each kind of heavy node that is in no loop, though its op is there often.

    Args:
        graph: what was searched.
        signatures: of its nodes.
        users: of its nodes.
        is_taken: whether a node is in a loop.
        least: how many copies there must be.
        explained: nodes of which something is said already.
    """
    comparison = _Comparison(signatures, users)
    by_op: dict[str, list[Node]] = {}
    for node in graph.nodes:
        if signatures[node] and is_heavy(node):
            by_op.setdefault(node.op.name, []).append(node)
    found = (
        reason
        for nodes in by_op.values()
        if len(nodes) >= least
        for reason in _reasons(nodes, comparison, is_taken, explained)
    )
    return list(itertools.islice(found, _MOST_REASONS))


def _reasons(
    nodes: Sequence[Node],
    comparison: _Comparison,
    is_taken: Callable[[Node], bool],
    explained: Set[Node],
) -> Iterator[str]:
    """Reasons for nodes of one op, the same one only once."""
    kinds = Counter([comparison.signatures[node] for node in nodes if not is_taken(node)])
    rolled = [node for node in nodes if is_taken(node)]
    seen: set[str] = set()
    before: Node | None = None
    for node in nodes:
        if is_taken(node) or node in explained:
            continue
        kind = comparison.signatures[node]
        same = [other for other in rolled if comparison.signatures[other] == kind]
        # beside a copy in a loop, beside the copy before it, or beside any of another kind
        if same or rolled:
            candidates = same or rolled
            other = candidates[len(candidates) // 4]  # not the first, which begins otherwise
        elif before is not None:
            other = before
        else:
            other = next((n for n in nodes if comparison.signatures[n] != kind), None)
        before = node
        if other is None:
            continue
        what = comparison.difference(node, other)
        if what not in seen:
            seen.add(what)
            count = f" (one of {kinds[kind]})" if kinds[kind] > 1 else ""
            yield f"{_called(node)}{count} is no copy of {_called(other)}: {what}"


class _Comparison:
    """Compares nodes and their surroundings.

    Attributes:
        signatures: of the graph's nodes.
    """

    def __init__(self, signatures: Signatures, users: Users) -> None:
        self.signatures = signatures
        self._users = users

    def difference(self, node: Node, other: Node) -> str:
        """What tells two nodes apart; their own difference, or the nearest one around them."""
        pending = deque([(node, other)])
        seen = {(node, other)}
        while pending:
            mine, theirs = pending.popleft()
            if self.signatures[mine] != self.signatures[theirs] or mine.op is not theirs.op:
                own = _own_difference(mine, theirs)
                return own if mine is node else f"near them, {own}"
            if not self.signatures[mine]:
                own = _type_difference(mine.outputs, theirs.outputs)
                if own:
                    return f"they read {own}"
                continue
            if len(seen) < _MOST_PAIRS:
                pairs = list(self._neighbours(mine, theirs))
                pending += [pair for pair in pairs if pair not in seen]
                seen.update(pairs)
        return "they are connected otherwise with what is before and after them"

    def _neighbours(self, mine: Node, theirs: Node) -> Iterator[tuple[Node, Node]]:
        left_users, right_users = self._users[mine], self._users[theirs]
        if len(left_users) == len(right_users):
            for (left, place), (right, other) in zip(left_users, right_users, strict=True):
                if place == other:
                    yield left, right
        for left, right in zip(mine.inputs, theirs.inputs, strict=True):
            if left.node is not right.node:
                yield left.node, right.node


def _own_difference(mine: Node, theirs: Node) -> str:
    if mine.op is not theirs.op:
        return f"{_called(mine)} against {_called(theirs)}"
    if mine.attributes is not theirs.attributes:
        return (
            f"{mine.op.name} with {{{format_attributes(mine)}}} "
            f"against {{{format_attributes(theirs)}}}"
        )
    types = _type_difference(mine.inputs, theirs.inputs)
    return types or _type_difference(mine.outputs, theirs.outputs) or "their bodies differ"


def _type_difference(mine: Sequence[Value], theirs: Sequence[Value]) -> str:
    for left, right in itertools.zip_longest(mine, theirs):
        if left is None or right is None:
            return f"{len(mine)} values against {len(theirs)}"
        if left.type is not right.type:
            return f"{left.type} against {right.type}"
    return ""


def _called(node: Node) -> str:
    return f"{node.op.name} {node.name!r}" if node.name else node.op.name

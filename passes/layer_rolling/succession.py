"""Which node comes one block later: a partial map of a graph into itself, grown in lock step.

If `u` of one block goes with `v` of the next, then so do their operands, position by position, and
their users, where it is clear which goes with which. From a few pairs of heavy nodes the map grows
over whole blocks. Following it gives *orbits*: the copies of one node, in the order of the blocks.

Growth knows nothing of where a block begins: what only looks like a part of one (an embedding's sum
before the first block, a normalisation after the last) becomes the first or last element of an
orbit, and is cut off when a window is chosen.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Final

from graphc.ir.node import Node
from passes.layer_rolling.node_signatures import Signatures, Users

_MOST_CANDIDATES: Final = 12
"""How many users of one kind are told apart by their other operands: pairs are compared."""


class Succession:
    """The map: `following[u]` comes one block after `u`."""

    def __init__(
        self, signatures: Signatures, users: Users, is_taken: Callable[[Node], bool]
    ) -> None:
        self.following: dict[Node, Node] = {}
        self.preceding: dict[Node, Node] = {}
        self._signatures = signatures
        self._users = users
        self._is_taken = is_taken
        self._parents: dict[Node, Node] = {}
        self._pairs: deque[tuple[Node, Node]] = deque()

    def grow(self, seeds: Iterable[tuple[Node, Node]]) -> None:
        """Add pairs, and all that follows from them."""
        for u, v in seeds:
            self._match(u, v)
        undecided: dict[tuple[Node, Node], None] = {}
        while True:
            while self._pairs:
                u, v = self._pairs.popleft()
                self._match_operands(u, v)
                if not self._match_users(u, v):
                    undecided[u, v] = None
            # what was unclear may be clear by now, from the other operands of the users
            undecided = {pair: None for pair in undecided if not self._match_users(*pair)}
            if not self._pairs:
                return

    def users_of(self, node: Node) -> Iterator[Node]:
        """The nodes that read a node, once for each operand."""
        return (user for user, _ in self._users[node])

    def _match(self, u: Node, v: Node) -> bool:
        """Let `v` follow `u`, if nothing speaks against it."""
        if self.following.get(u) is v:
            return True
        if u in self.following or v in self.preceding or not self._alike(u, v):
            return False
        root, other = self._root(u), self._root(v)
        if root is other:  # a circle of copies
            return False
        self._parents[root] = other
        self.following[u] = v
        self.preceding[v] = u
        self._pairs.append((u, v))
        return True

    def _root(self, node: Node) -> Node:
        parents = self._parents
        while (parent := parents.get(node)) is not None:
            above = parents.get(parent)
            if above is not None:
                parents[node] = above
            node = parent
        return node

    def _alike(self, u: Node, v: Node) -> bool:
        """Whether two nodes are of one kind and no operand of theirs is known to be in the way."""
        signature = self._signatures[u]
        if u is v or not signature or signature != self._signatures[v]:
            return False
        if self._is_taken(u) or self._is_taken(v):
            return False
        following, preceding = self.following, self.preceding
        for mine, theirs in zip(u.inputs, v.inputs, strict=True):
            if mine is theirs:
                continue
            known, back = following.get(mine.node), preceding.get(theirs.node)
            if known is None and (back is None or not self._signatures[mine.node]):
                continue  # the first block may read an input in place of what a block gives
            if known is not theirs.node or mine.index != theirs.index:
                return False
        return True

    def _match_operands(self, u: Node, v: Node) -> None:
        for mine, theirs in zip(u.inputs, v.inputs, strict=True):
            if mine is not theirs and mine.index == theirs.index:
                self._match(mine.node, theirs.node)

    def _match_users(self, u: Node, v: Node) -> bool:
        """Pair the users of two nodes; whether no pair was left open."""
        mine = self._free_users(u, self.following)
        theirs = self._free_users(v, self.preceding)
        is_decided = True
        for kind, candidates in mine.items():
            others = theirs.get(kind)
            if others is None:
                continue
            if len(candidates) == len(others) == 1:
                self._match(candidates[0], others[0])
            elif max(len(candidates), len(others)) <= _MOST_CANDIDATES:
                is_decided = self._match_by_operands(candidates, others) and is_decided
        return is_decided

    def _match_by_operands(self, candidates: Sequence[Node], others: Sequence[Node]) -> bool:
        fits = {x: [y for y in others if self._alike(x, y)] for x in candidates}
        is_decided = True
        for x, found in fits.items():
            if len(found) == 1 and sum(found[0] in each for each in fits.values()) == 1:
                self._match(x, found[0])
            elif found:
                is_decided = False
        return is_decided

    def _free_users(
        self, node: Node, taken: dict[Node, Node]
    ) -> dict[tuple[int, int, int], list[Node]]:
        """Users that have no partner yet, by signature, position and which result they use."""
        found: dict[tuple[int, int, int], list[Node]] = {}
        for user, position in self._users[node]:
            if user not in taken and (signature := self._signatures[user]):
                index = user.inputs[position].index
                found.setdefault((signature, position, index), []).append(user)
        return found


def orbits_of(succession: Succession) -> list[list[Node]]:
    """The copies of each node, in the order of the blocks.

    Where the operands of two neighbours do not go with each other, though those of most neighbours
    do, the chain of blocks is broken, and so is the orbit: where layers begin again with the same
    weights, say. At either end of an orbit that is as it should be: the first block reads what no
    block before it made.
    """
    following = dict(succession.following)
    chains = [_follow(node, following) for node in following if node not in succession.preceding]
    places = {node: chain for chain in chains for node in chain}
    starts: set[Node] = set()
    pending = chains
    while pending:
        cut = [pair for orbit in pending for pair in _breaks(orbit, following)]
        broken = {id(orbit): orbit for orbit in (places[u] for u, _ in cut)}
        starts.update(v for _, v in cut)
        for u, _ in cut:
            del following[u]
        for orbit in broken.values():
            for piece in _split(orbit, starts):
                places.update(dict.fromkeys(piece, piece))
        # only what reads across a new break can break in turn, and what is left of the orbits
        near = [node for pair in cut for node in pair]
        near += [user for u, _ in cut for user in succession.users_of(u) if user in places]
        pending = list({id(orbit): orbit for orbit in (places[node] for node in near)}.values())
    return [*_pieces(chains, starts)] if starts else chains


def _pieces(chains: Sequence[list[Node]], starts: Set[Node]) -> Iterator[list[Node]]:
    """The pieces of chains, broken where most of their length are if that is but a block away.

    A break says where weights begin again, not where the block does: what lies between the last
    value of one block and the first weight of the next would go with the one before.
    """
    breaks = [tuple([i for i, n in enumerate(chain) if i and n in starts]) for chain in chains]
    votes: dict[int, Counter[tuple[int, ...]]] = {}
    for chain, places in zip(chains, breaks, strict=True):
        votes.setdefault(len(chain), Counter())[places] += 1
    for chain, places in zip(chains, breaks, strict=True):
        voted = votes[len(chain)]
        (usual, count), *_ = voted.most_common(1)
        follows = _are_near(places, usual) if places else 2 * count > voted.total()
        for start, end in itertools.pairwise((0, *(usual if follows else places), len(chain))):
            yield chain[start:end]


def _are_near(places: Sequence[int], others: Sequence[int]) -> bool:
    """Whether each place is next to one of the others, and each of those to one of these."""
    return all(
        any(abs(mine - other) <= 1 for other in right)
        for left, right in ((places, others), (others, places))
        for mine in left
    )


def _split(orbit: Sequence[Node], starts: Set[Node]) -> list[list[Node]]:
    """The pieces of an orbit: each begins at a start."""
    pieces: list[list[Node]] = [[]]
    for node in orbit:
        if node in starts and pieces[-1]:
            pieces.append([])
        pieces[-1].append(node)
    return pieces


def _follow(node: Node, following: Mapping[Node, Node]) -> list[Node]:
    chain = [node]
    while (after := following.get(chain[-1])) is not None:
        chain.append(after)
    return chain


def _breaks(orbit: Sequence[Node], following: Mapping[Node, Node]) -> set[tuple[Node, Node]]:
    """The neighbours, not at the ends, whose operands do not go with each other."""
    pairs = list(itertools.pairwise(orbit))
    if len(pairs) < 3:
        return set()
    found: set[tuple[Node, Node]] = set()
    for position in range(len(orbit[0].inputs)):
        apart = [
            pair
            for pair in pairs
            if (mine := pair[0].inputs[position]) is not (theirs := pair[1].inputs[position])
            and (following.get(mine.node) is not theirs.node or mine.index != theirs.index)
        ]
        if 2 * len(apart) <= len(pairs):
            found.update(apart)
    return found.difference((pairs[0], pairs[-1]))

"""How attention is cut into blocks of queries alone, for chips that want large products.

A block is all examples and heads at once, and all keys that its queries may see. Where order or
distance hides keys, the queries are cut into segments first, whose blocks read no more keys than
the segment sees: of causal logits four of them leave 5/8.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from graphc.ir.node import Node
from passes.attention_legalization.block_plan import cut_evenly
from passes.attention_sizes import logits_bytes

BLOCK_BYTES: Final = 32 * 2**20
"""What the logits of a block take: about what a GPU caches (each half of an H100 25 MiB), and
enough for all its cores."""

LEAST_QUERIES: Final = 64
"""Fewer leave the matrix units of a GPU idle: they multiply 64 rows at a time."""

_PARTS: Final = 4
"""How many segments; and no block has more queries than one of them, or it would save little."""

_NEVER_COUNTS: Final = -1e9
"""From which logit on, downwards, hidden keys have no weight beside any other."""


@dataclass(frozen=True)
class Segment:
    """Queries whose blocks read the same keys.

    Attributes:
        queries: their places.
        keys: those of the keys.
        blocks: how many blocks; the last may be filled up.
        block: how many queries a block has.
    """

    queries: range
    keys: range
    blocks: int
    block: int


@dataclass(frozen=True)
class QueryBlocks:
    """How large blocks of queries are.

    Attributes:
        block_bytes: what the logits of a block should take.
        least_queries: how many queries a block has at least.
    """

    block_bytes: int = BLOCK_BYTES
    least_queries: int = LEAST_QUERIES

    def divide(self, node: Node) -> bool:
        """Whether there is more than one block; what a block holds is not cut again."""
        queries: Any = node.inputs[0].type.shape[1]
        return queries > self.least_queries and logits_bytes(node) > self.block_bytes

    def segments(self, node: Node) -> list[Segment]:
        """The segments of a node whose sizes are numbers and not 0, by the places of queries."""
        sizes: Any = [node.inputs[position].type.shape[1] for position in (0, 1)]
        queries, keys = sizes
        most = -(-queries // _PARTS)
        is_cut = most >= self.least_queries and _only_seen_keys_count(node)
        count = _PARTS if is_cut else 1
        ends = [queries * number // count for number in range(count + 1)]
        found: list[Segment] = []
        for start, end in pairwise(ends):
            places = range(start, end)
            read = _seen_keys(node, places, keys) if is_cut else range(keys)
            query_bytes = logits_bytes(node) // (queries * keys) * len(read)
            size = max(min(self.block_bytes // query_bytes, most), self.least_queries)
            found.append(Segment(places, read, *cut_evenly(len(places), size)))
        return found


def has_order(node: Node) -> bool:
    """Whether keys are hidden from a query by their places."""
    attributes = node.attributes
    return attributes["is_causal"] or attributes["local_window_size"] is not None


def _only_seen_keys_count(node: Node) -> bool:
    """Whether each query certainly sees some key by order, beside which no hidden one has weight.

    A mask or a bias may leave a query nothing else than hidden keys: then all of them count.
    """
    is_gradient = node.op.name == "attention_gradient"
    if not has_order(node) or len(node.inputs) - is_gradient > 3:
        return False
    hidden = node.attributes["hidden_logit"]
    if hidden is not None and hidden > _NEVER_COUNTS:
        return False
    queries, keys = (node.inputs[position].type.shape[1] for position in (0, 1))
    return node.attributes["local_window_size"] is None or queries <= keys


def _seen_keys(node: Node, queries: range, keys: int) -> range:
    """The keys that some of these queries see by order and distance."""
    first, end = 0, keys
    if node.attributes["is_causal"]:
        end = min(end, queries.stop)
    if (window := node.attributes["local_window_size"]) is not None:
        before, after = window
        first = max(first, queries.start - before)
        end = min(end, queries.stop + after)
    return range(first, end)

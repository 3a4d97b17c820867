"""Which keys a query may look at: masks of queries and of keys, causal order, a sliding window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphc.dimensions import Dimension
from graphc.dtypes import BOOL, I32
from graphc.ops.arithmetic import absolute, subtract
from graphc.ops.casting import cast
from graphc.ops.comparison import greater_equal, less, logical_and
from graphc.ops.creation import iota
from graphc.ops.shaping import expand_dims
from graphc.ops.tensor import Tensor


@dataclass(frozen=True)
class Visibility:
    """What limits a query.

    Attributes:
        mask: bool, broadcasts with [batch, queries, keys], or with heads before the queries; None
            where nothing is masked.
        is_causal: whether query i looks only at keys up to i, counted from 0 for both.
        window: how many keys it sees on either side, its own position included; None for all.
    """

    mask: Tensor | None
    is_causal: bool
    window: int | None

    @property
    def has_gaps(self) -> bool:
        """Whether there may be a query that sees no key."""
        return self.mask is not None or self.window is not None

    def joined(self, queries: Dimension, keys: Dimension) -> Tensor | None:
        """All limits in one mask: bool[…, queries, keys]; None where there are none."""
        conditions = [] if self.mask is None else [self.mask]
        if self.is_causal or self.window is not None:
            query = expand_dims(iota(queries, I32), -1)
            key = expand_dims(iota(keys, I32), 0)
            if self.is_causal:
                conditions.append(greater_equal(query, key))
            if self.window is not None:
                conditions.append(less(absolute(subtract(query, key)), self.window))
        return all_of(conditions)


def all_of(conditions: Sequence[Tensor]) -> Tensor | None:
    """Where all of them hold; None for none."""
    joined: Tensor | None = None
    for condition in conditions:
        joined = condition if joined is None else logical_and(joined, condition)
    return joined


def mask_of_steps(
    query_mask: Tensor | None, key_masks: Sequence[Tensor | None], attention_mask: Tensor | None
) -> Tensor | None:
    """One mask of three kinds: bool, broadcasts with [batch, queries, keys].

    Args:
        query_mask: which queries count: [batch, queries].
        key_masks: which keys count, by several accounts: [batch, keys].
        attention_mask: which keys a query may look at, [batch, queries, keys], or with an axis of
            heads before the queries; not 0 where it may.
    """
    conditions: list[Tensor] = []
    if query_mask is not None:
        conditions.append(expand_dims(as_truth(query_mask), -1))
    conditions += [expand_dims(as_truth(mask), -2) for mask in key_masks if mask is not None]
    steps = all_of(conditions)
    if attention_mask is None:
        return steps
    given = as_truth(attention_mask)
    if steps is None:
        return given
    return logical_and(given, with_heads(steps, given.ndim))


def as_truth(mask: Tensor) -> Tensor:
    """A mask of any element type: True where it is not 0."""
    return mask if mask.dtype is BOOL else cast(mask, BOOL)


def with_heads(mask: Tensor, rank: int, before: int = 2) -> Tensor:
    """A mask with axes of size 1 before its last ones, until it has so many."""
    for _ in range(rank - mask.ndim):
        mask = expand_dims(mask, -before - 1)
    return mask

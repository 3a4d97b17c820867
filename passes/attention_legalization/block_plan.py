"""How an attention is cut: blocks of queries, blocks of keys, and the layout that loops read.

Letters of shapes, beside those of the op (B examples, T queries, S keys, N heads of queries, K of
keys, G = N / K, H and V sizes): P = B * K pairs of an example and a head of keys, C blocks of
queries, D blocks of keys, R rows of a block: its queries, for each of G heads in turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from graphc.dtypes import BOOL, DType
from graphc.ir.builder import Builder
from graphc.ir.node import Node, Value
from graphc.ir.op import OpCall
from graphc.opset.attention.signature import computed_in, find_extras, hidden_logit, sizes_of

ROWS: Final = 512
"""Queries and keys of a block: 512 x 512 floats fill a core's own cache, and a product of that
size keeps it busy (measured beside 128 and 256)."""


@dataclass(frozen=True)
class BlockPlan:
    """An attention whose sizes are known, and its blocks.

    Attributes:
        B, T, S, N, K, G, H, V: the sizes.
        query_block: queries of a block.
        key_block: keys of a block.
        query_blocks: how many blocks of queries; the last may be filled up.
        key_blocks: how many blocks of keys.
        dtype: of the operands.
        wide: what the softmax is computed in.
        bias: the position of the bias among the operands.
        mask: that of the mask.
        scale: of the logits.
        is_causal: whether a query sees no later keys.
        window: how many keys before and after it a query sees.
        hidden_logit: what stands for the logit of a key that a query does not see.
        precision: of every product.
    """

    B: int
    T: int
    S: int
    N: int
    K: int
    G: int
    H: int
    V: int
    query_block: int
    key_block: int
    query_blocks: int
    key_blocks: int
    dtype: DType
    wide: DType
    bias: int | None
    mask: int | None
    scale: float
    is_causal: bool
    window: tuple[int, int] | None
    hidden_logit: float
    precision: str | None

    @property
    def pairs(self) -> int:
        return self.B * self.K

    @property
    def rows(self) -> int:
        return self.G * self.query_block

    @property
    def skips(self) -> bool:
        """Whether some blocks of keys are hidden from a block of queries by their places alone."""
        return self.is_causal or self.window is not None

    @property
    def pads_keys(self) -> bool:
        return self.key_blocks * self.key_block != self.S

    @property
    def extras(self) -> dict[str, int]:
        """The positions of bias and mask, where there are any."""
        given = {"bias": self.bias, "mask": self.mask}
        return {name: place for name, place in given.items() if place is not None}

    # --- layout -----------------------------------------------------------------------------------

    def split_queries(self, build: Builder, x: Value) -> Value:
        """[B, T, N, X] as [P, C, R, X]."""
        size = x.type.shape[3]
        x = filled_up(build, x, {1: self.query_blocks * self.query_block})
        x = build.reshape(
            x, shape=(self.B, self.query_blocks, self.query_block, self.K, self.G, size)
        )
        x = build.transpose(x, permutation=(0, 3, 1, 4, 2, 5))
        return build.reshape(x, shape=(self.pairs, self.query_blocks, self.rows, size))

    def join_queries(self, build: Builder, x: Value) -> Value:
        """[P, C, R, X] as [B, T, N, X], as narrow as the operands."""
        size = x.type.shape[3]
        x = _as(build, x, self.dtype)
        x = build.reshape(
            x, shape=(self.B, self.K, self.query_blocks, self.G, self.query_block, size)
        )
        x = build.transpose(x, permutation=(0, 2, 4, 1, 3, 5))
        whole = self.query_blocks * self.query_block
        return _cut(build, build.reshape(x, shape=(self.B, whole, self.N, size)), {1: self.T})

    def split_keys(self, build: Builder, x: Value) -> Value:
        """[B, S, K, X] as [P, D, keys, X]."""
        size = x.type.shape[3]
        x = filled_up(build, x, {1: self.key_blocks * self.key_block})
        x = build.transpose(x, permutation=(0, 2, 1, 3))
        return build.reshape(x, shape=(self.pairs, self.key_blocks, self.key_block, size))

    def join_keys(self, build: Builder, x: Value) -> Value:
        """[P, D, keys, X] as [B, S, K, X], as narrow as the operands."""
        size = x.type.shape[3]
        whole = self.key_blocks * self.key_block
        x = build.reshape(_as(build, x, self.dtype), shape=(self.B, self.K, whole, size))
        return _cut(build, build.transpose(x, permutation=(0, 2, 1, 3)), {1: self.S})

    def fill_extra(self, build: Builder, x: Value) -> Value:
        """A bias or a mask with whole blocks along the axes along which it is not repeated."""
        whole = {
            axis: count * block
            for axis, count, block in (
                (2, self.query_blocks, self.query_block),
                (3, self.key_blocks, self.key_block),
            )
            if x.type.shape[axis] != 1
        }
        # a query that fills a block up sees all keys: one that saw none would take longest
        return filled_up(build, x, whole, x.type.dtype is BOOL)

    def cut_extra(self, build: Builder, x: Value, like: Value) -> Value:
        """The inverse of `fill_extra`, as narrow as the bias."""
        shape = like.type.shape
        return _cut(build, _as(build, x, like.type.dtype), {2: shape[2], 3: shape[3]})


def plan_blocks(node: Node, operand_count: int, size: int = ROWS) -> BlockPlan:
    """The plan for a node of attention or of its gradient, whose sizes are numbers and not 0.

    Args:
        node: the node.
        operand_count: the number of its operands that attention takes.
        size: how many rows and keys a block should have.
    """
    types = tuple([value.type for value in node.inputs[:operand_count]])
    call = OpCall(node.op, types, node.attributes)
    sizes: Any = sizes_of(types)
    extras = find_extras(call, operand_count)
    is_causal, window = node.attributes["is_causal"], node.attributes["local_window_size"]
    most = max(size // sizes.G, 1)
    if is_causal or window is not None:
        # short sequences in several blocks, or there would be nothing to skip
        most = min(most, max(size // 4, -(-sizes.T // 4)))
    wide = computed_in(types[0].dtype)
    query_blocks, query_block = cut_evenly(sizes.T, most)
    few = size * size // (query_block * sizes.G)
    key_blocks, key_block = cut_evenly(sizes.S, size if window is not None else max(size, few))
    return BlockPlan(
        **sizes._asdict(),
        query_block=query_block,
        key_block=key_block,
        query_blocks=query_blocks,
        key_blocks=key_blocks,
        dtype=types[0].dtype,
        wide=wide,
        bias=extras.bias,
        mask=extras.mask,
        scale=node.attributes["scale"],
        is_causal=is_causal,
        window=window,
        hidden_logit=hidden_logit(node.attributes, wide.numpy),
        precision=node.attributes["precision"],
    )


def cut_evenly(size: int, most: int) -> tuple[int, int]:
    """How many blocks of at most that size, and how large: the last is nearly full."""
    count = -(-size // most)
    return count, -(-size // count)


def _as(build: Builder, x: Value, dtype: DType) -> Value:
    return x if x.type.dtype is dtype else build.convert(x, dtype=dtype)


def filled_up(build: Builder, x: Value, sizes: dict[int, int], number: Any = 0) -> Value:
    """An array made as long as it is said along some axes, with a number behind its own."""
    more = [sizes.get(axis, size) - size for axis, size in enumerate(x.type.shape)]  # type: ignore[operator]
    if not any(more):
        return x
    none = [0] * len(more)
    filler = build.full(np.asarray(number), x.type.dtype)
    return build.pad(x, filler, low=none, high=more, interior=none)


def _cut(build: Builder, x: Value, sizes: dict[int, Any]) -> Value:
    limits = tuple([sizes.get(axis, size) for axis, size in enumerate(x.type.shape)])
    if limits == x.type.shape:
        return x
    return build.slice(
        x, start_indices=[0] * len(limits), limit_indices=limits, strides=[1] * len(limits)
    )

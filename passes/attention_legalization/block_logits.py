"""One block of logits, and which blocks of keys a block of queries looks at.

Names in loops: `pair` and `block` number the pair of example and head of keys, and the block of
queries; `q`, `k`, `v` hold the queries of a block and all keys and values of a pair.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphc.dtypes import I32
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.opset.attention.signature import seen_by_place
from passes.attention_legalization.block_plan import BlockPlan
from passes.attention_legalization.named_loops import Named, at


def product(build: Builder, plan: BlockPlan, x: Value, y: Value, axes: tuple[int, int]) -> Value:
    """A matrix product, as wide as the softmax."""
    return build.dot_general(
        x,
        y,
        lhs_contracting=axes[:1],
        rhs_contracting=axes[1:],
        precision=plan.precision,
        preferred_element_type=plan.wide,
    )


def along_rows(build: Builder, x: Value, like: Value) -> Value:
    """One number per row, at each place of the row."""
    return build.broadcast_in_dim(x, shape=like.type.shape, broadcast_dimensions=(0,))


def logits(
    build: Builder, plan: BlockPlan, names: Named, key_number: Value
) -> tuple[Value, Value | None]:
    """The logits of a block of queries and one of keys, [R, keys], and where they are seen."""
    keys = at(build, names["k"], key_number)
    found = product(build, plan, names["q"], keys, (1, 1))
    found = build.multiply(found, build.full_like(found, plan.scale))
    if plan.bias is not None:
        bias = part_of_extra(build, plan, names, "bias", key_number)
        if bias.type.dtype is not plan.wide:
            bias = build.convert(bias, dtype=plan.wide)
        found = build.add(found, _repeated(build, plan, bias))
    allowed: Value | None = None
    for condition in _conditions(build, plan, names, key_number):
        allowed = condition if allowed is None else build.and_(allowed, condition)
    if allowed is not None:
        found = build.select(allowed, found, build.full_like(found, plan.hidden_logit))
    if plan.pads_keys:  # what fills the last block up has no weight at all
        place = _key_places(build, plan, key_number)
        real = build.compare(place, build.full_like(place, plan.S), direction="LT")
        found = build.select(_rows(build, plan, real), found, build.full_like(found, -np.inf))
    return found, allowed


def _conditions(
    build: Builder, plan: BlockPlan, names: Named, key_number: Value
) -> Sequence[Value]:
    found: list[Value] = []
    if plan.mask is not None:
        mask = part_of_extra(build, plan, names, "mask", key_number)
        found.append(_repeated(build, plan, mask))
    if plan.skips:
        key = _key_places(build, plan, key_number)
        query = _places(build, plan, names["block"], plan.query_block, axis=1)
        seen = seen_by_place(build, query, key, plan.is_causal, plan.window)
        found += [_rows(build, plan, each) for each in seen]
    return found


def _key_places(build: Builder, plan: BlockPlan, key_number: Value) -> Value:
    return _places(build, plan, key_number, plan.key_block, axis=2)


def _places(build: Builder, plan: BlockPlan, number: Value, size: int, axis: int) -> Value:
    """Where along the sequence the positions of a block stand: i32[G, queries, keys]."""
    shape = (plan.G, plan.query_block, plan.key_block)
    place = build.iota(dtype=I32, shape=shape, iota_dimension=axis)
    first = build.multiply(number, build.full(size, I32))
    return build.add(place, build.broadcast_in_dim(first, shape=shape, broadcast_dimensions=()))


def _rows(build: Builder, plan: BlockPlan, x: Value) -> Value:
    """[G, queries, keys] as [R, keys]."""
    return build.reshape(x, shape=(plan.rows, plan.key_block))


def _repeated(build: Builder, plan: BlockPlan, x: Value) -> Value:
    """[G, queries, keys], any of which may be 1, as [R, keys]."""
    shape = (plan.G, plan.query_block, plan.key_block)
    if x.type.shape != shape:
        kept = [axis for axis in range(3) if x.type.shape[axis] == shape[axis]]
        x = build.reshape(x, shape=tuple([shape[axis] for axis in kept]))
        x = build.broadcast_in_dim(x, shape=shape, broadcast_dimensions=kept)
    return _rows(build, plan, x)


# --- bias and mask ----------------------------------------------------------------------------


def extra_starts(
    build: Builder, plan: BlockPlan, names: Named, extra: Value, key_number: Value
) -> list[Value]:
    """Where the part of a bias or a mask that belongs to a block starts: one i32[] per axis."""
    zero, pair = build.full(0, I32), names["pair"]
    heads = build.full(plan.K, I32)
    places = (
        (build.divide(pair, heads), 1),
        (build.remainder(pair, heads), plan.G),
        (names["block"], plan.query_block),
        (key_number, plan.key_block),
    )
    return [
        zero if size == 1 else build.multiply(number, build.full(step, I32))
        for size, (number, step) in zip(extra.type.shape, places, strict=True)
    ]


def part_shape(plan: BlockPlan, extra: Value) -> tuple[int, int, int]:
    """The sizes of that part, without examples: [G, queries, keys], any of which may be 1."""
    _, *sizes = extra.type.shape
    blocks = (plan.G, plan.query_block, plan.key_block)
    one, two, three = (1 if size == 1 else block for size, block in zip(sizes, blocks, strict=True))
    return one, two, three


def part_of_extra(
    build: Builder, plan: BlockPlan, names: Named, name: str, key_number: Value
) -> Value:
    """The part of a bias or a mask that belongs to a block."""
    extra = names[name]
    shape = part_shape(plan, extra)
    starts = extra_starts(build, plan, names, extra, key_number)
    part = build.dynamic_slice(extra, *starts, slice_sizes=(1, *shape))
    return build.reshape(part, shape=shape)


# --- which blocks of keys -----------------------------------------------------------------------


def seen_blocks(build: Builder, plan: BlockPlan, block: Value) -> tuple[Value, Value]:
    """The first block of keys that a block of queries may see, and how many: i32[] each."""

    def number(value: int) -> Value:
        return build.full(value, I32)

    start = build.multiply(block, number(plan.query_block))
    first, last = number(0), number(plan.S - 1)
    limits: list[int] = [0] if plan.is_causal else []
    if plan.window is not None:
        before, after = plan.window
        limits.append(after)
        earliest = build.maximum(build.subtract(start, number(before)), first)
        first = build.divide(build.minimum(earliest, last), number(plan.key_block))
    end = build.add(start, number(plan.query_block - 1))
    for limit in limits:
        last = build.minimum(last, build.add(end, number(limit)))
    count = build.subtract(build.divide(last, number(plan.key_block)), first)
    return first, build.maximum(build.add(count, number(1)), number(1))


def number_of_key_block(build: Builder, plan: BlockPlan, names: Named) -> Value:
    """The block of keys of a round: from the first that is seen on, then the others."""
    number = build.add(names["first"], names["round"])
    count = build.full(plan.key_blocks, I32)
    over = build.compare(number, count, direction="GE")
    return build.select(over, build.subtract(number, count), number)


def sees_little(build: Builder, plan: BlockPlan, maximum: Value) -> Value:
    """Whether some query's greatest logit leaves a weight to hidden keys: bool[].

    What is hidden counts where nothing else is seen: all blocks must be looked at then.
    """
    # the exponential of less than that is 0
    least = -104.0 if plan.wide.itemsize == 4 else -746.0
    enough = build.full_like(maximum, plan.hidden_logit - least)
    found: Value = build.reduce_or(build.compare(maximum, enough, direction="LE"), axes=(0,))
    return found

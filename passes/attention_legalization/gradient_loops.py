"""The cotangents of attention by blocks: weights are computed again, block by block.

From the maximum and the total of each query's exponentials a weight is found without its row; what
the softmax subtracts, the sum of weights times their cotangents, is the product of result and
cotangent (Dao and others 2022, https://arxiv.org/abs/2205.14135, appendix B).
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.dtypes import I32
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from passes.attention_legalization.block_logits import (
    along_rows,
    extra_starts,
    logits,
    number_of_key_block,
    part_shape,
    product,
    seen_blocks,
    sees_little,
)
from passes.attention_legalization.block_plan import BlockPlan
from passes.attention_legalization.forward_loops import Forward, filled_extras
from passes.attention_legalization.named_loops import (
    Named,
    add_at,
    at,
    count_while,
    numbers,
    scan,
    zeros,
)


def gradient(
    build: Builder, plan: BlockPlan, operands: Sequence[Value], forward: Forward, ct: Value
) -> list[Value]:
    """The cotangents of query, key, value and, where there is one, bias.

    Args:
        build: makes the nodes.
        plan: the blocks.
        operands: those of attention.
        forward: what attention gave.
        ct: the cotangent of its result.
    """
    query, key, value = operands[:3]
    slices = {
        "q": plan.split_queries(build, query),
        "k": plan.split_keys(build, key),
        "v": plan.split_keys(build, value),
        "ct": plan.split_queries(build, ct),
        "result": forward.result,
        "maximum": forward.maximum,
        "total": forward.total,
        "pair": numbers(build, plan.pairs),
    }
    extras = filled_extras(build, plan, operands)
    carries: Named = {}
    if plan.bias is not None:
        carries["for_bias"] = build.full(0, plan.wide, extras["bias"].type.shape)
    found = scan(
        build,
        lambda build, names: _one_pair(build, plan, names),
        plan.pairs,
        carries=carries,
        slices=slices,
        invariants=extras,
    )
    cotangents = [
        plan.join_queries(build, found["for_q"]),
        plan.join_keys(build, found["for_k"]),
        plan.join_keys(build, found["for_v"]),
    ]
    if plan.bias is not None:
        cotangents.append(plan.cut_extra(build, found["for_bias"], operands[plan.bias]))
    return cotangents


_OF_QUERIES = ("q", "ct", "result", "maximum", "total")


def _one_pair(build: Builder, plan: BlockPlan, names: Named) -> Named:
    carries = {
        "for_k": zeros(build, plan.wide, plan.key_blocks, plan.key_block, plan.H),
        "for_v": zeros(build, plan.wide, plan.key_blocks, plan.key_block, plan.V),
    }
    if "for_bias" in names:
        carries["for_bias"] = names["for_bias"]
    slices = {name: names[name] for name in _OF_QUERIES}
    found = scan(
        build,
        lambda build, names: _block_of_queries(build, plan, names),
        plan.query_blocks,
        carries=carries,
        slices={**slices, "block": numbers(build, plan.query_blocks)},
        invariants={k: v for k, v in names.items() if k not in slices and k not in carries},
    )
    for name in ("for_q", "for_k"):
        found[name] = build.multiply(found[name], build.full_like(found[name], plan.scale))
    return found


def _block_of_queries(build: Builder, plan: BlockPlan, names: Named) -> Named:
    first, count = seen_blocks(build, plan, names["block"])
    if plan.skips:
        every = build.full(plan.key_blocks, I32)
        count = build.select(sees_little(build, plan, names["maximum"]), every, count)
    wide_ct = names["ct"]
    if plan.dtype is not plan.wide:
        wide_ct = build.convert(wide_ct, dtype=plan.wide)
    shared = build.reduce_sum(build.multiply(names["result"], wide_ct), axes=(1,))
    sums = [name for name in ("for_k", "for_v", "for_bias") if name in names]
    carries = {
        "for_q": zeros(build, plan.wide, plan.rows, plan.H),
        **{name: names[name] for name in sums},
    }
    kept = {k: v for k, v in names.items() if k not in (*sums, "result")}
    return count_while(
        build,
        lambda build, names: build.compare(names["round"], names["count"], direction="LT"),
        lambda build, names: _block_of_keys(build, plan, names),
        plan.key_blocks,
        carries=carries,
        invariants={**kept, "shared": shared, "first": first, "count": count},
    )


def _block_of_keys(build: Builder, plan: BlockPlan, names: Named) -> Named:
    number = number_of_key_block(build, plan, names)
    found, allowed = logits(build, plan, names, number)

    def rows(name: str) -> Value:
        return along_rows(build, names[name], found)

    def narrow(x: Value) -> Value:
        return x if plan.dtype is plan.wide else build.convert(x, dtype=plan.dtype)

    weights = build.exponential(build.subtract(found, rows("maximum")))
    weights = build.divide(weights, rows("total"))
    q, ct = names["q"], names["ct"]
    for_weights = product(build, plan, ct, at(build, names["v"], number), (1, 1))
    for_logits = build.multiply(weights, build.subtract(for_weights, rows("shared")))
    if allowed is not None:
        for_logits = build.select(allowed, for_logits, build.full_like(for_logits, 0))
    scaled = narrow(for_logits)
    more = product(build, plan, scaled, at(build, names["k"], number), (1, 0))
    new = {
        "for_q": build.add(names["for_q"], more),
        "for_k": add_at(build, names["for_k"], number, product(build, plan, scaled, q, (0, 0))),
        "for_v": add_at(
            build, names["for_v"], number, product(build, plan, narrow(weights), ct, (0, 0))
        ),
    }
    if "for_bias" in names:
        new["for_bias"] = _add_to_bias(build, plan, names, number, for_logits)
    return new


def _add_to_bias(
    build: Builder, plan: BlockPlan, names: Named, number: Value, for_logits: Value
) -> Value:
    """The cotangent of the bias with that of a block added, along repeated axes summed."""
    whole = names["for_bias"]
    shape = part_shape(plan, whole)
    sizes = (plan.G, plan.query_block, plan.key_block)
    part = build.reshape(for_logits, shape=sizes)
    repeated = [axis for axis in range(3) if shape[axis] != sizes[axis]]
    if repeated:
        part = build.reduce_sum(part, axes=tuple(repeated))
    starts = extra_starts(build, plan, names, whole, number)
    before = build.dynamic_slice(whole, *starts, slice_sizes=(1, *shape))
    total = build.add(before, build.reshape(part, shape=(1, *shape)))
    return build.dynamic_update_slice(whole, total, *starts)

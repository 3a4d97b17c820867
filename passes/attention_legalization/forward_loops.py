"""The result of attention by blocks, with what its gradient needs to find the weights again.

The softmax is summed up as blocks of keys come by: what was summed under a smaller maximum is
scaled when a larger one is met (Milakov and Gimelshein 2018, https://arxiv.org/abs/1805.02867; Dao
and others 2022, https://arxiv.org/abs/2205.14135).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphc.ir.builder import Builder
from graphc.ir.node import Value
from passes.attention_legalization.block_logits import (
    along_rows,
    logits,
    number_of_key_block,
    product,
    seen_blocks,
    sees_little,
)
from passes.attention_legalization.block_plan import BlockPlan
from passes.attention_legalization.named_loops import (
    Named,
    at,
    count_while,
    numbers,
    scan,
    zeros,
)


@dataclass(frozen=True)
class Forward:
    """What was computed, in the layout of loops and as wide as the softmax.

    Attributes:
        result: [P, C, R, V].
        maximum: of each query's logits, [P, C, R].
        total: of its exponentials beside that maximum, [P, C, R].
    """

    result: Value
    maximum: Value
    total: Value


def forward(build: Builder, plan: BlockPlan, operands: Sequence[Value]) -> Forward:
    """Attention of operands in the order of the op."""
    query, key, value = operands[:3]
    slices = {
        "q": plan.split_queries(build, query),
        "k": plan.split_keys(build, key),
        "v": plan.split_keys(build, value),
        "pair": numbers(build, plan.pairs),
    }
    extras = filled_extras(build, plan, operands)

    def one_pair(build: Builder, names: Named) -> Named:
        return scan(
            build,
            lambda build, names: _block_of_queries(build, plan, names),
            plan.query_blocks,
            slices={"q": names["q"], "block": numbers(build, plan.query_blocks)},
            invariants={name: value for name, value in names.items() if name != "q"},
        )

    found = scan(build, one_pair, plan.pairs, slices=slices, invariants=extras)
    return Forward(found["result"], found["maximum"], found["total"])


def filled_extras(build: Builder, plan: BlockPlan, operands: Sequence[Value]) -> Named:
    """Bias and mask, for loops to read."""
    return {name: plan.fill_extra(build, operands[place]) for name, place in plan.extras.items()}


def _block_of_queries(build: Builder, plan: BlockPlan, names: Named) -> Named:
    first, count = seen_blocks(build, plan, names["block"])
    lowest = float(np.finfo(np.float64 if plan.wide.itemsize == 8 else np.float32).min)
    carries = {
        "maximum": build.full(lowest, plan.wide, (plan.rows,)),
        "total": zeros(build, plan.wide, plan.rows),
        "sum": zeros(build, plan.wide, plan.rows, plan.V),
    }

    def goes_on(build: Builder, names: Named) -> Value:
        more = build.compare(names["round"], names["count"], direction="LT")
        return build.or_(more, sees_little(build, plan, names["maximum"])) if plan.skips else more

    found = count_while(
        build,
        goes_on,
        lambda build, names: _block_of_keys(build, plan, names),
        plan.key_blocks,
        carries=carries,
        invariants={**names, "first": first, "count": count},
    )
    result = build.divide(found["sum"], along_rows(build, found["total"], found["sum"]))
    return {"result": result, "maximum": found["maximum"], "total": found["total"]}


def _block_of_keys(build: Builder, plan: BlockPlan, names: Named) -> Named:
    number = number_of_key_block(build, plan, names)
    found, _ = logits(build, plan, names, number)
    maximum = build.maximum(names["maximum"], build.reduce_max(found, axes=(1,)))
    weights = build.exponential(build.subtract(found, along_rows(build, maximum, found)))
    shrunk = build.exponential(build.subtract(names["maximum"], maximum))
    total = build.add(build.multiply(names["total"], shrunk), build.reduce_sum(weights, axes=(1,)))
    narrow = weights if plan.dtype is plan.wide else build.convert(weights, dtype=plan.dtype)
    more = product(build, plan, narrow, at(build, names["v"], number), (1, 0))
    before = build.multiply(names["sum"], along_rows(build, shrunk, names["sum"]))
    return {"maximum": maximum, "total": total, "sum": build.add(before, more)}

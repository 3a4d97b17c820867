"""What is always true, though XLA cannot know that, and branches that are therefore always taken.

XLA merges what is computed twice from the same operands, and fuses a computation into each of its
readers; on the CPU it drops barriers before it does. It does not look into the branches of a
conditional whose predicate it cannot know. What is in one is computed once, where it stands, after
all that it reads.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.dtypes import as_dtype
from graphc.ir.builder import Builder, GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.node import Value


def run_in_branch(
    build: Builder, anchor: Value, operands: Sequence[Value], branch: Graph
) -> Sequence[Value]:
    """What a graph gives for operands, computed after another value, in a branch.

    Args:
        build: makes the nodes.
        anchor: the value to wait for; see `can_anchor`.
        operands: what the graph takes.
        branch: the graph.
    """
    never = GraphBuilder(build.registry)
    for place, value in enumerate(operands):
        never.input(value.type, f"operand{place}")
    zeros = never.finish([never.full_like(value, 0) for value in branch.outputs])
    made = build.cond(always_after(build, anchor), *operands, regions=(branch, zeros))
    return [made] if isinstance(made, Value) else made


def can_anchor(value: Value) -> bool:
    """Whether XLA cannot know what a predicate of this value is."""
    type_ = value.type
    return (
        value.node.op.name not in ("input", "constant")
        and (type_.dtype.is_floating or type_.dtype.is_integer)
        and 0 not in type_.shape
    )


def always_after(build: Builder, anchor: Value) -> Value:
    """True, as only the value of the anchor can tell: a number with its lowest bit set is not 0."""
    type_ = anchor.type
    first = anchor
    if type_.rank:
        ones = [1] * type_.rank
        first = build.slice(anchor, start_indices=[0] * len(ones), limit_indices=ones, strides=ones)
        first = build.reshape(first, shape=())
    if type_.dtype.is_floating:
        first = build.bitcast_convert(first, dtype=as_dtype(f"int{8 * type_.dtype.itemsize}"))
    bits = build.or_(first, build.full_like(first, 1))
    return build.compare(bits, build.full_like(first, 0), direction="NE")

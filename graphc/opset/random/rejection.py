"""Random loops in the graph: rejection and sums, in rounds for all elements at once.

Each round has a key of its own, so that what is drawn depends on the key alone. A round keeps what
is accepted where nothing was before: with the rates of acceptance here, a million elements take
about six rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from graphc.dtypes import U32
from graphc.ir.builder import Builder, GraphBuilder
from graphc.ir.node import Value
from graphc.ir.types import TensorType, tensor_type

# Every proposal is accepted with a probability of at least a half: none is ever left after these.
_MOST_ROUNDS: Final = 256


class Proposal(NamedTuple):
    """What a round proposes for each element, and where it is accepted."""

    numbers: Value
    accepted: Value


Propose = Callable[[Builder, Value, Value, Sequence[Value]], Proposal]
"""`propose(build, key, round_key, invariants)`: all numbers of one shape and element type."""


def open_uniform(build: Builder, key: Value, type_: TensorType) -> Value:
    """Numbers between 0 and 1, without 0 and 1: those of `random_uniform` and half a step.

    Uniform numbers are multiples of epsilon, 2 to the power -23 or -52.
    """
    drawn = build.random_uniform(key, shape=type_.shape, dtype=type_.dtype)
    half = float(np.finfo(type_.dtype.numpy).eps) / 2
    return build.add(drawn, build.full_like(drawn, half))


def draw_until_accepted(
    build: Builder,
    key: Value,
    invariants: Sequence[Value],
    is_wanted: Value,
    propose: Propose,
) -> Value:
    """One accepted number per element.

    Args:
        build: adds a `while_loop`.
        key: u32[2].
        invariants: what proposals depend on: floats of one type, the first of which is that of the
            result.
        is_wanted: for which elements to draw at all; the others are 1.
        propose: adds the nodes of a round.
    """
    first = invariants[0]
    types = [
        tensor_type(U32, ()), is_wanted.type, first.type, key.type,
        *[value.type for value in invariants],
    ]  # fmt: skip
    condition = GraphBuilder()
    count, waiting, *_ = (condition.input(type_, f"x{i}") for i, type_ in enumerate(types))
    axes = tuple(range(is_wanted.type.rank))
    any_left = condition.reduce_or(waiting, axes=axes)
    in_time = condition.compare(count, condition.full(_MOST_ROUNDS, U32), direction="LT")
    goes_on = condition.finish([condition.and_(any_left, in_time)])
    body = GraphBuilder()
    count, waiting, found, body_key, *given = (
        body.input(type_, f"x{i}") for i, type_ in enumerate(types)
    )
    proposal = propose(body, body_key, body.random_fold(body_key, count), given)
    taken = body.and_(waiting, proposal.accepted)
    round_ = body.finish(
        [
            body.add(count, body.full(1, U32)),
            body.and_(waiting, body.not_(proposal.accepted)),
            body.select(taken, proposal.numbers, found),
        ]
    )
    results = build.while_loop(
        build.full(0, U32),
        is_wanted,
        build.full_like(first, 1),
        key,
        *invariants,
        carries=3,
        regions=(goes_on, round_),
    )
    return results[2]


def sum_until_above(
    build: Builder,
    key: Value,
    invariants: Sequence[Value],
    is_wanted: Value,
    step: Callable[[Builder, Value, Sequence[Value]], Value],
) -> Value:
    """How many random steps stay below a limit in sum, for each element; 0 where not wanted.

    Args:
        build: adds a `while_loop`.
        key: u32[2].
        invariants: floats of one type: the limit, and what steps depend on.
        is_wanted: for which elements to count at all.
        step: gives the length of a step from a uniform number.
    """
    limit = invariants[0]
    zeros = build.full_like(limit, 0)
    types = [
        tensor_type(U32, ()), is_wanted.type, limit.type, limit.type, key.type,
        *[value.type for value in invariants],
    ]  # fmt: skip
    condition = GraphBuilder()
    count, waiting, *_ = (condition.input(type_, f"x{i}") for i, type_ in enumerate(types))
    goes_on = condition.finish(
        [condition.reduce_or(waiting, axes=tuple(range(is_wanted.type.rank)))]
    )
    body = GraphBuilder()
    count, waiting, total, steps, body_key, *given = (
        body.input(type_, f"x{i}") for i, type_ in enumerate(types)
    )
    uniform = open_uniform(body, body.random_fold(body_key, count), limit.type)
    made = body.add(total, step(body, uniform, given))
    # above or NaN: either ends the sum
    is_below = body.and_(waiting, body.compare(made, given[0], direction="LE"))
    one_more = body.add(steps, body.full_like(steps, 1))
    round_ = body.finish(
        [
            body.add(count, body.full(1, U32)),
            is_below,
            made,
            body.select(is_below, one_more, steps),
        ]
    )
    results = build.while_loop(
        build.full(0, U32),
        is_wanted,
        zeros,
        zeros,
        key,
        *invariants,
        carries=4,
        regions=(goes_on, round_),
    )
    return results[3]

"""Recipes of regions in regions: choices of many branches, loops in branches, branches in loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from graphc.dtypes import BOOL, I32
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.types import TensorType, tensor_type
from tests.passes.built_programs import Program
from tests.pipeline.graph_sketch import Choices, NotApplicableError, Sketch, fit
from tests.pipeline.recipe_book import recipe
from tests.pipeline.region_recipes import write_body, write_steps

Write = Callable[[Program, Choices, Value, Value], Value]
"""Adds a region op to a body: takes two values of one type, gives another of it."""


def _branch(b: Program, c: Choices, x: Value, y: Value) -> Value:
    """A choice by the sign of a sum."""
    total = b.reduce_sum(x, axes=range(x.type.rank)) if x.type.rank else x
    predicate = b.compare(total, b.full_like(total, 0.125), direction="GT")
    regions = [write_body(c, [x.type, x.type], _steps(c)) for _ in range(2)]
    return b.cond(predicate, x, y, regions=tuple(regions))


def _bounded_loop(b: Program, c: Choices, x: Value, y: Value) -> Value:
    """A few equal steps."""
    return b.scan(
        x, y, regions=(write_body(c, [x.type, x.type], _steps(c)),), carries=1, invariants=1,
        length=1 + c.below(3),
    )  # fmt: skip


def _open_loop(b: Program, c: Choices, x: Value, y: Value) -> Value:
    """A loop that counts up to a number, and may not be differentiated."""
    limit = c.below(3)

    def condition(inner: Program, inputs: list[Value]) -> list[Value]:
        return [inner.compare(inputs[0], inner.number(limit, "int32"), direction="LT")]

    def step(inner: Program, inputs: list[Value]) -> list[Value]:
        count = inner.add(inputs[0], inner.number(1, "int32"))
        return [count, write_steps(inner, c, list(inputs[1:]))]

    types = [tensor_type(I32, ()), x.type, x.type]
    regions = (write_body(c, types, condition), write_body(c, types, step))
    start = b.number(0, "int32")
    made = b.while_loop(start, b.stop_gradient(x), b.stop_gradient(y), regions=regions, carries=2)
    return made[1]


def _steps(c: Choices) -> Callable[[Program, list[Value]], list[Value]]:
    return lambda b, inputs: [write_steps(b, c, list(inputs))]


INNER: Final[dict[str, Write]] = {
    "branch": _branch,
    "bounded loop": _bounded_loop,
    "open loop": _open_loop,
}


def _body_with_regions(c: Choices, types: list[TensorType]) -> Graph:
    """A body on two values of one type with region ops between its steps."""

    def write(b: Program, inputs: list[Value]) -> list[Value]:
        values = list(inputs)
        for _ in range(1 + c.below(2)):
            values.append(INNER[c.of(list(INNER))](b, c, values[-1], values[0]))
        return [write_steps(b, c, values)]

    return write_body(c, types, write)


@recipe
def nested_regions(s: Sketch, c: Choices) -> list[Value]:
    """A region op whose bodies hold region ops."""
    x = s.pick(c, "float")
    y = fit(s, s.pick(c, "float"), x.type)
    types = [x.type, x.type]
    if c.chance(2):
        regions = tuple([_body_with_regions(c, types) for _ in range(2)])
        predicate = fit(s, s.pick(c, "truth"), tensor_type(BOOL, ()))
        return [s.cond(predicate, x, y, regions=regions)]
    region = _body_with_regions(c, types)
    return [s.scan(x, y, regions=(region,), carries=1, invariants=1, length=1 + c.below(3))]


@recipe
def many_branches(s: Sketch, c: Choices) -> list[Value]:
    """A choice among several by a number: branches in the last branches, as `case` builds them."""
    x = s.pick(c, "float")
    y = fit(s, s.pick(c, "float"), x.type)
    chosen = fit(s, s.pick(c, "whole"), tensor_type(I32, ()))
    types = [tensor_type(I32, ()), x.type, x.type]

    def first(b: Program, inputs: list[Value]) -> list[Value]:
        return [write_steps(b, c, list(inputs[1:]))]

    def rest(left: int) -> Callable[[Program, list[Value]], list[Value]]:
        def write(b: Program, inputs: list[Value]) -> list[Value]:
            return [choose(b, left, inputs)] if left else first(b, inputs)

        return write

    def choose(b: Program, left: int, inputs: list[Value]) -> Value:
        predicate = b.compare(inputs[0], b.full_like(inputs[0], left), direction="EQ")
        regions = (write_body(c, types, first), write_body(c, types, rest(left - 1)))
        return b.cond(predicate, *inputs, regions=regions)

    return [choose(s, 1 + c.below(3), [chosen, x, y])]


@recipe
def row_by_row(s: Sketch, c: Choices) -> list[Value]:
    """A function of each row, with no carry: what `map_fn` builds."""
    x = s.pick(c, "float", lambda x: x.type.rank > 0)
    y = s.pick(c, "float")
    if x.type.rank == 0:
        raise NotApplicableError
    row = x.type.with_shape(x.type.shape[1:])

    def write(b: Program, inputs: list[Value]) -> list[Value]:
        return [write_steps(b, c, [inputs[0], fit(b, inputs[1], row)])]

    region = write_body(c, [row, y.type], write)
    made = s.scan(x, y, regions=(region,), carries=0, invariants=1, length=x.type.shape[0])
    return [made] if isinstance(made, Value) else list(made)

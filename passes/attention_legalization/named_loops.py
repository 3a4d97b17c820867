"""Loops as a person would write them: what goes in and comes out of an iteration has names.

A step is a function of a builder and of the values of one iteration, by name; it gives the new
values of the carries under their names, and what is to be stacked under others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphc.dtypes import I32
from graphc.ir.builder import Builder, GraphBuilder
from graphc.ir.node import Value
from graphc.ir.types import tensor_type

Named = dict[str, Value]
Step = Callable[[Builder, Named], Named]


def scan(
    build: Builder,
    step: Step,
    length: int,
    *,
    carries: Mapping[str, Value] | None = None,
    slices: Mapping[str, Value] | None = None,
    invariants: Mapping[str, Value] | None = None,
) -> Named:
    """Run a step once per slice of arrays: the last carries, and the other results stacked."""
    carries, slices, invariants = carries or {}, slices or {}, invariants or {}
    body = GraphBuilder(build.registry, build.origin, build.name)
    values = {name: body.input(value.type, name) for name, value in carries.items()}
    for name, value in slices.items():
        type_ = value.type
        values[name] = body.input(type_.with_shape(type_.shape[1:]), name)
    values |= {name: body.input(value.type, name) for name, value in invariants.items()}
    made = step(body, values)
    others = {name: value for name, value in made.items() if name not in carries}
    graph = body.finish([*[made[name] for name in carries], *others.values()])
    found: Any = build.scan(
        *carries.values(),
        *slices.values(),
        *invariants.values(),
        regions=(graph,),
        carries=len(carries),
        invariants=len(invariants),
        length=length,
    )
    return _by_name([*carries, *others], found)


def count_while(
    build: Builder,
    goes_on: Callable[[Builder, Named], Value],
    step: Step,
    most: int,
    *,
    carries: Mapping[str, Value],
    invariants: Mapping[str, Value],
) -> Named:
    """Run a step as long as a condition holds, at most `most` times: the last carries.

    Both see the number of the iteration, i32[], as `round`.
    """
    first = {"round": build.full(0, I32), **carries}
    operands = {**first, **invariants}
    condition = GraphBuilder(build.registry, build.origin, build.name)
    body = GraphBuilder(build.registry, build.origin, build.name)
    asked, taken = (
        {name: each.input(value.type, name) for name, value in operands.items()}
        for each in (condition, body)
    )
    made = step(body, taken)
    made["round"] = body.add(taken["round"], body.full(1, I32))
    regions = (
        condition.finish([goes_on(condition, asked)]),
        body.finish([made[name] for name in first]),
    )
    found = build.while_loop(*operands.values(), regions=regions, carries=len(first), maximum=most)
    return _by_name(list(first), found[: len(first)])


def numbers(build: Builder, count: int) -> Value:
    """0, 1, … as i32[count]: the number of each iteration, to scan over."""
    return build.iota(dtype=I32, shape=(count,), iota_dimension=0)


def at(build: Builder, stack: Value, index: Value) -> Value:
    """One slice of a stack: [count, …] at i32[] is […]."""
    _, *shape = stack.type.shape
    found = build.dynamic_slice(stack, index, *_zeros(build, shape), slice_sizes=(1, *shape))
    return build.reshape(found, shape=tuple(shape))


def add_at(build: Builder, stack: Value, index: Value, more: Value) -> Value:
    """A stack with something added to one slice of it."""
    shape = more.type.shape
    total = build.add(at(build, stack, index), more)
    total = build.reshape(total, shape=(1, *shape))
    return build.dynamic_update_slice(stack, total, index, *_zeros(build, shape))


def _zeros(build: Builder, shape: Any) -> list[Value]:
    return [build.full(0, I32)] * len(shape)


def zeros(build: Builder, dtype: Any, *shape: int) -> Value:
    """An array of zeros to add to."""
    return build.full(0, dtype, tensor_type(dtype, shape).shape)


def _by_name(names: list[str], found: Any) -> Named:
    results = [found] if isinstance(found, Value) else list(found)
    return dict(zip(names, results, strict=True))

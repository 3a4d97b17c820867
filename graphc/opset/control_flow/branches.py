"""Choosing one of several graphs at run time: `cond` between two, `case` among any number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from jax import lax

from graphc.dimensions import at_least
from graphc.dtypes import BOOL, I32
from graphc.errors import ShapeError
from graphc.ir.builder import Builder, GraphBuilder
from graphc.ir.differentiation import reached_inputs, reached_outputs, vjp_graph
from graphc.ir.forward_differentiation import jvp_graph
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.op import Cost, Forward, OpCall, OpSpec, RegionLowering, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, as_type, tensor_type
from graphc.opset.control_flow.signatures import (
    region_cost,
    require_count,
    require_inputs,
    require_regions,
    require_type,
    used_inputs,
    with_inputs,
)
from graphc.opset.samples import draw

PREDICATE = tensor_type(BOOL, ())
INDEX = tensor_type(I32, ())

# --- what both share ------------------------------------------------------------------------------


def _branch_types(call: OpCall, names: Sequence[str]) -> Sequence[TensorType]:
    """The result types of branches that all take the operands after the first."""
    for region, name in zip(call.regions, names, strict=True):
        require_inputs(call, region, call.types[1:], name)
    results = [value.type for value in call.regions[0].outputs]
    for region, name in zip(call.regions[1:], names[1:], strict=True):
        others = [value.type for value in region.outputs]
        require_count(call, len(others), len(results), f"number of results of {name}")
        for position, (type_, other) in enumerate(zip(results, others, strict=True)):
            require_type(call, other, type_, f"result {position} of {name}")
    return results


def _gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    cotangents: Sequence[Value],
) -> Sequence[Value | None]:
    """The same choice among the gradients of the branches."""
    given = [i for i in range(len(results)) if call.has_cotangent(i)]
    reached: set[int] = set()
    for region in call.regions:
        reached |= reached_inputs(region, given)
    wanted = [i for i in sorted(reached) if call.wants(1 + i)]
    if not wanted:
        return [None] * len(operands)
    branches = [vjp_graph(region, wanted, given) for region in call.regions]
    used = sorted(set[int]().union(*[used_inputs(branch) for branch in branches]))
    available = [*operands[1:], *[cotangents[i] for i in given]]
    made = build.make(
        call.op,
        (operands[0], *[available[i] for i in used]),
        call.attributes,
        tuple([with_inputs(branch, used) for branch in branches]),
    )
    gradients: list[Value | None] = [None] * len(operands)
    for position, value in zip(wanted, made.outputs, strict=True):
        gradients[1 + position] = value
    return gradients


def _tangent(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    tangents: Sequence[Value | None],
) -> Forward:
    """The same choice among branches that give their results and then the tangents of these."""
    moved = {i - 1: t for i, t in enumerate(tangents) if t is not None}
    reached = set[int]().union(*[reached_outputs(region, moved) for region in call.regions])
    if not reached:
        return Forward(results, [None] * len(results))
    made = build.make(
        call.op,
        (*operands, *moved.values()),
        call.attributes,
        tuple([jvp_graph(region, list(moved), sorted(reached)) for region in call.regions]),
    ).outputs
    found = dict(zip(sorted(reached), made[len(results) :], strict=True))
    return Forward(made[: len(results)], [found.get(i) for i in range(len(results))])


def _cost(call: OpCall) -> Cost:
    """That of the dearest branch, as far as it can be told."""
    dearest, *others = (region_cost(region) for region in call.regions)
    for cost in others:
        dearest = cost if at_least(cost.flops, dearest.flops) else dearest
    return dearest


# --- cond -----------------------------------------------------------------------------------------


def _cond_type(call: OpCall) -> Sequence[TensorType]:
    require_regions(call, 2)
    if not call.types:
        raise call.error(ShapeError, "needs a predicate", PREDICATE)
    require_type(call, call.types[0], PREDICATE, "the predicate")
    return _branch_types(call, ["the true branch", "the false branch"])


def _lower_cond(
    call: OpCall, bodies: Sequence[Callable[..., Any]], predicate: Any, *operands: Any
) -> Any:
    true_branch, false_branch = bodies
    choose = cast(Any, lax.cond)  # pyright: ignore[reportUnknownMemberType]
    return choose(predicate, true_branch, false_branch, *operands)


def _cond_reference(
    call: OpCall, predicate: Any, *arrays: Any, bodies: Sequence[Callable[..., Any]]
) -> Any:
    return bodies[0 if predicate else 1](*arrays)


def _sample_branches(count: int = 2) -> tuple[Graph, ...]:
    vector = as_type("float32", (3,))
    graphs: list[Graph] = []
    for number in range(count):
        build = GraphBuilder()
        x, y = build.input(vector, "x"), build.input(vector, "y")
        product = build.multiply(x, y)
        first = [build.exponential(x), product, build.sine(y)][number]
        graphs.append(build.finish([first, build.add(product, y)]))
    return tuple(graphs)


def _cond_samples() -> list[Sample]:
    operands = (draw(3), draw(3, salt=1))
    return [
        Sample((np.array(flag), *operands), make_regions=_sample_branches) for flag in (True, False)
    ]


COND = REGISTRY.register(
    OpSpec(
        name="cond",
        doc="The results of the true or the false branch on the operands after the predicate.",
        arity=None,
        infer=_cond_type,
        lower=RegionLowering(_lower_cond),
        gradient=_gradient,
        tangent=_tangent,
        reference=_cond_reference,
        cost=_cost,
        samples=_cond_samples,
        traits=Trait.REGION,
        region_names=("true_branch", "false_branch"),
    )
)

# --- case -----------------------------------------------------------------------------------------


def _case_type(call: OpCall) -> Sequence[TensorType]:
    if not call.regions:
        raise call.error(ShapeError, "has no regions", "at least one branch")
    require_regions(call, len(call.regions))
    if not call.types:
        raise call.error(ShapeError, "needs an index", INDEX)
    require_type(call, call.types[0], INDEX, "the index")
    return _branch_types(call, [f"branch {number}" for number in range(len(call.regions))])


def _lower_case(
    call: OpCall, bodies: Sequence[Callable[..., Any]], index: Any, *operands: Any
) -> Any:
    return cast(Any, lax).switch(index, list(bodies), *operands)


def _case_reference(
    call: OpCall, index: Any, *arrays: Any, bodies: Sequence[Callable[..., Any]]
) -> Any:
    return bodies[min(max(int(index), 0), len(bodies) - 1)](*arrays)


def _case_samples() -> list[Sample]:
    operands = (draw(3), draw(3, salt=1))
    return [
        Sample(
            (np.array(index, np.int32), *operands),
            make_regions=lambda count=count: _sample_branches(count),
        )
        for index, count in ((1, 3), (0, 3), (2, 3), (7, 3), (-4, 2), (0, 1))
    ]


CASE = REGISTRY.register(
    OpSpec(
        name="case",
        doc="The results of the branch of that number on the operands after the index (i32); an "
        "index outside takes the nearest branch, where StableHLO takes the last.",
        arity=None,
        infer=_case_type,
        lower=RegionLowering(_lower_case),
        gradient=_gradient,
        tangent=_tangent,
        reference=_case_reference,
        cost=_cost,
        samples=_case_samples,
        traits=Trait.REGION,
        region_names=("branch",),
    )
)

"""Choosing one of two graphs at run time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from jax import lax

from graphc.dimensions import at_least
from graphc.dtypes import BOOL
from graphc.errors import ShapeError
from graphc.ir.builder import Builder, GraphBuilder
from graphc.ir.differentiation import reached_inputs, vjp_graph
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.op import Cost, OpCall, OpSpec, RegionLowering, Sample, Trait
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

# --- cond -----------------------------------------------------------------------------------------


def _cond_type(call: OpCall) -> Sequence[TensorType]:
    true_branch, false_branch = require_regions(call, 2)
    if not call.types:
        raise call.error(ShapeError, "needs a predicate", PREDICATE)
    require_type(call, call.types[0], PREDICATE, "the predicate")
    require_inputs(call, true_branch, call.types[1:], "the true branch")
    require_inputs(call, false_branch, call.types[1:], "the false branch")
    results = [value.type for value in true_branch.outputs]
    others = [value.type for value in false_branch.outputs]
    require_count(call, len(others), len(results), "number of results of the false branch")
    for position, (type_, other) in enumerate(zip(results, others, strict=True)):
        require_type(call, other, type_, f"result {position} of the false branch")
    return results


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


def _cond_gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    cotangents: Sequence[Value],
) -> Sequence[Value | None]:
    given = [i for i in range(len(results)) if call.has_cotangent(i)]
    reached: set[int] = set()
    for region in call.regions:
        reached |= reached_inputs(region, given)
    wanted = [i for i in sorted(reached) if call.wants(1 + i)]
    if not wanted:
        return [None] * len(operands)
    branches = [vjp_graph(region, wanted, given) for region in call.regions]
    used = sorted(used_inputs(branches[0]) | used_inputs(branches[1]))
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


def _cond_cost(call: OpCall) -> Cost:
    """That of the dearer branch, as far as it can be told."""
    left, right = (region_cost(region) for region in call.regions)
    return right if at_least(right.flops, left.flops) else left


def _sample_branches() -> tuple[Graph, ...]:
    vector = as_type("float32", (3,))
    graphs: list[Graph] = []
    for is_true in (True, False):
        build = GraphBuilder()
        x, y = build.input(vector, "x"), build.input(vector, "y")
        product = build.multiply(x, y)
        first = build.exponential(x) if is_true else product
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
        gradient=_cond_gradient,
        reference=_cond_reference,
        cost=_cond_cost,
        samples=_cond_samples,
        traits=Trait.REGION,
        region_names=("true_branch", "false_branch"),
    )
)

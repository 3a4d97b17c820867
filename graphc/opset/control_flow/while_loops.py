"""Running a graph as long as a condition holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax import lax

from graphc.dtypes import BOOL, I32
from graphc.errors import ShapeError
from graphc.ir.attributes import DIMENSION, INTEGER, Attribute, Schema, optional
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.op import Cost, OpCall, OpSpec, RegionLowering, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, as_type, tensor_type
from graphc.opset.control_flow.loop_derivatives import loop_gradient
from graphc.opset.control_flow.loop_tangents import loop_tangent
from graphc.opset.control_flow.signatures import (
    region_cost,
    require_count,
    require_inputs,
    require_regions,
    require_type,
)


def _type(call: OpCall) -> Sequence[TensorType]:
    condition, body = require_regions(call, 2)
    carries, maximum = call.attributes["carries"], call.attributes["maximum"]
    if not 0 <= carries <= len(call.types):
        raise call.error(ShapeError, f"carries is {carries}", f"0 to {len(call.types)}")
    if isinstance(maximum, int) and maximum < 0:
        raise call.error(ShapeError, f"maximum is {maximum}", "at least 0")
    require_inputs(call, condition, call.types, "the condition")
    require_count(call, len(condition.outputs), 1, "number of results of the condition")
    require_type(call, condition.outputs[0].type, tensor_type(BOOL, ()), "the condition's result")
    require_inputs(call, body, call.types)
    if maximum is None or len(body.outputs) < carries:
        require_count(call, len(body.outputs), carries, "number of results of the body")
    for position, value in enumerate(body.outputs[:carries]):
        what = f"the new value of carry {position}"
        require_type(call, value.type, call.types[position], what)
    if maximum is None:
        return call.types[:carries]
    given = [value.type for value in body.outputs[carries:]]
    stacked = [type_.with_shape((maximum, *type_.shape)) for type_ in given]
    return [*call.types[:carries], tensor_type(I32, ()), *stacked]


def _lower(call: OpCall, bodies: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    condition, body = bodies
    carries = call.attributes["carries"]
    first, invariants = list(operands[:carries]), operands[carries:]
    if call.attributes["maximum"] is not None:
        return _lower_bounded(call, condition, body, first, invariants)
    return lax.while_loop(
        lambda carry: condition(*carry, *invariants)[0],
        lambda carry: body(*carry, *invariants),
        first,
    )


def _lower_bounded(
    call: OpCall,
    condition: Callable[..., Any],
    body: Callable[..., Any],
    first: list[Any],
    invariants: Sequence[Any],
) -> Any:
    limit, carries = call.attributes["maximum"], len(first)
    stacked = [lax.full(t.shape, 0, t.dtype.numpy) for t in call.results[carries + 1 :]]
    if limit == 0:
        return [*first, np.int32(0), *stacked]

    def goes_on(state: tuple[Any, list[Any], list[Any]]) -> Any:
        return lax.bitwise_and(state[0] < np.int32(limit), condition(*state[1], *invariants)[0])

    def step(state: tuple[Any, list[Any], list[Any]]) -> tuple[Any, list[Any], list[Any]]:
        count, carry, targets = state
        results = body(*carry, *invariants)
        filled: list[Any] = [
            lax.dynamic_update_index_in_dim(target, result, count, 0)
            for target, result in zip(targets, results[carries:], strict=True)
        ]
        return count + np.int32(1), results[:carries], filled

    count, final, filled = lax.while_loop(goes_on, step, (np.int32(0), first, stacked))
    return [*final, count, *filled]


def _reference(call: OpCall, *arrays: Any, bodies: Sequence[Callable[..., Any]]) -> Any:
    condition, body = bodies
    number, maximum = call.attributes["carries"], call.attributes["maximum"]
    carries, invariants = list(arrays[:number]), arrays[number:]
    stacked = [np.zeros(t.shape, t.dtype.numpy) for t in call.results[number + 1 :]]
    count = 0
    while (maximum is None or count < maximum) and condition(*carries, *invariants)[0]:
        results = body(*carries, *invariants)
        carries = results[:number]
        for target, result in zip(stacked, results[number:], strict=True):
            target[count] = result
        count += 1
    return carries if maximum is None else [*carries, np.int32(count), *stacked]


def _cost(call: OpCall) -> Cost:
    """The most it can be; that of one iteration where nobody knows how many there will be."""
    condition, body = (region_cost(region) for region in call.regions)
    times = call.attributes["maximum"]
    times = 1 if times is None else times
    return Cost((condition.flops + body.flops) * times, (condition.bytes + body.bytes) * times)


def _regions(dtype: str = "float32", stacks: bool = False) -> tuple[Graph, ...]:
    scalar = as_type(dtype)
    condition = GraphBuilder()
    x, limit = condition.input(scalar, "x"), condition.input(scalar, "limit")
    condition.input(scalar, "factor")
    below = condition.finish([condition.compare(x, limit, direction="LT")])
    body = GraphBuilder()
    x, _, factor = (body.input(scalar, name) for name in ("x", "limit", "factor"))
    more = [body.multiply(x, x)] if stacks else []
    return (below, body.finish([body.multiply(x, factor), *more]))


def _samples() -> list[Sample]:
    unbounded = [
        Sample(
            tuple(np.array(number, np.float32) for number in (first, 50, 3)),
            {"carries": 1},
            differentiable=False,
            make_regions=_regions,
        )
        for first in (1.0, 60.0)
    ]
    return unbounded + [
        Sample(
            tuple(np.array(number) for number in (first, 50.0, 3.0)),
            {"carries": 1, "maximum": maximum},
            make_regions=lambda stacks=stacks: _regions("float64", stacks),
        )
        for first, maximum, stacks in (
            *((1.0, 6, True), (1.0, 2, False), (60.0, 3, True), (1.5, 0, True)),
        )
    ]


WHILE_LOOP = REGISTRY.register(
    OpSpec(
        name="while_loop",
        doc="Runs a body on carries as long as a condition holds. Operands: carries, then "
        "loop-invariant arrays; both regions take all of them. With a maximum it stops after so "
        "many iterations at the latest, gives their number (i32) after the carries, and then what "
        "else its body gives, stacked by iteration, 0 where none was run.",
        arity=None,
        attributes=Schema(carries=INTEGER, maximum=Attribute(optional(DIMENSION), None)),
        infer=_type,
        lower=RegionLowering(_lower),
        gradient=loop_gradient,
        tangent=loop_tangent,
        reference=_reference,
        cost=_cost,
        samples=_samples,
        traits=Trait.REGION,
        region_names=("condition", "body"),
    )
)

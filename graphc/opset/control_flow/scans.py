"""Running a graph once for each slice of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from jax import lax

from graphc.dtypes import I32
from graphc.errors import ShapeError
from graphc.ir.attributes import DIMENSION, INTEGER, TRUTH, Attribute, Schema
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.op import Cost, OpCall, OpSpec, RegionLowering, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, as_type, tensor_type
from graphc.opset.control_flow.loop_derivatives import LoopParts, loop_gradient
from graphc.opset.control_flow.loop_tangents import loop_tangent
from graphc.opset.control_flow.signatures import (
    region_cost,
    require_count,
    require_inputs,
    require_regions,
    require_type,
)
from graphc.opset.samples import draw

# --- scan -----------------------------------------------------------------------------------------


def _scan_type(call: OpCall) -> Sequence[TensorType]:
    (body,) = require_regions(call, 1)
    parts = LoopParts.of(call)
    if parts.carries < 0 or parts.invariants < 0 or parts.scanned < 0:
        raise call.error(
            ShapeError, "has fewer operands than carries and invariants", len(call.types)
        )
    length = call.attributes["length"]
    if isinstance(length, int) and length < 0:
        raise call.error(ShapeError, f"length is {length}", "at least 0")
    taken: list[TensorType] = []
    for position, type_ in enumerate(parts.of_body(call.types)):
        if parts.is_scanned(position):
            if type_.rank == 0:
                raise call.error(ShapeError, f"operand {position} is scanned over, but has no axes")
            call.require_equal(
                type_.shape[0], length, f"the first size of operand {position} and the length"
            )
            type_ = type_.with_shape(type_.shape[1:])
        taken.append(type_)
    require_inputs(call, body, taken)
    given = [value.type for value in body.outputs]
    if len(given) < parts.carries:
        require_count(call, len(given), parts.carries, "number of results of the body")
    carries = taken[: parts.carries]
    for position, (type_, carry) in enumerate(zip(given, carries, strict=False)):
        require_type(call, type_, carry, f"the new value of carry {position}")
    stacked = [tensor_type(t.dtype, (length, *t.shape)) for t in given[parts.carries :]]
    return [*carries, *stacked]


def _lower_scan(call: OpCall, bodies: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    parts = LoopParts.of(call)
    carries, scanned, invariants = parts.split(operands)

    def step(carry: Sequence[Any], slices: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        results = bodies[0](*carry, *slices, *invariants)
        return results[: parts.carries], results[parts.carries :]

    attributes = call.attributes
    final, stacked = lax.scan(
        step,
        list(carries),
        list(scanned),
        length=attributes["length"],
        reverse=attributes["reverse"],
    )
    return [*final, *stacked]


def _scan_reference(call: OpCall, *arrays: Any, bodies: Sequence[Callable[..., Any]]) -> Any:
    length = call.attributes["length"]
    return _run(call, arrays, bodies[0], length)


def _run(call: OpCall, arrays: Sequence[Any], body: Callable[..., Any], count: int) -> list[Any]:
    """The first `count` iterations."""
    parts = LoopParts.of(call)
    carries, scanned, invariants = parts.split(arrays)
    order = range(count - 1, -1, -1) if call.attributes["reverse"] else range(count)
    stacked = [np.zeros(type_.shape, type_.dtype.numpy) for type_ in call.results[parts.carries :]]
    for step in order:
        results = body(*carries, *[array[step] for array in scanned], *invariants)
        carries = results[: parts.carries]
        for target, result in zip(stacked, results[parts.carries :], strict=True):
            target[step] = result
    return [*carries, *stacked]


def _scan_cost(call: OpCall) -> Cost:
    cost, length = region_cost(call.regions[0]), call.attributes["length"]
    return Cost(cost.flops * length, cost.bytes * length)


def _sample_body() -> tuple[Graph, ...]:
    """An integer counter, a carry, one scanned array, one invariant; stacks two results."""
    build = GraphBuilder()
    count = build.input(as_type("int32"), "count")
    vector = as_type("float32", (2,))
    carry, x, w = (build.input(vector, name) for name in ("carry", "x", "w"))
    one = build.array(np.int32(1))
    changed = build.add(build.multiply(carry, w), build.multiply(x, x))
    return (build.finish([build.add(count, one), changed, build.exponential(carry), count]),)


def _scan_samples() -> list[Sample]:
    def sample(length: int, reverse: bool) -> Sample:
        operands = (
            np.array(3, np.int32),
            draw(2, high=1),
            draw(length, 2, low=-1, high=1),
            draw(2, low=-1, high=1, salt=1),
        )
        attributes = {"carries": 2, "invariants": 1, "length": length, "reverse": reverse}
        return Sample(operands, attributes, make_regions=_sample_body)

    return [sample(4, False), sample(3, True), sample(0, False)]


SCAN = REGISTRY.register(
    OpSpec(
        name="scan",
        doc="Runs a body over slices of arrays: final carries, then results stacked by iteration. "
        "Operands: carries, scanned arrays, loop-invariant arrays.",
        arity=None,
        attributes=Schema(
            carries=INTEGER,
            invariants=Attribute(INTEGER, 0),
            length=DIMENSION,
            reverse=Attribute(TRUTH, False),
        ),
        infer=_scan_type,
        lower=RegionLowering(_lower_scan),
        gradient=loop_gradient,
        tangent=loop_tangent,
        reference=_scan_reference,
        cost=_scan_cost,
        samples=_scan_samples,
        traits=Trait.REGION,
        region_names=("body",),
    )
)

# --- counted_scan ---------------------------------------------------------------------------------


def _counted_type(call: OpCall) -> Sequence[TensorType]:
    if not call.types:
        raise call.error(ShapeError, "needs a number of iterations", tensor_type(I32, ()))
    require_type(call, call.types[0], tensor_type(I32, ()), "the number of iterations")
    return _scan_type(call)


def _lower_counted(
    call: OpCall, bodies: Sequence[Callable[..., Any]], count: Any, *operands: Any
) -> Any:
    parts, attributes = LoopParts.of(call), call.attributes
    carries, scanned, invariants = parts.split(operands)
    stacked = [lax.full(t.shape, 0, t.dtype.numpy) for t in call.results[parts.carries :]]
    if attributes["length"] == 0:
        return [*carries, *stacked]
    count = lax.clamp(np.int32(0), count, np.int32(attributes["length"]))

    def step(number: Any, state: tuple[list[Any], list[Any]]) -> tuple[list[Any], list[Any]]:
        row = count - 1 - number if attributes["reverse"] else number
        slices: list[Any] = [
            lax.dynamic_index_in_dim(array, row, keepdims=False) for array in scanned
        ]
        results = bodies[0](*state[0], *slices, *invariants)
        return results[: parts.carries], [
            lax.dynamic_update_index_in_dim(target, result, row, 0)
            for target, result in zip(state[1], results[parts.carries :], strict=True)
        ]

    final = cast(Any, lax).fori_loop(np.int32(0), count, step, (list(carries), stacked))
    return [*final[0], *final[1]]


def _counted_reference(
    call: OpCall, count: Any, *arrays: Any, bodies: Sequence[Callable[..., Any]]
) -> Any:
    return _run(call, arrays, bodies[0], min(max(int(count), 0), call.attributes["length"]))


def _counted_body() -> tuple[Graph, ...]:
    """A carry, one scanned array, one invariant; stacks a result. In float64."""
    build = GraphBuilder()
    vector = as_type("float64", (2,))
    carry, x, w = (build.input(vector, name) for name in ("carry", "x", "w"))
    changed = build.add(build.multiply(carry, w), build.multiply(x, x))
    return (build.finish([changed, build.multiply(carry, x)]),)


def _counted_samples() -> list[Sample]:
    def sample(count: int, length: int, reverse: bool) -> Sample:
        def numbers(*shape: int, salt: int = 0) -> Any:
            return draw(*shape, low=-1, high=1, dtype="float64", salt=salt)

        operands = (np.array(count, np.int32), numbers(2), numbers(length, 2), numbers(2, salt=1))
        attributes = {"carries": 1, "invariants": 1, "length": length, "reverse": reverse}
        return Sample(operands, attributes, make_regions=_counted_body)

    return [
        sample(*given)
        for given in ((2, 4, False), (3, 4, True), (0, 3, True), (9, 2, False), (1, 0, True))
    ]


COUNTED_SCAN = REGISTRY.register(
    OpSpec(
        name="counted_scan",
        doc="A scan over the first rows alone; what it stacks is 0 in the others. Operands: how "
        "many iterations (i32), then those of a scan. In reverse it begins at the last of them.",
        arity=None,
        attributes=Schema(
            carries=INTEGER,
            invariants=Attribute(INTEGER, 0),
            length=DIMENSION,
            reverse=Attribute(TRUTH, False),
        ),
        infer=_counted_type,
        lower=RegionLowering(_lower_counted),
        gradient=loop_gradient,
        tangent=loop_tangent,
        reference=_counted_reference,
        cost=_scan_cost,
        samples=_counted_samples,
        traits=Trait.REGION,
        region_names=("body",),
    )
)

"""Running a graph many times: over slices of arrays, or until a condition fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax import lax

from graphc.dtypes import BOOL
from graphc.errors import ShapeError
from graphc.ir.attributes import DIMENSION, INTEGER, TRUTH, Attribute, Schema
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.op import Cost, NoGradient, OpCall, OpSpec, RegionLowering, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, as_type, tensor_type
from graphc.opset.control_flow.scan_gradient import ScanParts, scan_gradient
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
    parts = ScanParts.of(call)
    if parts.carries < 0 or parts.invariants < 0 or parts.scanned < 0:
        raise call.error(
            ShapeError, "has fewer operands than carries and invariants", len(call.types)
        )
    length = call.attributes["length"]
    if isinstance(length, int) and length < 0:
        raise call.error(ShapeError, f"length is {length}", "at least 0")
    taken: list[TensorType] = []
    for position, type_ in enumerate(call.types):
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
    for position, (type_, carry) in enumerate(
        zip(given, call.types[: parts.carries], strict=False)
    ):
        require_type(call, type_, carry, f"the new value of carry {position}")
    stacked = [tensor_type(t.dtype, (length, *t.shape)) for t in given[parts.carries :]]
    return [*call.types[: parts.carries], *stacked]


def _lower_scan(call: OpCall, bodies: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    parts = ScanParts.of(call)
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
    parts = ScanParts.of(call)
    carries, scanned, invariants = parts.split(arrays)
    length = call.attributes["length"]
    order = range(length - 1, -1, -1) if call.attributes["reverse"] else range(length)
    stacked = [np.zeros(type_.shape, type_.dtype.numpy) for type_ in call.results[parts.carries :]]
    for step in order:
        results = bodies[0](*carries, *[array[step] for array in scanned], *invariants)
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
        gradient=scan_gradient,
        reference=_scan_reference,
        cost=_scan_cost,
        samples=_scan_samples,
        traits=Trait.REGION,
        region_names=("body",),
    )
)

# --- while_loop -----------------------------------------------------------------------------------


def _while_type(call: OpCall) -> Sequence[TensorType]:
    condition, body = require_regions(call, 2)
    carries = call.attributes["carries"]
    if not 0 <= carries <= len(call.types):
        raise call.error(ShapeError, f"carries is {carries}", f"0 to {len(call.types)}")
    require_inputs(call, condition, call.types, "the condition")
    require_count(call, len(condition.outputs), 1, "number of results of the condition")
    require_type(call, condition.outputs[0].type, tensor_type(BOOL, ()), "the condition's result")
    require_inputs(call, body, call.types)
    require_count(call, len(body.outputs), carries, "number of results of the body")
    for position, value in enumerate(body.outputs):
        what = f"the new value of carry {position}"
        require_type(call, value.type, call.types[position], what)
    return call.types[:carries]


def _lower_while(call: OpCall, bodies: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    condition, body = bodies
    carries = call.attributes["carries"]
    invariants = operands[carries:]
    return lax.while_loop(
        lambda carry: condition(*carry, *invariants)[0],
        lambda carry: body(*carry, *invariants),
        list(operands[:carries]),
    )


def _while_reference(call: OpCall, *arrays: Any, bodies: Sequence[Callable[..., Any]]) -> Any:
    condition, body = bodies
    count = call.attributes["carries"]
    carries, invariants = list(arrays[:count]), arrays[count:]
    while condition(*carries, *invariants)[0]:
        carries = body(*carries, *invariants)
    return carries


def _while_cost(call: OpCall) -> Cost:
    """That of one iteration: nobody knows how many there will be."""
    condition, body = (region_cost(region) for region in call.regions)
    return Cost(condition.flops + body.flops, condition.bytes + body.bytes)


def _while_regions() -> tuple[Graph, ...]:
    scalar = as_type("float32")
    condition = GraphBuilder()
    x, limit = condition.input(scalar, "x"), condition.input(scalar, "limit")
    condition.input(scalar, "factor")
    below = condition.finish([condition.compare(x, limit, direction="LT")])
    body = GraphBuilder()
    x, _, factor = (body.input(scalar, name) for name in ("x", "limit", "factor"))
    return (below, body.finish([body.multiply(x, factor)]))


WHILE_LOOP = REGISTRY.register(
    OpSpec(
        name="while_loop",
        doc="Runs a body on carries as long as a condition holds. Operands: carries, then "
        "loop-invariant arrays; both regions take all of them.",
        arity=None,
        attributes=Schema(carries=INTEGER),
        infer=_while_type,
        lower=RegionLowering(_lower_while),
        gradient=NoGradient(
            "the number of iterations is known only when it runs, so nothing could be saved for "
            "the way back; use scan, or stop the gradient at its operands",
            is_error=True,
        ),
        reference=_while_reference,
        cost=_while_cost,
        samples=lambda: [
            Sample(
                tuple(np.array(number, np.float32) for number in (first, 50, 3)),
                {"carries": 1},
                differentiable=False,
                make_regions=_while_regions,
            )
            for first in (1.0, 60.0)
        ],
        traits=Trait.REGION,
        region_names=("condition", "body"),
    )
)

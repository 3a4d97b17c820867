"""A function whose gradient somebody wrote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.errors import GradientError, ShapeError
from graphc.ir.attributes import INTEGERS, Schema
from graphc.ir.builder import Builder, GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.node import Value
from graphc.ir.op import Cost, InlineLowering, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, as_type
from graphc.opset.control_flow.signatures import (
    region_cost,
    require_count,
    require_inputs,
    require_regions,
    require_type,
)
from graphc.opset.samples import draw


def _type(call: OpCall) -> Sequence[TensorType]:
    forward, backward = require_regions(call, 2)
    require_inputs(call, forward, call.types, "the forward function")
    results = [value.type for value in forward.outputs]
    cotangents = [type_ for type_ in results if type_.dtype.is_inexact]
    require_inputs(call, backward, [*call.types, *cotangents], "the backward function")
    positions: tuple[int, ...] = call.attributes["gradients"]
    if any(not 0 <= position < len(call.types) for position in positions):
        raise call.error(ShapeError, "gradients of operands that it does not have", len(call.types))
    require_count(call, len(backward.outputs), len(positions), "number of gradients")
    for position, value in zip(positions, backward.outputs, strict=True):
        require_type(call, value.type, call.types[position], f"the gradient of operand {position}")
    return results


def _gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    cotangents: Sequence[Value],
) -> Sequence[Value | None]:
    """The backward function in place. What it shares with the forward one is merged later."""
    own, unknown = call.attributes["gradients"], call.attributes["unknown"]
    lost = [position for position in unknown if call.wants(position)]
    if lost:
        raise call.error(
            GradientError,
            f"a gradient flows to operand {lost[0]} ({call.types[lost[0]]}), which its function "
            "takes from outside, and its grad_fn says nothing about it",
            "gradients of all that is differentiated",
            "hand it over as an argument, or put graphc.stop_gradient around it",
        )
    backward = call.regions[1]
    given = [v for v in cotangents if v.type.dtype.is_inexact]
    mapped = dict(zip(backward.inputs, [*operands, *given], strict=True))
    for node in backward.nodes:
        if node.op.name != "input":
            inputs = tuple([mapped[value] for value in node.inputs])
            made = build.make(node.op, inputs, node.attributes, node.regions)
            mapped.update(zip(node.outputs, made.outputs, strict=True))
    gradients: list[Value | None] = [None] * len(operands)
    for position, value in zip(own, backward.outputs, strict=True):
        gradients[position] = mapped[value]
    return gradients


def _reference(call: OpCall, *arrays: Any, bodies: Sequence[Callable[..., Any]]) -> Any:
    return bodies[0](*arrays)


def _cost(call: OpCall) -> Cost:
    return region_cost(call.regions[0])


def _sample_regions() -> tuple[Graph, ...]:
    """log(1 + exp(x)), an integer, and a product; the gradient of the first without overflow."""
    vector, count = as_type("float64", (3,)), as_type("int32")
    forward = GraphBuilder()
    x, y, n = (forward.input(t, name) for t, name in ((vector, "x"), (vector, "y"), (count, "n")))
    results = [forward.log_plus_one(forward.exponential(x)), forward.add(n, n)]
    first = forward.finish([*results, forward.multiply(x, y)])
    backward = GraphBuilder()
    x, y, _ = (backward.input(t, name) for t, name in ((vector, "x"), (vector, "y"), (count, "n")))
    u, v = backward.input(vector, "u"), backward.input(vector, "v")
    slope = backward.multiply(u, backward.logistic(x))
    total = backward.add(slope, backward.multiply(v, y))
    return (first, backward.finish([total, backward.multiply(v, x)]))


CUSTOM_GRADIENT = REGISTRY.register(
    OpSpec(
        name="custom_gradient",
        doc="The forward function of its operands, whose gradient is the backward function: that "
        "takes the operands and a cotangent per result that is no integer, and gives those of the "
        "operands at `gradients`. One at `unknown` is refused; at any other the path ends.",
        arity=None,
        attributes=Schema(gradients=INTEGERS, unknown=INTEGERS),
        infer=_type,
        lower=InlineLowering(),
        gradient=_gradient,
        reference=_reference,
        cost=_cost,
        samples=lambda: [
            Sample(
                (draw(3, dtype="float64"), draw(3, dtype="float64", salt=1), draw(dtype="int32")),
                {"gradients": [0, 1], "unknown": []},
                make_regions=_sample_regions,
            )
        ],
        traits=Trait.REGION,
        region_names=("forward", "backward"),
    )
)

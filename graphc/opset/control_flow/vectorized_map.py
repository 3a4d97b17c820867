"""Running a graph for every slice of arrays at once, on arrays with one more axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax import lax

from graphc.errors import ShapeError
from graphc.ir.attributes import DIMENSION, INTEGER, Attribute, Schema
from graphc.ir.builder import Builder, GraphBuilder
from graphc.ir.differentiation import reached_inputs, reached_outputs, vjp_graph
from graphc.ir.forward_differentiation import jvp_graph
from graphc.ir.graph import Graph, topological_order
from graphc.ir.node import Value
from graphc.ir.op import Cost, Forward, OpCall, OpSpec, RegionLowering, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, as_type
from graphc.opset.control_flow.signatures import (
    region_cost,
    require_inputs,
    require_regions,
    used_inputs,
    with_inputs,
)
from graphc.opset.samples import draw


def _mapped(call: OpCall) -> int:
    """How many operands are mapped over; they come first."""
    return len(call.types) - call.attributes["invariants"]


def _type(call: OpCall) -> Sequence[TensorType]:
    (body,) = require_regions(call, 1)
    length, mapped = call.attributes["length"], _mapped(call)
    if not 0 <= mapped <= len(call.types):
        raise call.error(ShapeError, "has fewer operands than invariants", len(call.types))
    if isinstance(length, int) and length < 0:
        raise call.error(ShapeError, f"length is {length}", "at least 0")
    taken = list(call.types)
    for position, type_ in enumerate(call.types[:mapped]):
        if type_.rank == 0:
            raise call.error(ShapeError, f"operand {position} is mapped over, but has no axes")
        call.require_equal(
            type_.shape[0], length, f"the first size of operand {position} and the length"
        )
        taken[position] = type_.with_shape(type_.shape[1:])
    require_inputs(call, body, taken)
    return [v.type.with_shape((length, *v.type.shape)) for v in body.outputs]


def _lower(call: OpCall, bodies: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    mapped, length = _mapped(call), call.attributes["length"]
    if length == 0:  # JAX traces the body on one slice, and there is none
        return [lax.full(type_.shape, 0, type_.dtype.numpy) for type_ in call.results]
    axes = [0] * mapped + [None] * (len(operands) - mapped)
    run = jax.vmap(bodies[0], in_axes=axes, out_axes=0, axis_size=length)
    return run(*operands) if operands else run()


def _reference(call: OpCall, *arrays: Any, bodies: Sequence[Callable[..., Any]]) -> Any:
    mapped = _mapped(call)
    results = [np.zeros(type_.shape, type_.dtype.numpy) for type_ in call.results]
    for row in range(call.attributes["length"]):
        given = bodies[0](*[array[row] for array in arrays[:mapped]], *arrays[mapped:])
        for target, result in zip(results, given, strict=True):
            target[row] = result
    return results


def _make(
    build: Builder,
    call: OpCall,
    mapped: Sequence[Value],
    invariants: Sequence[Value],
    body: Graph,
) -> tuple[Value, ...]:
    """A map over as many rows; `body` takes slices of `mapped`, then `invariants`."""
    attributes = call.op.attributes.make(
        {"invariants": len(invariants), "length": call.attributes["length"]}, call.op.name
    )
    return build.make(call.op, (*mapped, *invariants), attributes, (body,)).outputs


def _gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    cotangents: Sequence[Value],
) -> Sequence[Value | None]:
    """The gradient of the body, mapped; that of an invariant is summed over the rows."""
    (body,), mapped = call.regions, _mapped(call)
    gradients: list[Value | None] = [None] * len(operands)
    given = [i for i in range(len(results)) if call.has_cotangent(i)]
    wanted = [i for i in sorted(reached_inputs(body, given)) if call.wants(i)]
    if not wanted:
        return gradients
    back = vjp_graph(body, wanted, given)
    used = used_inputs(back)
    rows = [i for i in range(mapped) if i in used]
    whole = [i for i in range(mapped, len(operands)) if i in used]
    last = [len(operands) + i for i in range(len(given)) if len(operands) + i in used]
    kept = with_inputs(back, used)
    by_position = dict(zip(sorted(used), kept.inputs, strict=True))
    inputs = [by_position[i] for i in (*rows, *last, *whole)]
    nodes = topological_order(kept.outputs, inputs)
    made = _make(
        build,
        call,
        [
            *[operands[i] for i in rows],
            *[cotangents[given[i - len(operands)]] for i in last],
        ],
        [operands[i] for i in whole],
        Graph(inputs, kept.outputs, nodes, constraints=kept.constraints),
    )
    for position, value in zip(wanted, made, strict=True):
        gradients[position] = value if position < mapped else build.reduce_sum(value, axes=(0,))
    return gradients


def _tangent(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    tangents: Sequence[Value | None],
) -> Forward:
    """The body with its tangents, mapped."""
    (body,), mapped = call.regions, _mapped(call)
    moved = {i: tangent for i, tangent in enumerate(tangents) if tangent is not None}
    reached = sorted(reached_outputs(body, moved))
    if not reached:
        return Forward(results, [None] * len(results))
    moving = jvp_graph(body, list(moved), reached)
    own, extra = moving.inputs[: len(operands)], moving.inputs[len(operands) :]
    rows = [e for i, e in zip(moved, extra, strict=True) if i < mapped]
    whole = [e for i, e in zip(moved, extra, strict=True) if i >= mapped]
    inputs = [*own[:mapped], *rows, *own[mapped:], *whole]
    nodes = topological_order(moving.outputs, inputs)
    made = _make(
        build,
        call,
        [*operands[:mapped], *[t for i, t in moved.items() if i < mapped]],
        [*operands[mapped:], *[t for i, t in moved.items() if i >= mapped]],
        Graph(inputs, moving.outputs, nodes, constraints=moving.constraints),
    )
    found = dict(zip(reached, made[len(results) :], strict=True))
    return Forward(made[: len(results)], [found.get(i) for i in range(len(results))])


def _cost(call: OpCall) -> Cost:
    cost, length = region_cost(call.regions[0]), call.attributes["length"]
    return Cost(cost.flops * length, cost.bytes * length)


def _sample_body() -> tuple[Graph, ...]:
    """Two mapped arrays, one of them of integers, and an invariant; three results."""
    build = GraphBuilder()
    vector, matrix = as_type("float64", (3,)), as_type("float64", (3, 2))
    x, count = build.input(vector, "x"), build.input(as_type("int32"), "count")
    w = build.input(matrix, "w")
    product = build.dot_general(x, w, lhs_contracting=(0,), rhs_contracting=(0,))
    scale = build.broadcast_in_dim(
        build.convert(count, dtype="float64"), shape=(3,), broadcast_dimensions=()
    )
    return (build.finish([build.tanh(product), build.multiply(x, scale), count]),)


def _samples() -> list[Sample]:
    return [
        Sample(
            (
                draw(length, 3, dtype="float64"),
                draw(length, dtype="int32"),
                draw(3, 2, dtype="float64", salt=1),
            ),
            {"invariants": 1, "length": length},
            make_regions=_sample_body,
        )
        for length in (4, 1, 0)
    ]


VECTORIZED_MAP = REGISTRY.register(
    OpSpec(
        name="vectorized_map",
        doc="Runs a body on every slice of arrays at once, and stacks what it gives. Operands: "
        "arrays that are mapped over, then arrays that every slice sees whole.",
        arity=None,
        attributes=Schema(invariants=Attribute(INTEGER, 0), length=DIMENSION),
        infer=_type,
        lower=RegionLowering(_lower),
        gradient=_gradient,
        tangent=_tangent,
        reference=_reference,
        cost=_cost,
        samples=_samples,
        traits=Trait.REGION,
        region_names=("body",),
    )
)

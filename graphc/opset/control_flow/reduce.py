"""`reduce`: combining all elements along some axes by a graph of one's own.

Source: StableHLO specification, reduce. The named reductions (`reduce_sum`, `argmax` and the like)
are faster in the reference, and have gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from jax import lax

from graphc.errors import ShapeError
from graphc.ir.attributes import AXES, Schema
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.op import Cost, NoGradient, OpCall, OpSpec, RegionLowering, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, as_type, tensor_type
from graphc.opset.control_flow.signatures import (
    region_cost,
    require_count,
    require_inputs,
    require_regions,
    require_type,
)
from graphc.opset.samples import draw
from graphc.opset.type_rules import common_shape, require_axes

Array = np.ndarray[Any, Any]


def _type(call: OpCall) -> Sequence[TensorType]:
    (body,) = require_regions(call, 1)
    count = len(call.types) // 2
    if not count or len(call.types) % 2:
        raise call.error(
            ShapeError,
            f"has {len(call.types)} operands",
            "tensors, and as many scalars to start from",
        )
    shape = common_shape(call, range(count))
    dimensions: tuple[int, ...] = call.attributes["dimensions"]
    require_axes(call, dimensions, len(shape), "dimensions")
    scalars = [tensor_type(type_.dtype, ()) for type_ in call.types[:count]]
    for position, scalar in enumerate(scalars):
        require_type(call, call.types[count + position], scalar, f"operand {count + position}")
    require_inputs(call, body, [*scalars, *scalars])
    require_count(call, len(body.outputs), count, "number of results of the body")
    for position, (value, scalar) in enumerate(zip(body.outputs, scalars, strict=True)):
        require_type(call, value.type, scalar, f"result {position} of the body")
    kept = tuple([size for axis, size in enumerate(shape) if axis not in dimensions])
    return [tensor_type(scalar.dtype, kept) for scalar in scalars]


def _lower(call: OpCall, bodies: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    count = len(operands) // 2
    dimensions: tuple[int, ...] = call.attributes["dimensions"]

    def combine(left: Sequence[Any], right: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(bodies[0](*left, *right))

    reduce = cast(Any, lax.reduce)
    return reduce(operands[:count], operands[count:], combine, dimensions)


def _reference(call: OpCall, *arrays: Array, bodies: Sequence[Callable[..., Any]]) -> list[Array]:
    """One element after the other, in row-major order."""
    count = len(arrays) // 2
    dimensions: tuple[int, ...] = call.attributes["dimensions"]
    rank = arrays[0].ndim
    order = [*[axis for axis in range(rank) if axis not in dimensions], *dimensions]
    moved = [np.transpose(array, order) for array in arrays[:count]]
    kept = moved[0].shape[: rank - len(dimensions)]
    results = [np.zeros(kept, type_.dtype.numpy) for type_ in call.results]
    for place in np.ndindex(kept):
        total: Sequence[Any] = arrays[count:]
        rows = [array[place].reshape(-1) for array in moved]
        for elements in zip(*rows, strict=True):
            total = bodies[0](*total, *elements)
        for result, number in zip(results, total, strict=True):
            result[place] = number
    return results


def _cost(call: OpCall) -> Cost:
    moved = call.types[0].byte_size * 0
    for type_ in (*call.types, *call.results):
        moved = moved + type_.byte_size
    return Cost(region_cost(call.regions[0]).flops * call.types[0].size, moved)


# --- samples --------------------------------------------------------------------------------------


def _body(write: Callable[..., list[Any]], *dtypes: str) -> tuple[Graph, ...]:
    build = GraphBuilder()
    inputs = [
        build.input(as_type(dtype), f"{side}{position}")
        for side in ("total", "element")
        for position, dtype in enumerate(dtypes)
    ]
    return (build.finish(write(build, *inputs)),)


def _sum() -> tuple[Graph, ...]:
    def write(build: Any, total: Any, x: Any) -> list[Any]:
        return [build.add(total, x)]

    return _body(write, "float32")


def _largest_with_place() -> tuple[Graph, ...]:
    """The maximum and its place; of equal elements the smaller place."""

    def write(build: Any, total: Any, place: Any, x: Any, at: Any) -> list[Any]:
        above = build.compare(x, total, direction="GT")
        ties = build.compare(x, total, direction="EQ")
        earlier = build.and_(ties, build.compare(at, place, direction="LT"))
        wins = build.or_(above, earlier)
        return [build.select(wins, x, total), build.select(wins, at, place)]

    return _body(write, "float32", "int32")


def _samples() -> list[Sample]:
    def sample(make: Any, dimensions: Sequence[int], *operands: Any) -> Sample:
        return Sample(operands, {"dimensions": dimensions}, differentiable=False, make_regions=make)

    zero, least = np.zeros((), np.float32), np.array(-np.inf, np.float32)
    nowhere = np.array(2**31 - 1, np.int32)
    x = np.array([[1, 5, 5], [7, 2, 7]], np.float32)
    places = np.arange(6, dtype=np.int32).reshape(2, 3)
    return [
        sample(_sum, [1], draw(2, 3), zero),
        sample(_sum, [0, 2], draw(2, 3, 2), zero),
        sample(_sum, [], draw(2, 3), zero),
        sample(_sum, [0], draw(0, 3), zero),
        sample(_largest_with_place, [1], x, places, least, nowhere),
        sample(_largest_with_place, [0, 1], x, places, least, nowhere),
    ]


REDUCE = REGISTRY.register(
    OpSpec(
        name="reduce",
        doc="All elements along some axes combined by a body, which takes totals and elements and "
        "gives totals. Operands: tensors of one shape, then as many scalars to start from. The "
        "body is associative and the scalars change nothing, so that the order is open.",
        arity=None,
        attributes=Schema(dimensions=AXES),
        infer=_type,
        lower=RegionLowering(_lower),
        gradient=NoGradient(
            "what a body does to its totals is not inverted; use reduce_sum and its relatives, or "
            "a scan, which saves the totals on its way",
            is_error=True,
        ),
        reference=_reference,
        cost=_cost,
        samples=_samples,
        traits=Trait.REGION | Trait.REDUCTION,
        region_names=("body",),
    )
)

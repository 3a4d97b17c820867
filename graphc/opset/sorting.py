"""Ops that put elements in order: `sort` and `top_k`.

Source: StableHLO specification, sort, with the comparison that JAX gives it; CHLO, top_k.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dimensions import Dimension
from graphc.dtypes import I32
from graphc.errors import ShapeError
from graphc.ir.attributes import INTEGER, TRUTH, Attribute, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Cost, OpCall, OpSpec, Recomputed, Sample
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import (
    NUMERIC,
    REAL,
    common_shape,
    require_axes,
    require_dtype,
    require_order,
)

Array = np.ndarray[Any, Any]
Values = Sequence[Value]


def _put_back(build: Builder, x: Value, places: Value, ct: Value, axis: int) -> Value:
    """Zeros of the type of `x`, with each cotangent at the place its element was taken from."""
    others = [each for each in range(x.type.rank) if each != axis]
    return build.scatter(
        build.full_like(x, 0),
        build.reshape(places, shape=(*places.type.shape, 1)),
        ct,
        update_window_dims=(),
        inserted_window_dims=(axis,),
        scatter_dims_to_operand_dims=(axis,),
        operand_batching_dims=others,
        scatter_indices_batching_dims=others,
        update_computation="add",
        mode="promise_in_bounds",
        unique_indices=True,
    )


# --- sort -----------------------------------------------------------------------------------------


def _sort_type(call: OpCall) -> Sequence[TensorType]:
    count: int = call.attributes["num_keys"]
    if not 1 <= count <= len(call.types):
        expected = f"1 to {len(call.types)}, the number of operands"
        raise call.error(ShapeError, f"num_keys is {count}", expected)
    for position in range(len(call.types)):
        require_dtype(call, position, NUMERIC)
    shape = common_shape(call)
    require_axes(call, [call.attributes["dimension"]], len(shape), "dimension")
    return [tensor_type(type_.dtype, shape) for type_ in call.types]


def _parts(key: Array) -> list[Array]:
    """What is compared first and, where that is equal, next."""
    if key.dtype.kind == "c":
        return [key.real, key.imag]
    return [key.astype(np.uint8) if key.dtype.kind == "b" else key]


def _sort_reference(call: OpCall, *arrays: Array) -> list[Array]:
    axis: int = call.attributes["dimension"]
    keys = [part for key in arrays[: call.attributes["num_keys"]] for part in _parts(key)]
    # The last key of lexsort is the first to be compared; it is stable, and puts NaN last.
    order = np.lexsort(keys[::-1], axis=axis)
    return [np.take_along_axis(array, order, axis) for array in arrays]


def _sort_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Recomputed:
    """Sorts the positions along, to know where each element came from."""
    axis: int = call.attributes["dimension"]
    start = build.iota(dtype=I32, shape=operands[0].type.shape, iota_dimension=axis)
    *again, places = build.sort(*operands, start, **call.attributes)
    cotangents = [
        _put_back(build, operand, places, ct[position], axis)
        if call.wants(position) and call.has_cotangent(position)
        else None
        for position, operand in enumerate(operands)
    ]
    return Recomputed(again, cotangents)


def _sort_cost(call: OpCall) -> Cost:
    axis: int = call.attributes["dimension"]
    size = call.types[0].shape[axis]
    rounds = math.ceil(math.log2(size)) if isinstance(size, int) and size > 1 else 1
    moved: Dimension = 0
    for type_ in call.types:
        moved = moved + 2 * type_.byte_size
    return Cost(call.types[0].size * rounds, moved)


def _sort_samples() -> list[Sample]:
    def sort(*operands: Array, differentiable: bool = True, **attributes: Any) -> Sample:
        return Sample(operands, {"dimension": 0, **attributes}, differentiable)

    ties = np.array([3, 1, 2, 1, 3, 1], np.float32)
    counts = np.arange(6, dtype=np.int32)
    edges = np.array([np.nan, -0.0, np.inf, 0.0, -np.inf, -np.nan, 2.5], np.float32)
    equal_parts = np.array([1 + 2j, 1 - 1j, 0 + 5j, 1 + 0j], np.complex64)
    return [
        sort(draw(2, 5), dimension=1),
        sort(draw(5)),
        sort(draw(4, 2, 3), dimension=0),
        sort(draw(3, 4), draw(3, 4, salt=1), dimension=1),
        sort(draw(6, salt=2), draw(6, salt=1), counts),
        sort(ties, counts, differentiable=False),
        sort(ties, -counts, draw(6), num_keys=2, differentiable=False),
        sort(ties, np.arange(6, 0, -1).astype(np.float32), num_keys=2, differentiable=False),
        sort(edges, np.arange(7, dtype=np.int32), differentiable=False),
        sort(draw(4), is_stable=False),
        sort(equal_parts, differentiable=False),
        sort(draw(0, 2)),
        sort(draw(2, 0)),
        sort(draw(1)),
        sort(draw(6, dtype="bool"), counts, differentiable=False),
        sort(draw(6, dtype="int8"), counts, differentiable=False),
        sort(draw(6, low=0, dtype="uint32"), draw(6, dtype="float64"), differentiable=False),
    ]


SORT = REGISTRY.register(
    OpSpec(
        name="sort",
        doc="Operands in increasing order of the first num_keys of them along a dimension: NaN is "
        "last, -0 equals 0, complex numbers go by their real parts, then by their imaginary parts.",
        arity=None,
        attributes=Schema(
            dimension=INTEGER, num_keys=Attribute(INTEGER, 1), is_stable=Attribute(TRUTH, True)
        ),
        infer=_sort_type,
        lower=primitive(
            "sort",
            lambda call: {
                "dimension": call.attributes["dimension"],
                "is_stable": call.attributes["is_stable"],
                "num_keys": call.attributes["num_keys"],
            },
        ),
        gradient=_sort_gradient,
        reference=_sort_reference,
        cost=_sort_cost,
        samples=_sort_samples,
    )
)

# --- top_k ----------------------------------------------------------------------------------------


def _top_k_type(call: OpCall) -> Sequence[TensorType]:
    dtype = require_dtype(call, 0, REAL)
    operand, k = call.types[0], call.attributes["k"]
    if not operand.rank or k < 0:
        raise call.error(ShapeError, f"cannot take {k} elements", "an axis, and a k of at least 0")
    require_order(call, k, operand.shape[-1], "there must be k elements", operand.rank - 1)
    shape = (*operand.shape[:-1], k)
    return [tensor_type(dtype, shape), tensor_type(I32, shape)]


def _total_order(x: Array) -> Array:
    """Integers that are ordered as floats are by IEEE 754's total order."""
    if x.dtype.kind != "f":
        return x.astype(np.uint8) if x.dtype.kind == "b" else x
    bits = np.ascontiguousarray(x).view(f"i{x.dtype.itemsize}").reshape(x.shape)
    return np.where(bits < 0, bits ^ np.iinfo(bits.dtype).max, bits)


def _top_k_reference(call: OpCall, x: Array) -> list[Array]:
    # The complement of integers turns their order around, and cannot overflow.
    order = np.argsort(~_total_order(x), axis=-1, kind="stable")[..., : call.attributes["k"]]
    return [np.take_along_axis(x, order, -1), order.astype(np.int32)]


def _top_k_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Sequence[Value | None]:
    return (_put_back(build, operands[0], results[1], ct[0], operands[0].type.rank - 1),)


def _top_k_samples() -> list[Sample]:
    def top(x: Array, k: int, differentiable: bool = True) -> Sample:
        return Sample((x,), {"k": k}, differentiable)

    edges = np.array([1, np.nan, -0.0, 0.0, -np.nan, np.inf, -np.inf, 3], np.float32)
    return [
        top(draw(2, 5), 3),
        top(draw(6), 1),
        top(draw(4), 4),
        top(draw(2, 3, 4), 2),
        top(np.array([3, 1, 3, 1, 2, 3], np.float32), 4, differentiable=False),
        top(edges, 8, differentiable=False),
        top(draw(3), 0),
        top(draw(0, 3), 2),
        top(draw(2, 0), 0),
        top(draw(6, dtype="int8"), 3, differentiable=False),
        top(draw(6, low=0, dtype="uint16"), 3, differentiable=False),
        top(draw(6, dtype="bool"), 3, differentiable=False),
    ]


TOP_K = REGISTRY.register(
    OpSpec(
        name="top_k",
        doc="The k largest elements along the last axis in decreasing order, and their positions; "
        "of equal ones the first. By IEEE's total order: NaN is above infinity, -NaN below all, "
        "-0 below 0.",
        arity=1,
        attributes=Schema(k=INTEGER),
        infer=_top_k_type,
        lower=primitive(
            "top_k",
            lambda call: {"k": call.attributes["k"], "axis": call.types[0].rank - 1},
            since_0_11={"is_stable": True},
        ),
        gradient=_top_k_gradient,
        reference=_top_k_reference,
        samples=_top_k_samples,
    )
)

"""Parts of tensors, and tensors with parts put in: slice and pad.

Bounds may be symbolic. Where an order of two sizes cannot be decided yet (`limit <= size`), the
rule accepts it: it runs again, and decides, when the sizes are known. Source: StableHLO.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dimensions import Dimension, at_least
from graphc.dtypes import BOOL
from graphc.ir.attributes import INTEGERS, SHAPE, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Cost, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import (
    NUMERIC,
    dilated_size,
    require_dtype,
    require_one_per_axis,
    require_order,
    require_rank,
)

Values = Sequence[Value]
Cotangents = Sequence[Value | None]
Array = np.ndarray[Any, Any]
Sizes = tuple[Dimension, ...]


# --- slice ----------------------------------------------------------------------------------------


def _slice_type(call: OpCall) -> TensorType:
    dtype = require_dtype(call, 0, NUMERIC)
    require_one_per_axis(call, "start_indices", "limit_indices", "strides")
    starts: Sizes = call.attributes["start_indices"]
    limits: Sizes = call.attributes["limit_indices"]
    strides: tuple[int, ...] = call.attributes["strides"]
    shape: list[Dimension] = []
    for axis, (start, limit, stride) in enumerate(zip(starts, limits, strides, strict=True)):
        require_order(call, 0, start, "the start index must be at least 0", axis)
        require_order(call, start, limit, "the start index must be at most the limit index", axis)
        require_order(
            call, limit, call.types[0].shape[axis], "the limit index must be at most the size", axis
        )
        require_order(call, 1, stride, "the stride must be at least 1", axis)
        shape.append((limit - start + stride - 1) // stride)
    return tensor_type(dtype, tuple(shape))


def _slice_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    starts: Sizes = call.attributes["start_indices"]
    interior = [stride - 1 for stride in call.attributes["strides"]]
    high = [
        size - start - dilated_size(taken, holes)
        for size, start, taken, holes in zip(
            call.types[0].shape, starts, call.result.shape, interior, strict=True
        )
    ]
    zero = build.full(0, call.result.dtype)
    return (build.pad(ct[0], zero, low=starts, high=high, interior=interior),)


def _slice_reference(call: OpCall, x: Array) -> Array:
    bounds = zip(
        call.attributes["start_indices"],
        call.attributes["limit_indices"],
        call.attributes["strides"],
        strict=True,
    )
    return x[tuple(slice(*bound) for bound in bounds)]


def _slice_parameters(call: OpCall) -> dict[str, Any]:
    strides = call.attributes["strides"]
    return {
        "start_indices": call.attributes["start_indices"],
        "limit_indices": call.attributes["limit_indices"],
        "strides": strides if any(stride != 1 for stride in strides) else None,
    }


def _slice_samples() -> list[Sample]:
    def bounds(*triples: tuple[int, int, int]) -> dict[str, Any]:
        starts, limits, strides = zip(*triples, strict=True) if triples else ((), (), ())
        return {"start_indices": starts, "limit_indices": limits, "strides": strides}

    return [
        Sample((draw(4, 5),), bounds((1, 3, 1), (0, 5, 1))),
        Sample((draw(4, 7),), bounds((0, 4, 2), (1, 6, 3))),
        Sample((draw(8),), bounds((1, 8, 3))),
        Sample((draw(8),), bounds((2, 7, 3))),
        Sample((draw(4),), bounds((2, 2, 1))),
        Sample((draw(4),), bounds((4, 4, 2))),
        Sample((draw(0, 2),), bounds((0, 0, 1), (0, 1, 1))),
        Sample((draw(),), bounds()),
        Sample((draw(4, dtype="bfloat16"),), bounds((1, 4, 2))),
        Sample((draw(4, dtype="complex64"),), bounds((1, 4, 2))),
        Sample((draw(4, dtype="uint32", low=0),), bounds((1, 4, 2)), differentiable=False),
        Sample((draw(4, dtype="bool"),), bounds((1, 3, 1)), differentiable=False),
    ]


SLICE = REGISTRY.register(
    OpSpec(
        name="slice",
        doc="The elements from start_indices to before limit_indices, in steps of strides.",
        arity=1,
        attributes=Schema(start_indices=SHAPE, limit_indices=SHAPE, strides=INTEGERS),
        infer=_slice_type,
        lower=primitive("slice", _slice_parameters),
        gradient=_slice_gradient,
        reference=_slice_reference,
        cost=lambda call: Cost(0, call.result.byte_size * 2),
        samples=_slice_samples,
        traits=Trait.SHAPE_MOVE,
    )
)


# --- pad ------------------------------------------------------------------------------------------


def _pad_type(call: OpCall) -> TensorType:
    dtype = require_dtype(call, 0, NUMERIC)
    require_dtype(call, 1, frozenset([dtype]))
    require_rank(call, 1, 0)
    require_one_per_axis(call, "low", "high", "interior")
    low, high = call.attributes["low"], call.attributes["high"]
    shape: list[Dimension] = []
    for axis, holes in enumerate(call.attributes["interior"]):
        require_order(call, 0, holes, "interior must be at least 0", axis)
        size = low[axis] + dilated_size(call.types[0].shape[axis], holes) + high[axis]
        require_order(call, 0, size, "the size of the result must be at least 0", axis)
        shape.append(size)
    return tensor_type(dtype, tuple(shape))


def _pad_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    shares: list[Value | None] = [None, None]
    if call.wants(0):
        shares[0] = _without_padding(build, call, ct[0])
    if call.wants(1):
        # The difference of two sums would do as well, and would lose digits.
        no, yes = build.full(False, BOOL, call.types[0].shape), build.full(True, BOOL)
        inner = build.pad(no, yes, **call.attributes)
        padding = build.select(inner, ct[0], build.full_like(ct[0], 0))
        shares[1] = build.reduce_sum(padding, axes=range(call.result.rank))
    return shares


def _without_padding(build: Builder, call: OpCall, ct: Value) -> Value:
    low: Sizes = call.attributes["low"]
    high: Sizes = call.attributes["high"]
    interior: tuple[int, ...] = call.attributes["interior"]
    dilated = [dilated_size(s, h) for s, h in zip(call.types[0].shape, interior, strict=True)]
    starts: Sequence[Dimension] = low
    if not all(at_least(edge, 0) for edge in (*low, *high)):
        # Elements that were cut off come back as zeros.
        zero = build.full(0, ct.type.dtype)
        ct = build.pad(
            ct,
            zero,
            low=[-edge for edge in low],
            high=[-edge for edge in high],
            interior=[0] * len(low),
        )
        starts = [0] * len(low)
        if not any(interior):
            return ct
    limits = [start + size for start, size in zip(starts, dilated, strict=True)]
    strides = [holes + 1 for holes in interior]
    return build.slice(ct, start_indices=starts, limit_indices=limits, strides=strides)


def _pad_reference(call: OpCall, x: Array, padding: Array) -> Array:
    result = np.full(call.result.shape, padding, x.dtype)
    sources: list[Array] = []
    targets: list[Array] = []
    for axis, size in enumerate(x.shape):
        step: int = call.attributes["interior"][axis] + 1
        low: int = call.attributes["low"][axis]
        target = low + step * np.arange(int(size))
        source = np.flatnonzero((target >= 0) & (target < result.shape[axis]))
        sources.append(source)
        targets.append(target[source])
    result[np.ix_(*targets)] = x[np.ix_(*sources)]
    return result


def _pad_samples() -> list[Sample]:
    def pad(x: Array, *edges: tuple[int, int, int]) -> Sample:
        low, high, interior = zip(*edges, strict=True) if edges else ((), (), ())
        padding = draw(dtype=str(x.dtype), salt=1)
        attributes = {"low": low, "high": high, "interior": interior}
        return Sample((x, padding), attributes, differentiable=x.dtype.kind not in "bui")

    return [
        pad(draw(2, 3), (1, 2, 0), (0, 1, 0)),
        pad(draw(2, 3), (1, 0, 2), (0, 1, 1)),
        pad(draw(4, 5), (-1, 2, 0), (1, -2, 0)),
        pad(draw(4, 5), (-2, -1, 2), (1, -3, 1)),
        pad(draw(3), (-5, 6, 0)),
        pad(draw(2, 0), (0, 0, 3), (1, 1, 2)),
        pad(draw(3), (-1, -2, 0)),
        pad(draw()),
        pad(draw(3, dtype="bfloat16"), (1, -1, 1)),
        pad(draw(3, dtype="float64"), (1, -1, 1)),
        pad(draw(3, dtype="complex64"), (1, -1, 1)),
        pad(draw(3, dtype="int16"), (1, -1, 1)),
        pad(draw(3, dtype="bool"), (1, 1, 1)),
    ]


PAD = REGISTRY.register(
    OpSpec(
        name="pad",
        doc="Puts a value before, after and between elements; negative edges cut elements off.",
        arity=2,
        attributes=Schema(low=SHAPE, high=SHAPE, interior=INTEGERS),
        infer=_pad_type,
        lower=primitive(
            "pad",
            lambda call: {
                "padding_config": tuple(
                    zip(
                        call.attributes["low"],
                        call.attributes["high"],
                        call.attributes["interior"],
                        strict=True,
                    )
                )
            },
        ),
        gradient=_pad_gradient,
        reference=_pad_reference,
        samples=_pad_samples,
        traits=Trait.SHAPE_MOVE,
    )
)

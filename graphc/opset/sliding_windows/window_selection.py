"""The first maximum or minimum in each window: additions to it, and what stands beside it.

Each is the other's transpose; with them the extrema of windows have gradients of any order. In a
window that holds nothing but minus infinity (for a minimum: plus infinity), what wins may be
padding. On a GPU JAX packs a pair of numbers into one of 64 bits to gather: of float64, which then
loses digits, it warns (JAX's own second derivatives do the same). Source: StableHLO
specification, select_and_scatter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax import lax

from graphc.ir.attributes import Schema, choice
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Cost, OpCall, OpSpec, Sample
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.sliding_windows.reduction_windows import (
    PLACES,
    dilation_parameters,
    place_parameters,
    window_counts,
    windows_of,
)
from graphc.opset.sliding_windows.window import all_meetings, offsets, pad_array, unpad_array
from graphc.opset.type_rules import (
    FLOATING,
    common_shape,
    require_dtype,
    require_order,
    require_rank,
    require_same_dtype,
)

Array = np.ndarray[Any, Any]
Values = Sequence[Value]
Cotangents = Sequence[Value | None]

_SELECT = choice("GE", "LE")
_PRIMITIVES = {"GE": lax.ge_p, "LE": lax.le_p}


def _counts(call: OpCall) -> tuple[Any, ...]:
    require_dtype(call, 0, FLOATING)
    require_same_dtype(call)
    shape = call.types[1].shape
    counts = window_counts(call, shape)
    for axis, window in enumerate(windows_of(call, len(shape))):
        require_order(call, 0, window.low, "padding must be at least 0", axis)
        require_order(call, 0, window.high, "padding must be at least 0", axis)
    return counts


def _cost(call: OpCall) -> Cost:
    operand = call.types[1]
    met = all_meetings(operand.shape, windows_of(call, operand.rank))
    moved = call.types[0].byte_size + operand.byte_size + call.result.byte_size
    return Cost(met, moved)


def _parameters(call: OpCall) -> dict[str, Any]:
    select = _PRIMITIVES[call.attributes["select"]]
    return {"select_prim": select, **place_parameters(call, call.types[1].rank)}


def _winners(call: OpCall, operand: Array, counts: Sequence[int]) -> Array:
    """For each window the number of its element that wins, in row-major order."""
    sign = 1 if call.attributes["select"] == "GE" else -1
    windows = windows_of(call, operand.ndim)
    padded = pad_array(sign * operand, windows, -np.inf)
    best = np.full(counts, -np.inf, operand.dtype)
    found = np.zeros(counts, np.int64)
    for place, at in enumerate(offsets(windows, counts)):
        loses = ~(best >= padded[at])  # as XLA asks, so that NaN wins and loses as there
        best = np.where(loses, padded[at], best)
        found = np.where(loses, place, found)
    return found


def _samples(scatter: bool) -> list[Sample]:
    def select(shape: Any, *window: int, made: Any, salt: int = 0, **others: Any) -> Sample:
        operand, dtype = draw(*shape, salt=salt), others.pop("dtype", "float32")
        beside = draw(*(made if scatter else shape), salt=1, dtype=dtype)
        attributes = {"select": "GE", "window_dimensions": window, **others}
        return Sample((beside, operand.astype(beside.dtype)), attributes)

    ties = np.array([1, 1, 0, 2, 2], np.float32)
    beside = draw(4 if scatter else 5, salt=2)
    return [
        select((2, 4), 1, 2, made=(2, 3)),
        select((3, 4), 2, 3, made=(3, 2), select="LE", window_strides=(1, 2),
               padding_low=(1, 1), padding_high=(0, 1)),
        select((5,), 2, made=(2,), window_strides=(3,)),
        select((0, 3), 1, 2, made=(0, 2)),
        select((2,), 3, made=(0,)),
        select((4,), 2, made=(3,), dtype="bfloat16"),
        Sample((beside, ties), {"select": "GE", "window_dimensions": (2,)}, differentiable=False),
    ]  # fmt: skip


# --- select_and_scatter_add -----------------------------------------------------------------------


def _scatter_type(call: OpCall) -> TensorType:
    counts = _counts(call)
    require_rank(call, 0, len(counts))
    for axis, (mine, wanted) in enumerate(zip(call.types[0].shape, counts, strict=True)):
        call.require_equal(mine, wanted, f"the sizes of axis {axis} of source and windows")
    return call.types[1]


def _scatter_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    if not call.wants(0):
        return (None, None)
    return (build.select_and_gather_add(ct[0], operands[1], **call.attributes), None)


def _scatter_reference(call: OpCall, source: Array, operand: Array) -> Array:
    windows = windows_of(call, operand.ndim)
    winners = _winners(call, operand, source.shape)
    total = pad_array(np.zeros_like(operand), windows, 0)
    for place, at in enumerate(offsets(windows, source.shape)):
        total[at] += np.where(winners == place, source, np.zeros_like(source))
    return unpad_array(total, operand.shape, windows)


SELECT_AND_SCATTER_ADD = REGISTRY.register(
    OpSpec(
        name="select_and_scatter_add",
        doc="Adds a source element per window to the first element of the operand that wins there.",
        arity=2,
        attributes=Schema(select=_SELECT, **PLACES),
        infer=_scatter_type,
        lower=primitive("select_and_scatter_add", _parameters),
        gradient=_scatter_gradient,
        reference=_scatter_reference,
        cost=_cost,
        samples=lambda: _samples(True),
    )
)

# --- select_and_gather_add ------------------------------------------------------------------------


def _gather_type(call: OpCall) -> TensorType:
    counts = _counts(call)
    common_shape(call)
    return tensor_type(call.types[0].dtype, counts)


def _gather_parameters(call: OpCall) -> dict[str, Any]:
    return {**_parameters(call), **dilation_parameters(call, call.types[1].rank)}


def _gather_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    if not call.wants(0):
        return (None, None)
    return (build.select_and_scatter_add(ct[0], operands[1], **call.attributes), None)


def _gather_reference(call: OpCall, beside: Array, operand: Array) -> Array:
    windows = windows_of(call, operand.ndim)
    counts: Any = call.result.shape
    winners = _winners(call, operand, counts)
    padded = pad_array(beside, windows, 0)
    made = np.zeros(counts, beside.dtype)
    for place, at in enumerate(offsets(windows, counts)):
        made = np.where(winners == place, padded[at], made)
    return made


SELECT_AND_GATHER_ADD = REGISTRY.register(
    OpSpec(
        name="select_and_gather_add",
        doc="For each window, what stands beside the first element of the operand that wins there.",
        arity=2,
        attributes=Schema(select=_SELECT, **PLACES),
        infer=_gather_type,
        lower=primitive("select_and_gather_add", _gather_parameters),
        gradient=_gather_gradient,
        reference=_gather_reference,
        cost=_cost,
        samples=lambda: _samples(False),
    )
)

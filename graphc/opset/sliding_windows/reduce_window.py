"""Sums and extrema of the elements in each window that slides over an operand.

Padding and holes count as what the operation starts from: 0 for a sum, minus infinity (or the
least integer) for a maximum. Source: StableHLO specification, reduce_window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc.dtypes import DType
from graphc.ir.attributes import Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Cost, Gradient, OpCall, OpSpec, Sample
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.sliding_windows.extremum_gradients import gradient_to_winners
from graphc.opset.sliding_windows.reduction_windows import (
    DILATED_PLACES,
    dilation_parameters,
    place_parameters,
    window_counts,
    windows_of,
)
from graphc.opset.sliding_windows.window import all_meetings, offsets, pad_array
from graphc.opset.type_rules import ARITHMETIC, REAL_ARITHMETIC, dilated_size, require_dtype

Array = np.ndarray[Any, Any]
Values = Sequence[Value]
Cotangents = Sequence[Value | None]


def _parameters(call: OpCall) -> dict[str, Any]:
    rank = call.types[0].rank
    return {**place_parameters(call, rank), **dilation_parameters(call, rank)}


def _cost(call: OpCall) -> Cost:
    operand = call.types[0]
    met = all_meetings(operand.shape, windows_of(call, operand.rank))
    return Cost(met, operand.byte_size + call.result.byte_size)


def _least(dtype: np.dtype[Any]) -> Any:
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def _greatest(dtype: np.dtype[Any]) -> Any:
    return np.iinfo(dtype).max if dtype.kind in "iu" else np.inf


def define_window_reduction(
    name: str,
    doc: str,
    allowed: frozenset[DType],
    gradient: Gradient,
    combine: np.ufunc,
    start: Callable[[np.dtype[Any]], Any],
    dtypes: Sequence[str],
    beyond: Sequence[dict[str, Any]] = (),
) -> OpSpec:
    """Register a reduction of windows; see `OpSpec` for the facets.

    Args:
        name: that of JAX's primitive.
        doc: one line.
        allowed: the element types of the operand, and of the result.
        gradient: the reverse-mode rule.
        combine: two elements into one, in NumPy.
        start: of an element type, what it starts from.
        dtypes: element types for samples besides float32.
        beyond: attributes that JAX differentiates for this reduction alone.
    """

    def infer(call: OpCall) -> TensorType:
        dtype = require_dtype(call, 0, allowed)
        return tensor_type(dtype, window_counts(call, call.types[0].shape))

    def compute(call: OpCall, x: Array) -> Array:
        windows = windows_of(call, x.ndim)
        padded = pad_array(x, windows, start(x.dtype))
        counts: Any = call.result.shape
        made = np.full(counts, start(x.dtype), x.dtype)
        for at in offsets(windows, counts):
            made = np.asarray(combine(made, padded[at])).astype(x.dtype)
        return made

    def samples() -> list[Sample]:
        def slide(x: Array, *window: int, **others: Any) -> Sample:
            smooth = x.dtype.kind not in "bui" and bool(np.isfinite(x).all())
            return Sample((x,), {"window_dimensions": window, **others}, differentiable=smooth)

        ties = np.array([1, 1, 0, 1, np.nan, 2], np.float32)
        return [
            slide(draw(2, 5), 1, 2),
            slide(draw(4, 5), 3, 2, window_strides=(1, 2), padding_low=(1, 0), padding_high=(1, 1)),
            slide(draw(7), 3, window_dilation=(2,), padding_low=(1,), window_strides=(2,)),
            slide(draw(2, 3), 2, 2, base_dilation=(1, 2), padding_high=(0, 1)),
            slide(draw(3), 2, window_strides=(4,)),
            slide(draw(2), 3),
            slide(draw(0, 3), 1, 2),
            slide(ties, 2),
            *[slide(draw(4, dtype=dtype, low=0), 2) for dtype in dtypes],
            *[slide(draw(5), 2, **each) for each in beyond],
        ]

    return REGISTRY.register(
        OpSpec(
            name=name,
            doc=doc,
            arity=1,
            attributes=Schema(**DILATED_PLACES),
            infer=infer,
            lower=primitive(name, _parameters),
            gradient=gradient,
            reference=compute,
            cost=_cost,
            samples=samples,
        )
    )


# --- reduce_window_sum ----------------------------------------------------------------------------


def _sum_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    """The sums of windows turned around, over the cotangent with the strides as its holes."""
    shape = call.types[0].shape
    windows = windows_of(call, len(shape))
    counts = call.result.shape
    low = [window.extent - 1 - window.low for window in windows]
    high = [
        dilated_size(size, window.base_dilation - 1)
        + window.low
        - dilated_size(count, window.stride - 1)
        for size, count, window in zip(shape, counts, windows, strict=True)
    ]
    zero = build.full(0, ct[0].type.dtype)
    interior = [window.stride - 1 for window in windows]
    spread = build.pad(ct[0], zero, low=low, high=high, interior=interior)
    share = build.reduce_window_sum(
        spread,
        window_dimensions=call.attributes["window_dimensions"],
        window_strides=[window.base_dilation for window in windows],
        window_dilation=[window.window_dilation for window in windows],
    )
    return (share,)


REDUCE_WINDOW_SUM = define_window_reduction(
    "reduce_window_sum", "The sum of the elements in each window.", ARITHMETIC, _sum_gradient,
    np.add, lambda dtype: 0, ("bfloat16", "complex64", "int8", "uint32"),
    (
        {"window_strides": (3,), "padding_low": (-1,), "padding_high": (2,)},
        {"base_dilation": (2,), "window_dilation": (3,), "window_strides": (2,),
         "padding_low": (2,), "padding_high": (1,)},
        {"base_dilation": (4,), "padding_low": (3,)},
    ),
)  # fmt: skip

# --- reduce_window_max, reduce_window_min ---------------------------------------------------------


def _max_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    windows = windows_of(call, call.types[0].rank)
    return (gradient_to_winners(build, operands[0], ct[0], windows, "GE"),)


def _min_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    windows = windows_of(call, call.types[0].rank)
    return (gradient_to_winners(build, operands[0], ct[0], windows, "LE"),)


_REAL_DTYPES = ("bfloat16", "int16", "uint8")

REDUCE_WINDOW_MAX = define_window_reduction(
    "reduce_window_max", "The maximum of the elements in each window; NaN where there is one.",
    REAL_ARITHMETIC, _max_gradient, np.maximum, _least, _REAL_DTYPES,
)  # fmt: skip

REDUCE_WINDOW_MIN = define_window_reduction(
    "reduce_window_min", "The minimum of the elements in each window; NaN where there is one.",
    REAL_ARITHMETIC, _min_gradient, np.minimum, _greatest, _REAL_DTYPES,
)  # fmt: skip

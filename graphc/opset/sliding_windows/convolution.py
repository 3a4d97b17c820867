"""convolution: sums of products of a kernel with the windows of an input.

JAX has no reversed windows; reverse the kernel. Source: StableHLO specification, convolution.

XLA for CPUs has fast kernels for one order of axes, and brings convolutions into it, but not those
inside of loops: there, one in another order ran up to 40 times slower (measured). So all are
lowered in that order, with transposes around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax import lax

from graphc.dtypes import BOOL, DType
from graphc.errors import DTypeError, ShapeError
from graphc.ir.attributes import DTYPE, Attribute, Schema, optional
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import OpCall, OpSpec, Sample, TracedLowering, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.lowerings import lowered_precision
from graphc.opset.samples import draw
from graphc.opset.sliding_windows.convolution_definition import (
    ATTRIBUTES,
    cost_of,
    divided,
    numbers_of,
    shared_attributes,
    spatial,
    windows_of,
)
from graphc.opset.sliding_windows.dimension_numbers import DimensionNumbers
from graphc.opset.sliding_windows.window import check_windows, offsets, pad_array
from graphc.opset.type_rules import NUMERIC, require_dtype, require_rank, require_same_dtype

Array = np.ndarray[Any, Any]


def _type(call: OpCall) -> TensorType:
    dtype = require_dtype(call, 0, NUMERIC - {BOOL})
    require_same_dtype(call)
    preferred: DType | None = call.attributes["preferred_element_type"]
    if preferred is not None:
        same_kind = preferred.kind == dtype.kind or (dtype.is_integer and preferred.is_floating)
        if not same_kind or preferred.itemsize < dtype.itemsize:
            raise call.error(
                DTypeError,
                f"products of {dtype} cannot give {preferred}",
                "the same kind of number, at least as wide; integers may give floats",
            )
        dtype = preferred
    numbers = numbers_of(call)
    for position in (0, 1):
        require_rank(call, position, len(numbers.lhs))
    features, batches = (call.attributes[f"{name}_group_count"] for name in ("feature", "batch"))
    if min(features, batches) < 1 or min(features, batches) != 1:
        raise call.error(
            ShapeError,
            "the group counts do not fit",
            "both at least 1, and at most one of them above 1",
        )
    lhs, rhs = (type_.shape for type_ in call.types)
    call.require_equal(
        lhs[numbers.lhs[1]],
        rhs[numbers.rhs[1]] * features,
        "the features of the input and those of the kernel times feature_group_count",
    )
    divided(call, rhs[numbers.rhs[0]], features * batches, "the output features of the kernel")
    batch = divided(call, lhs[numbers.lhs[0]], batches, "the batch")
    counts = check_windows(call, spatial(lhs, numbers.lhs), windows_of(call, rhs))
    made = (batch, rhs[numbers.rhs[0]], *counts)
    return tensor_type(dtype, tuple(made[numbers.out.index(a)] for a in range(len(made))))


def _parameters(call: OpCall) -> dict[str, Any]:
    attributes = call.attributes
    windows = windows_of(call, call.types[1].shape)
    preferred: DType | None = attributes["preferred_element_type"]
    return {
        "window_strides": tuple(w.stride for w in windows),
        "padding": tuple((w.low, w.high) for w in windows),
        "lhs_dilation": tuple(w.base_dilation for w in windows),
        "rhs_dilation": tuple(w.window_dilation for w in windows),
        "dimension_numbers": lax.ConvDimensionNumbers(*_numbers_lowered(call.types[0].rank)),
        "feature_group_count": attributes["feature_group_count"],
        "batch_group_count": attributes["batch_group_count"],
        "precision": lowered_precision(call),
        "preferred_element_type": None if preferred is None else preferred.numpy,
    }


def _numbers_lowered(rank: int) -> DimensionNumbers:
    """Batch, space, features; for the kernel space, input features, output features."""
    space = range(1, rank - 1)
    images = (0, rank - 1, *space)
    return DimensionNumbers(images, (rank - 1, rank - 2, *range(rank - 2)), images)


def _lower(call: OpCall, lhs: Any, rhs: Any) -> Any:
    given, lowered = numbers_of(call), _numbers_lowered(call.types[0].rank)

    def moved(array: Any, source: Sequence[int], target: Sequence[int]) -> Any:
        """An array whose axes play these parts, so that other axes do."""
        order = [source[target.index(axis)] for axis in range(len(target))]
        return array if order == list(range(len(order))) else lax.transpose(array, order)

    made = lax.conv_general_dilated(
        moved(lhs, given.lhs, lowered.lhs), moved(rhs, given.rhs, lowered.rhs), **_parameters(call)
    )
    return moved(made, lowered.out, given.out)


def _gradient(
    build: Builder,
    call: OpCall,
    operands: Sequence[Value],
    results: Sequence[Value],
    ct: Sequence[Value],
) -> Sequence[Value | None]:
    wide = [x if x.type.dtype is ct[0].type.dtype else build.convert(x, dtype=ct[0].type.dtype)
            for x in operands]  # fmt: skip
    shared = shared_attributes(call)
    shares: list[Value | None] = [None, None]
    if call.wants(0):
        shares[0] = build.convolution_input_gradient(
            ct[0], wide[1], input_shape=call.types[0].shape, **shared
        )
    if call.wants(1):
        shares[1] = build.convolution_kernel_gradient(
            wide[0], ct[0], kernel_shape=call.types[1].shape, **shared
        )
    return [
        share
        if share is None or share.type.dtype is type_.dtype
        else build.convert(share, dtype=type_.dtype)
        for share, type_ in zip(shares, call.types, strict=True)
    ]


def _reference(call: OpCall, lhs: Array, rhs: Array) -> Array:
    numbers, windows = numbers_of(call), windows_of(call, call.types[1].shape)
    features, batches = (call.attributes[f"{name}_group_count"] for name in ("feature", "batch"))
    dtype = call.result.dtype.numpy
    x = pad_array(lhs.astype(dtype).transpose(numbers.lhs), windows, 0)
    w = rhs.astype(dtype).transpose(numbers.rhs)
    sizes = [call.result.shape[axis] for axis in numbers.out]
    made = np.zeros(sizes, dtype)
    counts: Any = sizes[2:]
    groups = features * batches
    outputs = w.shape[0] // groups
    spread = w.reshape(*w.shape[:2], -1)
    for group in range(groups):
        rows = x.shape[0] // batches
        mine = x[group * rows : (group + 1) * rows] if batches > 1 else x
        inputs = w.shape[1]
        if features > 1:
            mine = mine[:, group * inputs : (group + 1) * inputs]
        out = slice(group * outputs, (group + 1) * outputs)
        for place, at in enumerate(offsets(windows, counts)):
            part = np.tensordot(mine[at], spread[out, :, place], axes=([1], [1]))
            made[:, out] += np.moveaxis(part, -1, 1).astype(dtype)
    return made.transpose(np.argsort(numbers.out))


def _samples() -> list[Sample]:
    def convolve(lhs: Array, rhs: Array, numbers: str, **others: Any) -> Sample:
        attributes = {"dimension_numbers": numbers, **others}
        return Sample((lhs, rhs), attributes, differentiable=lhs.dtype.kind not in "bui")

    rows, plane = "b0f_0io->b0f", "b01f_01io->b01f"
    half = draw(1, 3, 2, dtype="bfloat16"), draw(2, 2, 2, dtype="bfloat16")
    whole = draw(1, 3, 2, dtype="int8"), draw(2, 2, 2, dtype="int8")
    dilated = {"window_strides": (2,), "lhs_dilation": (3,), "rhs_dilation": (2,)}
    return [
        convolve(draw(1, 4, 2), draw(2, 2, 2), rows),
        convolve(draw(2, 3), draw(3, 2), "bf_io->bf"),
        convolve(draw(2, 4, 5, 1), draw(2, 3, 1, 2), plane, window_strides=(1, 2),
                 padding_low=(1, 0), padding_high=(0, 2)),
        convolve(draw(1, 2, 5), draw(2, 2, 2), "bf0_oi0->bf0", padding_low=(-1,),
                 padding_high=(3,)),
        convolve(draw(1, 4, 1), draw(2, 1, 2), rows, padding_low=(2,), padding_high=(1,),
                 **dilated),
        convolve(draw(1, 4, 4), draw(2, 2, 4), rows, feature_group_count=2),
        convolve(draw(4, 3, 2), draw(2, 2, 4), rows, batch_group_count=2),
        convolve(draw(3, 2, 2, 1, 2), draw(1, 2, 1, 2, 2), "0b12f_012io->f0b12"),
        convolve(draw(0, 3, 2), draw(2, 2, 1), rows),
        convolve(draw(1, 2, 1), draw(3, 1, 2), rows),
        convolve(draw(1, 3, 2), draw(2, 2, 1), rows, precision="highest"),
        convolve(*half, rows, preferred_element_type="float32"),
        convolve(*whole, rows, preferred_element_type="int32"),
    ]  # fmt: skip


CONVOLUTION = REGISTRY.register(
    OpSpec(
        name="convolution",
        doc="Sums of products of a kernel with the windows of an input, by groups of features.",
        arity=2,
        attributes=Schema(**ATTRIBUTES, preferred_element_type=Attribute(optional(DTYPE), None)),
        infer=_type,
        lower=TracedLowering(_lower),
        gradient=_gradient,
        reference=_reference,
        cost=lambda call: cost_of(call, call.types[0].shape, call.types[1].shape),
        samples=_samples,
        traits=Trait.CONTRACTION,
    )
)

"""The gradients of a convolution under their own names, so that a pass may find and replace them.

With the convolution they are the derivatives of one sum of products, each made of the other two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.errors import ShapeError
from graphc.ir.attributes import SHAPE, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.samples import draw
from graphc.opset.sliding_windows.convolution_definition import (
    ATTRIBUTES,
    cost_of,
    numbers_of,
    shared_attributes,
    spatial,
    windows_of,
)
from graphc.opset.sliding_windows.dimension_numbers import DimensionNumbers, write_dimension_numbers
from graphc.opset.sliding_windows.window import offsets, pad_array, unpad_array
from graphc.opset.type_rules import INEXACT, dilated_size, require_dtype, require_same_dtype

Array = np.ndarray[Any, Any]
Values = Sequence[Value]
Cotangents = Sequence[Value | None]


def _forward(call: OpCall, lhs: Any, rhs: Any, cotangent: int) -> None:
    """Check the types against the convolution that these are gradients of."""
    dtype = require_dtype(call, 0, INEXACT)
    require_same_dtype(call)
    op = REGISTRY["convolution"]
    attributes = op.attributes.make(shared_attributes(call), op.name)
    forward = OpCall(op, (tensor_type(dtype, lhs), tensor_type(dtype, rhs)), attributes)
    given, expected = call.types[cotangent], forward.result
    call.constraints.extend(forward.constraints)
    if given.rank != expected.rank:
        raise call.error(ShapeError, f"the cotangent has {given.rank} axes", f"{expected}")
    for axis, (mine, wanted) in enumerate(zip(given.shape, expected.shape, strict=True)):
        call.require_equal(mine, wanted, f"the sizes of axis {axis} of cotangent and result")


def _swapped(axes: tuple[int, ...]) -> tuple[int, ...]:
    return (axes[1], axes[0], *axes[2:])


def _regrouped(build: Builder, x: Value, source: int, target: int, groups: int) -> Value:
    """Groups of one axis as the leading part of another."""
    if groups == 1:
        return x
    shape = list(x.type.shape)
    shape[source : source + 1] = [groups, shape[source] // groups]
    split = build.reshape(x, shape=shape)
    place = target + (source < target)
    rest = [axis for axis in range(len(shape)) if axis != source]
    rest.insert(rest.index(place), source)
    final = list(x.type.shape)
    final[source], final[target] = final[source] // groups, final[target] * groups
    return build.reshape(build.transpose(split, permutation=rest), shape=final)


def _groups(call: OpCall) -> tuple[int, int]:
    return call.attributes["feature_group_count"], call.attributes["batch_group_count"]


# --- convolution_input_gradient -------------------------------------------------------------------


def _input_type(call: OpCall) -> TensorType:
    _forward(call, call.attributes["input_shape"], call.types[1].shape, 0)
    return tensor_type(call.types[0].dtype, call.attributes["input_shape"])


def _input_decomposition(build: Builder, call: OpCall, ct: Value, kernel: Value) -> Value:
    numbers, shape = numbers_of(call), call.attributes["input_shape"]
    windows = windows_of(call, kernel.type.shape)
    features, batches = _groups(call)
    turned = build.reverse(kernel, dimensions=numbers.rhs[2:])
    turned = _regrouped(build, turned, numbers.rhs[0], numbers.rhs[1], features * batches)
    low: list[Any] = []
    high: list[Any] = []
    sizes = zip(spatial(shape, numbers.lhs), spatial(ct.type.shape, numbers.out), strict=True)
    for window, (size, count) in zip(windows, sizes, strict=True):
        low.append(window.extent - window.low - 1)
        spread = dilated_size(count, window.stride - 1)
        high.append(dilated_size(size, window.base_dilation - 1) + window.low - spread)
    back = DimensionNumbers(numbers.out, _swapped(numbers.rhs), numbers.lhs)
    made = build.convolution(
        ct,
        turned,
        dimension_numbers=write_dimension_numbers(back),
        window_strides=[w.base_dilation for w in windows],
        padding_low=low,
        padding_high=high,
        lhs_dilation=[w.stride for w in windows],
        rhs_dilation=[w.window_dilation for w in windows],
        feature_group_count=features * batches,
        precision=call.attributes["precision"],
    )
    return _regrouped(build, made, numbers.lhs[1], numbers.lhs[0], batches)


def _input_rule(build: Builder, call: OpCall, xs: Values, ys: Values, ct: Values) -> Cotangents:
    shared = shared_attributes(call)
    kernel = {"kernel_shape": call.types[1].shape, **shared}
    return (
        build.convolution(ct[0], xs[1], **shared) if call.wants(0) else None,
        build.convolution_kernel_gradient(ct[0], xs[0], **kernel) if call.wants(1) else None,
    )


def _parts(call: OpCall, count: int, batch: int) -> list[tuple[slice, slice, slice]]:
    """Of each group: its rows of the batch, input features, output features."""
    features, batches = _groups(call)
    kernel = call.types[1].shape if "input_shape" in call.attributes else None
    shape: Any = call.attributes["kernel_shape"] if kernel is None else kernel
    inputs, rows = shape[numbers_of(call).rhs[1]], batch // batches
    parts: list[tuple[slice, slice, slice]] = []
    for group in range(features * batches):
        out = slice(group * count, (group + 1) * count)
        row = slice(group * rows, (group + 1) * rows) if batches > 1 else slice(None)
        mine = slice(group * inputs, (group + 1) * inputs) if features > 1 else slice(None)
        parts.append((row, mine, out))
    return parts


def _input_reference(call: OpCall, ct: Array, kernel: Array) -> Array:
    numbers, windows = numbers_of(call), windows_of(call, call.types[1].shape)
    c, w = ct.transpose(numbers.out), kernel.transpose(numbers.rhs)
    shape = [call.attributes["input_shape"][axis] for axis in numbers.lhs]
    made = pad_array(np.zeros(shape, ct.dtype), windows, 0)
    spread = w.reshape(*w.shape[:2], -1)
    counts = w.shape[0] // int(np.prod(_groups(call)))
    for row, mine, out in _parts(call, counts, shape[0]):
        for place, at in enumerate(offsets(windows, c.shape[2:])):
            part = np.tensordot(c[:, out], spread[out, :, place], axes=([1], [0]))
            made[row, mine][at] += np.moveaxis(part, -1, 1).astype(ct.dtype)
    return unpad_array(made, shape, windows).transpose(np.argsort(numbers.lhs))


# --- convolution_kernel_gradient ------------------------------------------------------------------


def _kernel_type(call: OpCall) -> TensorType:
    _forward(call, call.types[0].shape, call.attributes["kernel_shape"], 1)
    return tensor_type(call.types[0].dtype, call.attributes["kernel_shape"])


def _kernel_decomposition(build: Builder, call: OpCall, x: Value, ct: Value) -> Value:
    numbers, shape = numbers_of(call), call.attributes["kernel_shape"]
    if any(isinstance(size, int) and size == 0 for size in ct.type.shape):
        return build.full(0, x.type.dtype, shape)  # XLA has no window without elements
    windows = windows_of(call, shape)
    features, batches = _groups(call)
    high: list[Any] = []
    sizes = zip(
        spatial(x.type.shape, numbers.lhs), spatial(ct.type.shape, numbers.out), strict=True
    )
    for window, (size, count) in zip(windows, sizes, strict=True):
        reach = dilated_size(count, window.stride - 1) + window.extent - 1
        high.append(reach - dilated_size(size, window.base_dilation - 1) - window.low)
    back = DimensionNumbers(*[_swapped(axes) for axes in (numbers.lhs, numbers.out, numbers.rhs)])
    return build.convolution(
        x,
        ct,
        dimension_numbers=write_dimension_numbers(back),
        window_strides=[w.window_dilation for w in windows],
        padding_low=[w.low for w in windows],
        padding_high=high,
        lhs_dilation=[w.base_dilation for w in windows],
        rhs_dilation=[w.stride for w in windows],
        feature_group_count=batches,
        batch_group_count=features,
        precision=call.attributes["precision"],
    )


def _kernel_rule(build: Builder, call: OpCall, xs: Values, ys: Values, ct: Values) -> Cotangents:
    shared = shared_attributes(call)
    inputs = {"input_shape": call.types[0].shape, **shared}
    return (
        build.convolution_input_gradient(xs[1], ct[0], **inputs) if call.wants(0) else None,
        build.convolution(xs[0], ct[0], **shared) if call.wants(1) else None,
    )


def _kernel_reference(call: OpCall, lhs: Array, ct: Array) -> Array:
    shape: Any = call.attributes["kernel_shape"]
    numbers, windows = numbers_of(call), windows_of(call, shape)
    x = pad_array(lhs.transpose(numbers.lhs), windows, 0)
    c = ct.transpose(numbers.out)
    sizes = [shape[axis] for axis in numbers.rhs]
    made = np.zeros((*sizes[:2], int(np.prod(sizes[2:]))), ct.dtype)
    summed = [0, *range(2, c.ndim)]
    for row, mine, out in _parts(call, sizes[0] // int(np.prod(_groups(call))), x.shape[0]):
        for place, at in enumerate(offsets(windows, c.shape[2:])):
            part = np.tensordot(c[:, out], x[row, mine][at], axes=(summed, summed))
            made[out, :, place] += part.astype(ct.dtype)
    return made.reshape(sizes).transpose(np.argsort(numbers.rhs))


# --- both -----------------------------------------------------------------------------------------


def _samples(of_input: bool) -> list[Sample]:
    def gradient(lhs: Any, rhs: Any, out: Any, numbers: str, **others: Any) -> Sample:
        ct = draw(*out, salt=1)
        operands = (ct, draw(*rhs)) if of_input else (draw(*lhs), ct)
        shape = {"input_shape": lhs} if of_input else {"kernel_shape": rhs}
        return Sample(operands, {"dimension_numbers": numbers, **shape, **others})

    rows = "b0f_0io->b0f"
    dilated = {"window_strides": (2,), "lhs_dilation": (3,), "rhs_dilation": (2,)}
    return [
        gradient((1, 4, 2), (2, 2, 2), (1, 3, 2), rows),
        gradient((1, 2, 5), (2, 2, 2), (1, 2, 3), "bf0_oi0->bf0", window_strides=(2,),
                 padding_low=(1,)),
        gradient((1, 4, 1), (2, 1, 2), (1, 6, 2), rows, padding_low=(2,), padding_high=(1,),
                 **dilated),
        gradient((1, 4, 4), (2, 2, 4), (1, 3, 4), rows, feature_group_count=2),
        gradient((4, 3, 2), (2, 2, 4), (2, 2, 4), rows, batch_group_count=2),
        gradient((1, 2, 1), (3, 1, 2), (1, 0, 2), rows),
    ]  # fmt: skip


CONVOLUTION_INPUT_GRADIENT = REGISTRY.register(
    OpSpec(
        name="convolution_input_gradient",
        doc="The gradient of a convolution by its input, of cotangent and kernel.",
        arity=2,
        attributes=Schema(**ATTRIBUTES, input_shape=SHAPE),
        infer=_input_type,
        lower=ByDecomposition(),
        gradient=_input_rule,
        reference=_input_reference,
        cost=lambda call: cost_of(call, call.attributes["input_shape"], call.types[1].shape),
        samples=lambda: _samples(True),
        traits=Trait.CONTRACTION | Trait.COMPOSITE,
        decomposition=_input_decomposition,
    )
)
CONVOLUTION_KERNEL_GRADIENT = REGISTRY.register(
    OpSpec(
        name="convolution_kernel_gradient",
        doc="The gradient of a convolution by its kernel, of input and cotangent.",
        arity=2,
        attributes=Schema(**ATTRIBUTES, kernel_shape=SHAPE),
        infer=_kernel_type,
        lower=ByDecomposition(),
        gradient=_kernel_rule,
        reference=_kernel_reference,
        cost=lambda call: cost_of(call, call.types[0].shape, call.attributes["kernel_shape"]),
        samples=lambda: _samples(False),
        traits=Trait.CONTRACTION | Trait.COMPOSITE,
        decomposition=_kernel_decomposition,
    )
)

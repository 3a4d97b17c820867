"""Normalisation of each feature over a batch, with given or with the batch's own statistics.

Statistics, and the gradients of scale and offset, are at least float32: a mean that was rounded to
16 bits would be of no use to the way back. Vectors of features may be wider than what they scale.

Source: StableHLO specification, batch_norm_inference, batch_norm_training, batch_norm_grad, which
have one element type for all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphc.errors import ShapeError
from graphc.ir.attributes import FLOAT, INTEGER, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.normalization.statistics import (
    Array,
    Axes,
    Cotangents,
    Values,
    along,
    as_type,
    computed_in,
    count_like,
    inverse_root,
    mean,
    passes_cost,
    require_epsilon,
    require_vectors,
    vector_shape,
    widened,
)
from graphc.opset.samples import draw
from graphc.opset.type_rules import FLOATING, require_axes, require_dtype

_SCHEMA = Schema(epsilon=FLOAT, feature_index=INTEGER)


def _check(call: OpCall, *vectors: str) -> TensorType:
    for position in range(len(call.types)):
        require_dtype(call, position, FLOATING)
    x = call.types[0]
    axis: int = call.attributes["feature_index"]
    require_axes(call, [axis], x.rank, "feature_index")
    require_epsilon(call)
    require_vectors(call, x.shape[axis], vectors)
    return x


def _statistic(call: OpCall) -> TensorType:
    """The type of a number per feature that is computed."""
    x = call.types[0]
    axis: int = call.attributes["feature_index"]
    return tensor_type(computed_in(x.dtype), (x.shape[axis],))


def _batch_axes(call: OpCall) -> tuple[int, ...]:
    axes = range(call.types[0].rank)
    return tuple([axis for axis in axes if axis != call.attributes["feature_index"]])


def _centred(build: Builder, call: OpCall, x: Value, average: Value) -> Value:
    return build.subtract(x, along(build, average, call.attributes["feature_index"], x))


def _wide(build: Builder, operands: Sequence[Value]) -> list[Value]:
    """Operands in the element type in which x is computed with."""
    dtype = computed_in(operands[0].type.dtype)
    return [as_type(build, value, dtype) for value in operands]


def _samples(*vectors: str, with_ct: bool = False) -> list[Sample]:
    def sample(*shape: int, index: int, far: float = 0, epsilon: float = 1e-3) -> Sample:
        size = shape[index]
        given = [
            draw(size, salt=1 + i, low=0.5 if name == "variance" else -2)
            for i, name in enumerate(vectors)
        ]
        ct = [draw(*shape, salt=9)] if with_ct else []
        operands = (draw(*shape) + np.float32(far), *given, *ct)
        return Sample(operands, {"epsilon": epsilon, "feature_index": index}, rtol=1e-4)

    return [
        sample(4, 3, index=1),
        sample(2, 3, 2, index=1),
        sample(3, 4, index=0),
        sample(1, 3, index=1, epsilon=0.5),  # a batch of one example: variance 0
        sample(5, 2, index=1, far=100),
    ]


# --- batch_norm_inference -------------------------------------------------------------------------


def _inference_type(call: OpCall) -> TensorType:
    return _check(call, "scale", "offset", "mean", "variance")


def _inference(build: Builder, call: OpCall, *operands: Value) -> Value:
    x, scale, offset, average, variance = _wide(build, operands)
    axis = call.attributes["feature_index"]
    factor = build.multiply(inverse_root(build, variance, call.attributes["epsilon"]), scale)
    scaled = build.multiply(_centred(build, call, x, average), along(build, factor, axis, x))
    made = build.add(scaled, along(build, offset, axis, x))
    return as_type(build, made, operands[0].type.dtype)


def _inference_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    x, scale, _, average, variance = _wide(build, operands)
    axis, wide = call.attributes["feature_index"], widened(build, ct[0])
    inverse = inverse_root(build, variance, call.attributes["epsilon"])
    factor = build.multiply(inverse, scale)
    for_x = build.multiply(wide, along(build, factor, axis, wide))
    for_scale = for_offset = for_mean = for_variance = None
    axes = _batch_axes(call)
    if call.wants(2) or call.wants(3):
        for_offset = build.reduce_sum(wide, axes=axes)
        for_mean = build.negate(build.multiply(for_offset, factor))
    if call.wants(1) or call.wants(4):
        products = build.multiply(wide, _centred(build, call, x, average))
        for_scale = build.multiply(build.reduce_sum(products, axes=axes), inverse)
        half = build.multiply(build.multiply(factor, inverse), build.full_like(factor, -0.5))
        for_variance = build.multiply(for_scale, half)
    found = (for_x, for_scale, for_offset, for_mean, for_variance)
    return [
        None if each is None else as_type(build, each, operand.type.dtype)
        for each, operand in zip(found, operands, strict=True)
    ]


def _inference_reference(
    call: OpCall, x: Array, scale: Array, offset: Array, average: Array, variance: Array
) -> Array:
    shape = vector_shape(x, call.attributes["feature_index"])
    wide = [np.asarray(each, np.float64).reshape(shape) for each in (scale, offset, average)]
    root = np.sqrt(np.asarray(variance, np.float64) + call.attributes["epsilon"]).reshape(shape)
    return ((np.asarray(x, np.float64) - wide[2]) / root * wide[0] + wide[1]).astype(x.dtype)


BATCH_NORM_INFERENCE = REGISTRY.register(
    OpSpec(
        name="batch_norm_inference",
        doc="(x - mean) / sqrt(variance + epsilon) of each feature, times scale, plus offset, with "
        "given statistics; operands: x, scale, offset, mean, variance.",
        arity=5,
        attributes=_SCHEMA,
        infer=_inference_type,
        lower=ByDecomposition(),
        gradient=_inference_gradient,
        reference=_inference_reference,
        cost=lambda call: passes_cost(call, 3),
        samples=lambda: _samples("scale", "offset", "mean", "variance"),
        traits=Trait.COMPOSITE,
        decomposition=_inference,
    )
)

# --- batch_norm_training --------------------------------------------------------------------------


def _training_type(call: OpCall) -> Sequence[TensorType]:
    return [_check(call, "scale", "offset"), _statistic(call), _statistic(call)]


def _training(build: Builder, call: OpCall, *operands: Value) -> tuple[Value, ...]:
    x, scale, offset = _wide(build, operands)
    axis, axes = call.attributes["feature_index"], _batch_axes(call)
    average = mean(build, x, axes)
    centred = _centred(build, call, x, average)
    variance = mean(build, build.multiply(centred, centred), axes)
    factor = build.multiply(inverse_root(build, variance, call.attributes["epsilon"]), scale)
    scaled = build.multiply(centred, along(build, factor, axis, x))
    made = build.add(scaled, along(build, offset, axis, x))
    return (as_type(build, made, operands[0].type.dtype), average, variance)


def _training_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    x, scale, _ = operands
    _, average, variance = results
    for_x, for_scale, for_offset = build.batch_norm_grad(
        x, scale, average, variance, ct[0], **call.attributes
    )
    through_mean, through_variance = (call.has_cotangent(position) for position in (1, 2))
    if through_mean or through_variance:
        for_x = build.add(for_x, _through_statistics(build, call, operands[0], results, ct))
    vectors = zip((for_scale, for_offset), operands[1:], strict=True)
    return [for_x, *[as_type(build, each, operand.type.dtype) for each, operand in vectors]]


def _through_statistics(
    build: Builder, call: OpCall, x: Value, results: Values, ct: Values
) -> Value:
    """The cotangent of x through the mean and the variance that are results themselves."""
    axis, wide = call.attributes["feature_index"], widened(build, x)
    for_mean, for_variance = ct[1:]
    two = build.full_like(wide, 2)
    centred = _centred(build, call, wide, results[1])
    slope = build.multiply(build.multiply(centred, two), along(build, for_variance, axis, wide))
    total = build.add(slope, along(build, for_mean, axis, wide))
    count = count_like(build, wide, _batch_axes(call), total)
    return as_type(build, build.divide(total, count), x.type.dtype)


def _training_reference(
    call: OpCall, x: Array, scale: Array, offset: Array
) -> tuple[Array, Array, Array]:
    wide, axes = np.asarray(x, np.float64), _batch_axes(call)
    average, variance = wide.mean(axis=axes), wide.var(axis=axes)
    made = _inference_reference(call, wide, scale, offset, average, variance)
    statistic = call.results[1].dtype.numpy
    return made.astype(x.dtype), average.astype(statistic), variance.astype(statistic)


BATCH_NORM_TRAINING = REGISTRY.register(
    OpSpec(
        name="batch_norm_training",
        doc="(x - mean) / sqrt(variance + epsilon) of each feature over the batch, times scale, "
        "plus offset; then the mean, and the variance (divided by the number of elements).",
        arity=3,
        attributes=_SCHEMA,
        infer=_training_type,
        lower=ByDecomposition(),
        gradient=_training_gradient,
        reference=_training_reference,
        cost=lambda call: passes_cost(call, 7),
        samples=lambda: _samples("scale", "offset"),
        traits=Trait.COMPOSITE,
        decomposition=_training,
    )
)

# --- batch_norm_grad ------------------------------------------------------------------------------


def _grad_type(call: OpCall) -> Sequence[TensorType]:
    x, ct = _check(call, "scale", "mean", "variance"), call.types[4]
    if ct.rank != x.rank:
        raise call.error(ShapeError, f"the cotangent has {ct.rank} axes", f"{x.rank}, as x has")
    for axis, (mine, theirs) in enumerate(zip(x.shape, ct.shape, strict=True)):
        call.require_equal(mine, theirs, f"the sizes of axis {axis} of x and its cotangent")
    return [x, _statistic(call), _statistic(call)]


def _grad(build: Builder, call: OpCall, *operands: Value) -> tuple[Value, ...]:
    x, scale, average, variance, ct = _wide(build, operands)
    axis, axes = call.attributes["feature_index"], _batch_axes(call)
    inverse = inverse_root(build, variance, call.attributes["epsilon"])
    normal = build.multiply(_centred(build, call, x, average), along(build, inverse, axis, x))
    for_scale = build.reduce_sum(build.multiply(ct, normal), axes=axes)
    for_offset = build.reduce_sum(ct, axes=axes)
    # what changes the mean or the spread of all together is taken out: it changes no result
    share = build.multiply(normal, along(build, _mean_of(build, x, axes, for_scale), axis, x))
    shift = along(build, _mean_of(build, x, axes, for_offset), axis, x)
    left = build.subtract(build.subtract(ct, share), shift)
    for_x = build.multiply(left, along(build, build.multiply(scale, inverse), axis, x))
    return (as_type(build, for_x, operands[0].type.dtype), for_scale, for_offset)


def _mean_of(build: Builder, x: Value, axes: Axes, total: Value) -> Value:
    return build.divide(total, count_like(build, x, axes, total))


def _grad_reference(call: OpCall, *operands: Array) -> Sequence[Array]:
    index: int = call.attributes["feature_index"]
    x, ct = (
        np.moveaxis(np.asarray(operands[position], np.float64), index, -1) for position in (0, 4)
    )
    scale, average, variance = (np.asarray(each, np.float64) for each in operands[1:4])
    root = np.sqrt(variance + call.attributes["epsilon"])
    rows, grads = ((each.reshape(-1, each.shape[-1])) for each in (x, ct))
    normal = (rows - average) / root
    for_scale, for_offset = (grads * normal).sum(axis=0), grads.sum(axis=0)
    count = max(len(rows), 1)
    for_x = scale / root / count * (count * grads - for_offset - normal * for_scale)
    moved = np.moveaxis(for_x.reshape(x.shape), -1, index)
    found = zip((moved, for_scale, for_offset), call.results, strict=True)
    return [each.astype(type_.dtype.numpy) for each, type_ in found]


BATCH_NORM_GRAD = REGISTRY.register(
    OpSpec(
        name="batch_norm_grad",
        doc="The cotangents of x, scale and offset of batch_norm_training; operands: x, scale, "
        "mean and variance of the batch, the cotangent of the result.",
        arity=5,
        attributes=_SCHEMA,
        infer=_grad_type,
        lower=ByDecomposition(),
        gradient=ByDecomposition(),
        reference=_grad_reference,
        cost=lambda call: passes_cost(call, 9),
        samples=lambda: _samples("scale", "mean", "variance", with_ct=True),
        traits=Trait.COMPOSITE,
        decomposition=_grad,
    )
)

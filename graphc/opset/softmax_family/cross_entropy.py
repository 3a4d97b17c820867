"""Cross-entropies from logits: of distributions, of class numbers, of independent yes-or-no labels.

Logits are what softmax or the sigmoid would be applied to; the losses are computed from them
directly, so they stay finite where a probability would round to 0. Losses are per example: no mean
is taken.
"""

from __future__ import annotations

import numpy as np

from graphc.errors import ShapeError
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.samples import draw
from graphc.opset.softmax_family.along_axis import (
    Array,
    Cotangents,
    Values,
    below_maximum,
    passes_cost,
    repeat,
    sum_along,
    without_axis,
)
from graphc.opset.type_rules import (
    FLOATING,
    INTEGER,
    common_shape,
    elementwise,
    require_dtype,
    require_same_dtype,
)


def _last_axis(call: OpCall) -> int:
    if call.types[0].rank == 0:
        raise call.error(ShapeError, "the logits have no axes", "classes along the last axis")
    return call.types[0].rank - 1


def _log_softmax_reference(x: Array) -> Array:
    shifted = x - np.max(x, axis=-1, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True))


# --- softmax_cross_entropy ------------------------------------------------------------------------


def _dense_type(call: OpCall) -> TensorType:
    dtype = require_dtype(call, 0, FLOATING)
    require_same_dtype(call)
    axis = _last_axis(call)
    shape = common_shape(call)
    return without_axis(call.types[0].with_shape(shape).with_dtype(dtype), axis)


def _dense(build: Builder, call: OpCall, logits: Value, targets: Value) -> Value:
    axis = _last_axis(call)
    terms = build.multiply(targets, build.log_softmax(logits, axis=axis))
    return build.negate(sum_along(build, terms, axis))


def _dense_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    (logits, targets), axis = operands, _last_axis(call)
    along = repeat(build, ct[0], logits, axis)
    for_logits = for_targets = None
    if call.wants(0):
        # the targets need not sum to 1: the softmax comes as often as they do
        weights = repeat(build, sum_along(build, targets, axis), logits, axis)
        expected = build.multiply(build.softmax(logits, axis=axis), weights)
        for_logits = build.multiply(along, build.subtract(expected, targets))
    if call.wants(1):
        logarithms = build.log_softmax(logits, axis=axis)
        for_targets = build.negate(build.multiply(along, logarithms))
    return (for_logits, for_targets)


def _dense_reference(call: OpCall, logits: Array, targets: Array) -> Array:
    return -np.sum(targets * _log_softmax_reference(logits), axis=-1)


def _dense_samples() -> list[Sample]:
    extreme = np.array([[1000, -1000, 999], [-1000, -1001, -1000]], np.float32)
    one_hot = np.array([[0, 1, 0], [0, 0, 1]], np.float32)
    return [
        Sample((draw(2, 3), draw(2, 3, low=0, high=1, salt=1))),
        Sample((draw(4), draw(4, low=0, high=1, salt=1))),
        Sample((draw(2, 3, 4), draw(2, 3, 4, low=0, high=1, salt=1))),
        Sample((extreme, one_hot), differentiable=False),
    ]


SOFTMAX_CROSS_ENTROPY = REGISTRY.register(
    OpSpec(
        name="softmax_cross_entropy",
        doc="-sum(targets * log_softmax(logits)) over the last axis.",
        arity=2,
        infer=_dense_type,
        lower=ByDecomposition(),
        gradient=_dense_gradient,
        reference=_dense_reference,
        cost=lambda call: passes_cost(call, 7),
        samples=_dense_samples,
        traits=Trait.COMPOSITE,
        decomposition=_dense,
    )
)

# --- sparse_softmax_cross_entropy -----------------------------------------------------------------


def _sparse_type(call: OpCall) -> TensorType:
    require_dtype(call, 0, FLOATING)
    require_dtype(call, 1, INTEGER)
    result, labels = without_axis(call.types[0], _last_axis(call)), call.types[1]
    if labels.rank != result.rank:
        raise call.error(
            ShapeError,
            f"labels have {labels.rank} axes, logits {call.types[0].rank}",
            "one label per row of logits: the shape of the logits without the last axis",
        )
    shape = [
        call.require_equal(left, right, f"the sizes of axis {axis} of logits and labels")
        for axis, (left, right) in enumerate(zip(result.shape, labels.shape, strict=True))
    ]
    return result.with_shape(tuple(shape))


def _chosen(build: Builder, logits: Value, labels: Value, axis: int) -> tuple[Value, Value]:
    """Where the class is the label's, and where a label is the number of a class."""
    dtype = labels.type.dtype
    classes = build.iota(dtype=dtype, shape=logits.type.shape, iota_dimension=axis)
    chosen = build.compare(classes, repeat(build, labels, logits, axis), direction="EQ")
    return chosen, build.reduce_or(chosen, axes=(axis,))


def _sparse(build: Builder, call: OpCall, logits: Value, labels: Value) -> Value:
    axis = _last_axis(call)
    shifted = below_maximum(build, logits, axis)
    chosen, is_class = _chosen(build, logits, labels, axis)
    zeros = build.full_like(logits, 0)
    logit = sum_along(build, build.select(chosen, shifted, zeros), axis)
    total = build.log(sum_along(build, build.exponential(shifted), axis))
    loss = build.subtract(total, logit)
    return build.select(is_class, loss, build.full_like(loss, 0))


def _sparse_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    (logits, labels), axis = operands, _last_axis(call)
    chosen, is_class = _chosen(build, logits, labels, axis)
    counted = build.select(is_class, ct[0], build.full_like(ct[0], 0))
    target = build.convert(chosen, dtype=logits.type.dtype)
    difference = build.subtract(build.softmax(logits, axis=axis), target)
    return (build.multiply(repeat(build, counted, logits, axis), difference), None)


def _sparse_reference(call: OpCall, logits: Array, labels: Array) -> Array:
    is_class = (labels >= 0) & (labels < logits.shape[-1])
    index = np.where(is_class, labels, 0).astype(np.int64)[..., None]
    losses = -np.take_along_axis(_log_softmax_reference(logits), index, axis=-1)[..., 0]
    return np.where(is_class, losses, np.zeros_like(losses))


def _sparse_samples() -> list[Sample]:
    extreme = np.array([[1000, -1000, 999], [-1000, -1001, -1000]], np.float32)
    masked = np.array([[0.5, -np.inf, 1]], np.float32)
    labels = np.array([1, 2], np.int32)
    return [
        Sample((draw(2, 3), labels)),
        Sample((draw(2, 3), labels.astype(np.uint8))),
        Sample((draw(4, 3), np.array([-1, 0, 3, 2], np.int64))),
        Sample((draw(4), np.array(3, np.int32))),
        Sample((draw(2, 2, 4), np.array([[0, 3], [1, 1]], np.int32))),
        Sample((extreme, labels), differentiable=False),
        Sample((masked, np.array([2], np.int32)), differentiable=False),
    ]


SPARSE_SOFTMAX_CROSS_ENTROPY = REGISTRY.register(
    OpSpec(
        name="sparse_softmax_cross_entropy",
        doc="-log_softmax(logits)[label] over the last axis; 0, with gradient 0, where the label "
        "is the number of no class (as in Keras, where labels become one-hot rows).",
        arity=2,
        infer=_sparse_type,
        lower=ByDecomposition(),
        gradient=_sparse_gradient,
        reference=_sparse_reference,
        cost=lambda call: passes_cost(call, 6),
        samples=_sparse_samples,
        traits=Trait.COMPOSITE,
        decomposition=_sparse,
    )
)

# --- sigmoid_cross_entropy ------------------------------------------------------------------------


def _binary(build: Builder, call: OpCall, logits: Value, targets: Value) -> Value:
    return build.subtract(build.softplus(logits), build.multiply(logits, targets))


def _binary_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    logits, targets = operands
    return (
        build.multiply(ct[0], build.subtract(build.logistic(logits), targets)),
        build.negate(build.multiply(ct[0], logits)),
    )


def _binary_reference(call: OpCall, logits: Array, targets: Array) -> Array:
    return np.logaddexp(logits, np.zeros_like(logits)) - logits * targets


def _binary_samples() -> list[Sample]:
    extreme = np.array([1000, -1000, 1000, -1000], np.float32)
    return [
        Sample((draw(2, 3), draw(2, 3, low=0, high=1, salt=1))),
        Sample((draw(), draw(low=0, high=1, salt=1))),
        Sample((extreme, np.array([0, 0, 1, 1], np.float32)), differentiable=False),
    ]


SIGMOID_CROSS_ENTROPY = REGISTRY.register(
    OpSpec(
        name="sigmoid_cross_entropy",
        doc="-targets * log(p) - (1 - targets) * log(1 - p), with p the sigmoid of the logits.",
        arity=2,
        infer=elementwise(FLOATING),
        lower=ByDecomposition(),
        gradient=_binary_gradient,
        reference=_binary_reference,
        cost=lambda call: passes_cost(call, 6),
        samples=_binary_samples,
        traits=Trait.COMPOSITE | Trait.ELEMENTWISE | Trait.ROW_WISE,
        decomposition=_binary,
    )
)

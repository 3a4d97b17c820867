"""Softmax, the logarithm of softmax, and the logarithm of a sum of exponentials.

At infinities they do as JAX does: a row that holds plus infinity, or nothing but minus infinity,
has no softmax (NaN), while its log_sum_exp is that infinity.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.ir.attributes import AXES, INTEGER, Schema
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
)
from graphc.opset.type_rules import FLOATING, require_axes, require_dtype


def _same_type(call: OpCall) -> TensorType:
    require_dtype(call, 0, FLOATING)
    require_axes(call, [call.attributes["axis"]], call.types[0].rank, "axis")
    return call.types[0]


def _extreme() -> Array:
    """Numbers whose exponentials overflow and vanish."""
    return np.array([[1000, -1000, 999], [-1000, -1001, -1000]], np.float32)


def _axis_samples() -> list[Sample]:
    masked = np.array([[0.5, -np.inf, 1], [-np.inf, -np.inf, np.nan]], np.float32)
    return [
        Sample((draw(2, 3),), {"axis": 1}),
        Sample((draw(2, 3, 4),), {"axis": 1}),
        Sample((draw(3),), {"axis": 0}),
        Sample((draw(0, 3),), {"axis": 1}),
        Sample((_extreme(),), {"axis": 1}, differentiable=False),
        Sample((masked,), {"axis": 1}, differentiable=False),
    ]


def _shifted(call: OpCall, x: Array) -> tuple[Array, int]:
    axis: int = call.attributes["axis"]
    return x - np.max(x, axis=axis, keepdims=True, initial=-np.inf), axis


# --- softmax --------------------------------------------------------------------------------------


def _softmax(build: Builder, call: OpCall, x: Value) -> Value:
    axis = call.attributes["axis"]
    powers = build.exponential(below_maximum(build, x, axis))
    return build.divide(powers, repeat(build, sum_along(build, powers, axis), x, axis))


def _softmax_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    axis, y = call.attributes["axis"], results[0]
    total = sum_along(build, build.multiply(ct[0], y), axis)
    return (build.multiply(y, build.subtract(ct[0], repeat(build, total, y, axis))),)


def _softmax_reference(call: OpCall, x: Array) -> Array:
    shifted, axis = _shifted(call, x)
    powers = np.exp(shifted)
    return powers / np.sum(powers, axis=axis, keepdims=True)


def _define(
    name: str,
    doc: str,
    decomposition: Callable[[Builder, OpCall, Value], Value],
    gradient: Callable[..., Cotangents],
    reference: Callable[[OpCall, Array], Any],
) -> OpSpec:
    return REGISTRY.register(
        OpSpec(
            name=name,
            doc=doc,
            arity=1,
            attributes=Schema(axis=INTEGER),
            infer=_same_type,
            lower=ByDecomposition(),
            gradient=gradient,
            reference=reference,
            cost=lambda call: passes_cost(call, 5),
            samples=_axis_samples,
            traits=Trait.COMPOSITE,
            decomposition=decomposition,
        )
    )


SOFTMAX = _define(
    "softmax",
    "Numbers that sum to 1 along an axis, in proportion to the exponentials of x.",
    _softmax,
    _softmax_gradient,
    _softmax_reference,
)

# --- log_softmax ----------------------------------------------------------------------------------


def _log_softmax(build: Builder, call: OpCall, x: Value) -> Value:
    axis = call.attributes["axis"]
    shifted = below_maximum(build, x, axis)
    total = build.log(sum_along(build, build.exponential(shifted), axis))
    return build.subtract(shifted, repeat(build, total, x, axis))


def _log_softmax_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    axis, y = call.attributes["axis"], results[0]
    total = repeat(build, sum_along(build, ct[0], axis), y, axis)
    return (build.subtract(ct[0], build.multiply(build.exponential(y), total)),)


def _log_softmax_reference(call: OpCall, x: Array) -> Array:
    shifted, axis = _shifted(call, x)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


LOG_SOFTMAX = _define(
    "log_softmax",
    "The logarithm of softmax along an axis, finite where softmax rounds to 0.",
    _log_softmax,
    _log_softmax_gradient,
    _log_softmax_reference,
)

# --- log_sum_exp ----------------------------------------------------------------------------------


def _reduced_type(call: OpCall) -> TensorType:
    require_dtype(call, 0, FLOATING)
    x = call.types[0]
    require_axes(call, call.attributes["axes"], x.rank, "axes")
    return x.with_shape(tuple([x.shape[axis] for axis in _kept_axes(call)]))


def _kept_axes(call: OpCall) -> list[int]:
    return [axis for axis in range(call.types[0].rank) if axis not in call.attributes["axes"]]


def _repeat_axes(build: Builder, call: OpCall, value: Value) -> Value:
    shape = call.types[0].shape
    return build.broadcast_in_dim(value, shape=shape, broadcast_dimensions=_kept_axes(call))


def _powers(build: Builder, call: OpCall, x: Value) -> tuple[Value, Value]:
    """The exponentials of x less its maximum, and that maximum.

    A maximum that is infinite is taken to be 0: less it, an infinity would become NaN.
    """
    greatest = build.stop_gradient(build.reduce_max(x, axes=call.attributes["axes"]))
    finite = build.select(build.is_finite(greatest), greatest, build.full_like(greatest, 0))
    return build.exponential(build.subtract(x, _repeat_axes(build, call, finite))), finite


def _log_sum_exp(build: Builder, call: OpCall, x: Value) -> Value:
    powers, greatest = _powers(build, call, x)
    total = build.reduce_sum(powers, axes=call.attributes["axes"])
    return build.add(build.log(total), greatest)


def _log_sum_exp_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    # not exp(x - result): the result's rounding would be an error in proportion to its size
    powers, _ = _powers(build, call, operands[0])
    total = build.reduce_sum(powers, axes=call.attributes["axes"])
    # a sum of nothing but zeros has derivative 0, not 0 / 0
    is_zero = build.compare(total, build.full_like(total, 0), direction="EQ")
    divisor = build.select(is_zero, build.full_like(total, 1), total)
    share = _repeat_axes(build, call, build.divide(ct[0], divisor))
    return (build.multiply(share, powers),)


def _log_sum_exp_reference(call: OpCall, x: Array) -> Any:
    axes = call.attributes["axes"]
    return np.logaddexp.reduce(x, axis=axes, initial=-np.inf) if axes else x


def _axes_samples() -> list[Sample]:
    return [
        Sample((draw(2, 3),), {"axes": (1,)}),
        Sample((draw(2, 3, 4),), {"axes": (0, 2)}),
        Sample((draw(2, 3),), {"axes": ()}),
        Sample((draw(2, 3),), {"axes": (0, 1)}),
        Sample((draw(2, 0),), {"axes": (1,)}),
        Sample((_extreme(),), {"axes": (1,)}, differentiable=False),
    ]


LOG_SUM_EXP = REGISTRY.register(
    OpSpec(
        name="log_sum_exp",
        doc="The logarithm of the sum of exponentials along axes, which are removed.",
        arity=1,
        attributes=Schema(axes=AXES),
        infer=_reduced_type,
        lower=ByDecomposition(),
        gradient=_log_sum_exp_gradient,
        reference=_log_sum_exp_reference,
        cost=lambda call: passes_cost(call, 4),
        samples=_axes_samples,
        traits=Trait.COMPOSITE,
        decomposition=_log_sum_exp,
    )
)

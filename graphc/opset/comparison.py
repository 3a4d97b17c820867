"""Comparing, and choosing by comparison: larger, smaller, either, within bounds.

Source: StableHLO specification. At ties gradients are shared as JAX shares them. Of two complex
numbers the larger has the larger real part or, where those are equal, the larger imaginary part.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from jax import lax

from graphc.dtypes import BOOL
from graphc.errors import DTypeError
from graphc.ir.attributes import Schema, choice
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import NoGradient, OpCall, OpSpec, Sample, TracedLowering, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.elementwise_definition import Array, Cotangents, Values, define_elementwise
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import (
    FLOATING,
    NUMERIC,
    REAL,
    REAL_ARITHMETIC,
    common_shape,
    require_dtype,
    require_same_dtype,
)

_TRUTH: Final = NoGradient("a truth value has no derivative")

# --- compare --------------------------------------------------------------------------------------

_COMPARISONS: Final[dict[str, tuple[Any, Any]]] = {
    "EQ": (lax.eq, np.equal),
    "NE": (lax.ne, np.not_equal),
    "LT": (lax.lt, np.less),
    "LE": (lax.le, np.less_equal),
    "GT": (lax.gt, np.greater),
    "GE": (lax.ge, np.greater_equal),
}


def _compare_type(call: OpCall) -> TensorType:
    ordered = call.attributes["direction"] not in ("EQ", "NE")
    require_dtype(call, 0, REAL if ordered else NUMERIC)
    require_same_dtype(call)
    return tensor_type(BOOL, common_shape(call))


def _compare_lowering(call: OpCall, x: Any, y: Any) -> Any:
    return _COMPARISONS[call.attributes["direction"]][0](x, y)


def _compare_reference(call: OpCall, x: Array, y: Array) -> Array:
    return _COMPARISONS[call.attributes["direction"]][1](x, y)


def _compare_samples() -> list[Sample]:
    x = np.array([1, 2, 2, np.nan, -0.0, np.inf], np.float32)
    y = np.array([2, 1, 2, np.nan, 0.0, np.inf], np.float32)
    return [
        Sample((x, y), {"direction": direction}, differentiable=False) for direction in _COMPARISONS
    ]


COMPARE = REGISTRY.register(
    OpSpec(
        name="compare",
        doc="Whether x stands in a relation to y; nothing is equal to NaN or ordered with it.",
        arity=2,
        attributes=Schema(direction=choice(*_COMPARISONS)),
        infer=_compare_type,
        lower=TracedLowering(_compare_lowering),
        gradient=_TRUTH,
        reference=_compare_reference,
        samples=_compare_samples,
        traits=Trait.ELEMENTWISE | Trait.ROW_WISE,
    )
)

# --- is_finite ------------------------------------------------------------------------------------

IS_FINITE = define_elementwise(
    "is_finite", "Whether x is neither infinite nor NaN.", 1, primitive("is_finite"), np.isfinite,
    _TRUTH, FLOATING, result=lambda dtype: BOOL,
    samples=lambda: [
        Sample((np.array([0, np.inf, -np.inf, np.nan, 3e38], np.float32),), differentiable=False)
    ],
)  # fmt: skip

# --- maximum, minimum -----------------------------------------------------------------------------


def _extremum_samples() -> list[Sample]:
    x = np.array([1, 2, 0.0, np.nan, 1, np.inf], np.float32)
    y = np.array([1, 3, -0.0, 1, np.nan, np.inf], np.float32)
    return [
        Sample((draw(2, 3), draw(2, 3, salt=1))),
        Sample((draw(salt=5), draw(salt=6))),
        Sample((x, y), differentiable=False),
    ]


def _extremum_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    # the operand that is the result gets the cotangent; two that are equal, half of it each
    x, y = (build.compare(operand, results[0], direction="EQ") for operand in operands)
    zero = build.full_like(ct[0], 0)
    half = build.multiply(ct[0], build.full_like(ct[0], 0.5))
    return (
        build.select(x, build.select(y, half, ct[0]), zero),
        build.select(y, build.select(x, half, ct[0]), zero),
    )


def _maximum_reference(x: Array, y: Array) -> Array:
    if x.dtype.kind != "f":
        return np.maximum(x, y)
    # NumPy gives either of 0.0 and -0.0, depending on which comes first; 0.0 is the larger
    return np.where((x == 0) & (y == 0), x + y, np.maximum(x, y))


def _minimum_reference(x: Array, y: Array) -> Array:
    if x.dtype.kind != "f":
        return np.minimum(x, y)
    return np.where((x == 0) & (y == 0), -(-x + -y), np.minimum(x, y))


MAXIMUM = define_elementwise(
    "maximum", "The larger of x and y; NaN if either is.", 2, primitive("max"), _maximum_reference,
    _extremum_gradient, NUMERIC, traits=Trait.COMMUTATIVE, samples=_extremum_samples,
)  # fmt: skip

MINIMUM = define_elementwise(
    "minimum", "The smaller of x and y; NaN if either is.", 2, primitive("min"), _minimum_reference,
    _extremum_gradient, NUMERIC, traits=Trait.COMMUTATIVE, samples=_extremum_samples,
)  # fmt: skip

# --- select ---------------------------------------------------------------------------------------


def _select_type(call: OpCall) -> TensorType:
    require_dtype(call, 0, frozenset({BOOL}))
    dtype = require_dtype(call, 1, NUMERIC)
    if call.types[2].dtype is not dtype:
        raise call.error(
            DTypeError,
            "on_true and on_false have different element types",
            "one element type",
            "cast with ops.cast",
        )
    positions = (1, 2) if call.types[0].rank == 0 else (1, 2, 0)
    return tensor_type(dtype, common_shape(call, positions))


def _select_lowering(call: OpCall, pred: Any, on_true: Any, on_false: Any) -> Any:
    # the primitive takes the cases in the order of their numbers: false, then true
    return lax.select_n(pred, on_false, on_true)


def _select_reference(call: OpCall, pred: Array, on_true: Array, on_false: Array) -> Array:
    return np.where(pred, on_true, on_false)


def _select_samples() -> list[Sample]:
    mask = draw(2, 3, dtype="bool")
    x, y = draw(2, 3), draw(2, 3, salt=1)
    whole = draw(2, 3, dtype="int32"), draw(2, 3, dtype="int32", salt=1)
    return [
        Sample((mask, x, y)),
        Sample((np.array(True), x, y)),
        Sample((np.array(False), x, y)),
        Sample((mask, *whole), differentiable=False),
    ]


def _select_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    zero = build.full_like(ct[0], 0)
    mask = operands[0]
    return (None, build.select(mask, ct[0], zero), build.select(mask, zero, ct[0]))


SELECT = REGISTRY.register(
    OpSpec(
        name="select",
        doc="on_true where pred is true, else on_false; pred is a scalar or of their shape.",
        arity=3,
        infer=_select_type,
        lower=TracedLowering(_select_lowering),
        gradient=_select_gradient,
        reference=_select_reference,
        samples=_select_samples,
        traits=Trait.ELEMENTWISE | Trait.ROW_WISE,
    )
)

# --- clamp ----------------------------------------------------------------------------------------


def _clamp_type(call: OpCall) -> TensorType:
    dtype = require_dtype(call, 1, REAL_ARITHMETIC)
    require_same_dtype(call)
    bounds = [position for position in (0, 2) if call.types[position].rank]
    return tensor_type(dtype, common_shape(call, [1, *bounds]))


def _clamp_reference(call: OpCall, low: Array, x: Array, high: Array) -> Array:
    return np.minimum(np.maximum(x, low), high)


def _clamp_samples() -> list[Sample]:
    low, high = draw(2, 3, low=-2, high=-0.5), draw(2, 3, low=0.5, high=2)
    x = draw(2, 3, low=-3, high=3, salt=1)
    ties = np.array([-1, 0, 1, np.nan, 5, 5], np.float32)
    ones = np.ones(6, np.float32)
    return [
        Sample((low, x, high)),
        Sample((draw(low=-2, high=-1), draw(salt=2), draw(low=1, high=2))),
        Sample((draw(low=-1, high=0), x, draw(low=0, high=1))),
        Sample((-ones, ties, ones), differentiable=False),
        Sample((ones, ties, -ones), differentiable=False),
    ]


def _clamp_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    x, shape = operands[1], call.result.shape
    low, high = (
        bound
        if bound.type.rank or not shape
        else build.broadcast_in_dim(bound, shape=shape, broadcast_dimensions=())
        for bound in (operands[0], operands[2])
    )
    zero = build.full_like(ct[0], 0)
    above = build.compare(x, low, direction="GT")
    below = build.compare(x, high, direction="LT")
    inside = build.select(below, build.select(above, ct[0], zero), zero)
    # where the bounds cross, the upper one is the result
    rises = build.compare(low, high, direction="LT")
    under = build.compare(low, x, direction="GT")
    at_low = build.select(rises, build.select(under, ct[0], zero), zero)
    at_high = build.select(build.compare(high, x, direction="LT"), ct[0], zero)
    return (
        _sum_to(build, at_low, operands[0].type),
        inside,
        _sum_to(build, at_high, operands[2].type),
    )


def _sum_to(build: Builder, cotangent: Value, type_: TensorType) -> Value:
    """The cotangent of a scalar bound that served all elements."""
    if cotangent.type.rank == type_.rank:
        return cotangent
    return build.reduce_sum(cotangent, axes=tuple(range(cotangent.type.rank)))


CLAMP = REGISTRY.register(
    OpSpec(
        name="clamp",
        doc="x, but not below min nor above max, each a scalar or of the shape of x.",
        arity=3,
        infer=_clamp_type,
        lower=primitive("clamp"),
        gradient=_clamp_gradient,
        reference=_clamp_reference,
        samples=_clamp_samples,
        traits=Trait.ELEMENTWISE | Trait.ROW_WISE,
    )
)

"""The numbers that a float type holds: the next one, and those of a type with fewer bits.

Sources: StableHLO specification; `next_after` is CHLO's.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from graphc.errors import AttributeValueError
from graphc.ir.attributes import INTEGER, Schema
from graphc.ir.builder import Builder
from graphc.ir.op import NoGradient, OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.elementwise_definition import Array, Cotangents, Values
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import FLOATING, elementwise, require_dtype

# --- next_after -----------------------------------------------------------------------------------


def _next_after_reference(call: OpCall, x: Array, y: Array) -> Array:
    own = call.types[0].dtype.numpy
    return np.nextafter(x.astype(own), y.astype(own))


def _next_after_samples() -> list[Sample]:
    x = np.array([1, 1, -1, 0, 0, -0.0, np.inf, 3e38, np.nan, 1, 5, 65504], np.float32)
    y = np.array([2, 0, -2, 1, -1, 0, 0, np.inf, 1, np.nan, 5, np.inf], np.float32)
    return [
        Sample((draw(2, 3), draw(2, 3, salt=1)), differentiable=False),
        Sample((x, y), differentiable=False),
        Sample((draw(salt=5), draw(salt=6)), differentiable=False),
    ]


NEXT_AFTER = REGISTRY.register(
    OpSpec(
        name="next_after",
        doc="The number next to x, of those that its type holds, on the way to y.",
        arity=2,
        infer=elementwise(FLOATING),
        lower=primitive("nextafter"),
        gradient=NoGradient("a step between two numbers of a type; JAX has none", is_error=True),
        reference=_next_after_reference,
        samples=_next_after_samples,
        traits=Trait.ELEMENTWISE | Trait.ROW_WISE,
    )
)

# --- reduce_precision -----------------------------------------------------------------------------


def _reduce_precision_type(call: OpCall) -> TensorType:
    require_dtype(call, 0, FLOATING)
    exponent, mantissa = call.attributes["exponent_bits"], call.attributes["mantissa_bits"]
    if exponent < 1 or mantissa < 0:
        raise call.error(
            AttributeValueError,
            f"{exponent} bits for the exponent and {mantissa} for the mantissa make no number",
            "at least 1 and at least 0",
        )
    return call.types[0]


def _reduce_precision_reference(call: OpCall, x: Array) -> Array:
    """Round to a multiple of the last bit that is kept, a half to the even one; cut the range."""
    exponent: int = call.attributes["exponent_bits"]
    mantissa: int = call.attributes["mantissa_bits"]
    numbers: Any = ml_dtypes  # whose annotations name unknown types
    own = numbers.finfo(call.types[0].dtype.numpy)
    wide = np.asarray(x, np.float64)
    finite = np.where(np.isfinite(wide), wide, 0.0)
    leading = np.maximum(np.frexp(finite)[1] - 1, own.minexp)  # a denormal's last bit is fixed
    kept = min(mantissa, int(own.nmant))
    rounded = np.ldexp(np.rint(np.ldexp(finite, kept - leading)), leading - kept)
    if exponent < own.nexp:
        bias = 2 ** (exponent - 1) - 1
        size = np.abs(rounded)
        rounded = np.where(size >= 2.0 ** (bias + 1), np.copysign(np.inf, wide), rounded)
        rounded = np.where(size < 2.0 ** (1 - bias), np.copysign(0.0, wide), rounded)
    return np.where(np.isfinite(wide), rounded, wide)


def _reduce_precision_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    # rounding aside, the identity: what goes back is as narrow as what went forth, as in JAX
    return (build.reduce_precision(ct[0], **call.attributes),)


def _reduce_precision_samples() -> list[Sample]:
    edges = np.array(
        [0, -0.0, 1 / 3, 1.0009765625, 65504, 65520, -1e5, 3e-5, 6e-5, 1e-42, 3.4e38, np.inf,
         -np.inf, np.nan], np.float32,
    )  # fmt: skip
    formats = ((5, 10), (8, 7), (4, 3), (1, 0), (11, 52), (8, 23))
    return [
        Sample((edges,), {"exponent_bits": exponent, "mantissa_bits": bits}, differentiable=False)
        for exponent, bits in formats
    ] + [Sample((draw(2, 3),), {"exponent_bits": 5, "mantissa_bits": 10}, differentiable=False)]


REDUCE_PRECISION = REGISTRY.register(
    OpSpec(
        name="reduce_precision",
        doc="x rounded to what a float with fewer bits would hold; its denormals become 0.",
        arity=1,
        attributes=Schema(exponent_bits=INTEGER, mantissa_bits=INTEGER),
        infer=_reduce_precision_type,
        lower=primitive(
            "reduce_precision",
            lambda call: {
                "exponent_bits": call.attributes["exponent_bits"],
                "mantissa_bits": call.attributes["mantissa_bits"],
            },
        ),
        gradient=_reduce_precision_gradient,
        reference=_reduce_precision_reference,
        samples=_reduce_precision_samples,
        traits=Trait.ELEMENTWISE | Trait.ROW_WISE,
    )
)

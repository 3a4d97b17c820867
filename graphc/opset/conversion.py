"""From one element type to another. Source: StableHLO specification, JAX where it leaves a choice.

A complex number becomes its real part, a fraction is cut off, NaN becomes 0, and what is too large
for a whole number becomes the nearest one.
"""

from __future__ import annotations

import numpy as np

from graphc.dtypes import DType
from graphc.errors import DTypeError
from graphc.ir.attributes import DTYPE, Schema
from graphc.ir.builder import Builder
from graphc.ir.op import OpCall, OpSpec, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.elementwise_definition import Array, Cotangents, Values
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import NUMERIC, require_dtype

# --- convert --------------------------------------------------------------------------------------


def _convert_type(call: OpCall) -> TensorType:
    require_dtype(call, 0, NUMERIC)
    dtype: DType = call.attributes["dtype"]
    if dtype.is_host:
        raise call.error(DTypeError, "numbers do not become strings or tokens", "a numeric dtype")
    return call.types[0].with_dtype(dtype)


def _convert_reference(call: OpCall, x: Array) -> Array:
    target = call.result.dtype
    if np.iscomplexobj(x) and not target.is_complex:
        x = x.real
    if target.is_integer and call.types[0].dtype.is_inexact:
        return _to_whole(x, target)
    return x.astype(target.numpy)


def _to_whole(x: Array, target: DType) -> Array:
    limits = np.iinfo(target.numpy)
    # the greatest may round up to a float that is out of range: numbers that reach it get it
    greatest, least = x >= float(limits.max), x <= float(limits.min)
    safe = np.where(greatest | least | np.isnan(x), np.zeros_like(x), x)
    whole = np.where(greatest, np.array(limits.max, target.numpy), safe.astype(target.numpy))
    return np.where(least, np.array(limits.min, target.numpy), whole)


def _convert_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    dtype = operands[0].type.dtype
    return (build.convert(ct[0], dtype=dtype) if dtype.is_inexact else None,)


def _convert_samples() -> list[Sample]:
    large = np.array([1e20, -1e20, np.nan, np.inf, -np.inf, -1.7, 300, -3, 0.5], np.float32)
    targets = ("float16", "bfloat16", "float64", "complex64", "complex128", "int32", "bool")
    return [
        *[Sample((draw(2, 3),), {"dtype": target}) for target in targets],
        *[
            Sample((large,), {"dtype": target}, differentiable=False)
            for target in ("int8", "uint8", "int32", "uint32", "int64", "uint64", "float16")
        ],
        Sample((draw(4, low=-300, high=300, dtype="int32"),), {"dtype": "int8"}),
        Sample((draw(4, low=-300, high=300, dtype="int32"),), {"dtype": "float32"}),
        Sample((draw(3, dtype="complex64"),), {"dtype": "float32"}),
    ]


CONVERT = REGISTRY.register(
    OpSpec(
        name="convert",
        doc="x with another element type.",
        arity=1,
        attributes=Schema(dtype=DTYPE),
        infer=_convert_type,
        lower=primitive(
            "convert_element_type",
            lambda call: {"new_dtype": call.attributes["dtype"].numpy},
            weak_type=False,
            sharding=None,
        ),
        gradient=_convert_gradient,
        reference=_convert_reference,
        samples=_convert_samples,
        traits=Trait.ELEMENTWISE | Trait.ROW_WISE,
    )
)

"""Numbers that count along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import DTypeError
from graphc.ir.attributes import DTYPE, INTEGER, SHAPE, Schema
from graphc.ir.op import NoGradient, OpCall, OpSpec, Sample
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.lowerings import primitive
from graphc.opset.type_rules import ARITHMETIC, require_axes

Array = np.ndarray[Any, Any]


def _iota_type(call: OpCall) -> TensorType:
    dtype, shape = call.attributes["dtype"], call.attributes["shape"]
    if dtype not in ARITHMETIC:
        raise call.error(DTypeError, f"cannot count in {dtype}", "integers, floats or complex")
    require_axes(call, [call.attributes["iota_dimension"]], len(shape), "iota_dimension")
    return tensor_type(dtype, shape)


def _iota_reference(call: OpCall) -> Array:
    shape: tuple[int, ...] = call.attributes["shape"]
    axis: int = call.attributes["iota_dimension"]
    aligned = [1] * len(shape)
    aligned[axis] = shape[axis]
    counts = np.arange(shape[axis]).astype(call.result.dtype.numpy)
    return np.broadcast_to(counts.reshape(aligned), shape)


def _iota_samples() -> list[Sample]:
    dtypes = ("int32", "float32", "bfloat16", "uint8", "int64", "float64", "complex64")
    shapes = ((3,), (2, 3), (2, 3, 2), (0, 2), (2, 0))
    return [
        Sample((), {"dtype": dtype, "shape": (3, 4), "iota_dimension": 1}, differentiable=False)
        for dtype in dtypes
    ] + [
        Sample((), {"dtype": "int32", "shape": shape, "iota_dimension": 0}, differentiable=False)
        for shape in shapes
    ]


IOTA = REGISTRY.register(
    OpSpec(
        name="iota",
        doc="0, 1, 2, … along iota_dimension, repeated along the other axes.",
        arity=0,
        attributes=Schema(dtype=DTYPE, shape=SHAPE, iota_dimension=INTEGER),
        infer=_iota_type,
        lower=primitive(
            "iota",
            lambda call: {
                "dtype": call.attributes["dtype"].numpy,
                "shape": call.attributes["shape"],
                "dimension": call.attributes["iota_dimension"],
            },
            sharding=None,
        ),
        gradient=NoGradient("it depends on nothing"),
        reference=_iota_reference,
        samples=_iota_samples,
    )
)

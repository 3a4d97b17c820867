"""Bits counted, and numbers taken for the bits that they are. Source: StableHLO specification."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from jax import lax

from graphc.dtypes import BOOL, DType
from graphc.errors import DTypeError, ShapeError
from graphc.ir.attributes import DTYPE, Schema
from graphc.ir.op import NoGradient, OpCall, OpSpec, Sample, TracedLowering
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.elementwise_definition import Array, define_elementwise
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw
from graphc.opset.type_rules import INTEGER, REAL_ARITHMETIC, require_dtype

_LAX: Any = lax
_DISCRETE: Final = NoGradient("bits have no derivative")

# --- popcnt, count_leading_zeros ------------------------------------------------------------------


def _bits(x: Array) -> Array:
    """The bits of each integer along a new last axis, the highest first."""
    whole = x.astype(x.dtype.newbyteorder(">")).reshape(-1, 1)
    return np.unpackbits(whole.view(np.uint8), axis=1).reshape(*x.shape, 8 * x.dtype.itemsize)


def _samples() -> list[Sample]:
    edges = np.array([0, 1, -1, 2**31 - 1, -(2**31), 255, 256], np.int32)
    return [
        Sample((edges,), differentiable=False),
        Sample((draw(2, 3, low=0, high=200, dtype="uint8"),), differentiable=False),
        Sample((draw(low=-100, high=100, dtype="int32"),), differentiable=False),
        Sample((np.zeros((0, 2), np.int32),), differentiable=False),
    ]


def _popcnt(x: Array) -> Array:
    return _bits(x).sum(-1).astype(x.dtype)


POPCNT = define_elementwise(
    "popcnt", "The number of bits of x that are set.", 1, primitive("population_count"), _popcnt,
    _DISCRETE, INTEGER, samples=_samples,
)  # fmt: skip


def _count_leading_zeros(x: Array) -> Array:
    bits = _bits(x)
    first: Array = np.asarray(np.argmax(bits, axis=-1))
    return np.where(bits.any(-1), first, np.array(bits.shape[-1])).astype(x.dtype)


def _lowered_count(call: OpCall, x: Any) -> Any:
    """Of unsigned numbers: XLA folds a constant that is negative and narrow to -32."""
    given = call.types[0].dtype.numpy
    if np.issubdtype(given, np.unsignedinteger):
        return _LAX.clz(x)
    unsigned = np.dtype(f"uint{8 * given.itemsize}")
    return _LAX.bitcast_convert_type(_LAX.clz(_LAX.bitcast_convert_type(x, unsigned)), given)


COUNT_LEADING_ZEROS = define_elementwise(
    "count_leading_zeros", "The number of bits of x before the first that is set.", 1,
    TracedLowering(_lowered_count), _count_leading_zeros, _DISCRETE, INTEGER, samples=_samples,
)  # fmt: skip

# --- bitcast_convert ------------------------------------------------------------------------------


def _bitcast_type(call: OpCall) -> TensorType:
    given = require_dtype(call, 0, REAL_ARITHMETIC)
    target: DType = call.attributes["dtype"]
    if target not in REAL_ARITHMETIC:
        fix = "compare with 0" if target is BOOL else "take the parts of a complex number apart"
        raise call.error(DTypeError, f"bits are not taken for {target}", "integers or floats", fix)
    x = call.types[0]
    if given.itemsize == target.itemsize:
        return x.with_dtype(target)
    if given.itemsize > target.itemsize:
        return x.with_dtype(target).with_shape((*x.shape, given.itemsize // target.itemsize))
    parts = target.itemsize // given.itemsize
    if x.rank == 0:
        raise call.error(ShapeError, "the operand has no axes", f"a last axis of {parts} parts")
    call.require_equal(x.shape[-1], parts, "the size of the last axis and the number of parts")
    return x.with_dtype(target).with_shape(x.shape[:-1])


def _bitcast_reference(call: OpCall, x: Array) -> Array:
    own = np.array(x, call.types[0].dtype.numpy).reshape(-1)
    return own.view(call.attributes["dtype"].numpy).reshape(call.result.shape)


def _bitcast_samples() -> list[Sample]:
    def sample(array: Any, dtype: str) -> Sample:
        return Sample((array,), {"dtype": dtype}, differentiable=False)

    floats = np.array([0, -0.0, 1.5, -np.inf, 3e38], np.float32)
    return [
        sample(floats, "int32"),
        sample(draw(2, 3, low=-100, high=100, dtype="int32"), "float32"),
        sample(draw(2, 3), "uint8"),
        sample(draw(), "uint16"),
        sample(draw(3, 4, low=0, high=255, dtype="uint8"), "uint32"),
        sample(draw(2, low=0, high=255, dtype="uint8"), "bfloat16"),
        sample(draw(2, 3, dtype="bfloat16"), "int16"),
        sample(draw(2, 3, dtype="float64"), "uint32"),
        sample(np.zeros((0, 2), np.float32), "float64"),
    ]


BITCAST_CONVERT = REGISTRY.register(
    OpSpec(
        name="bitcast_convert",
        doc="The bits of x as another type; a narrower one adds a last axis, a wider takes it.",
        arity=1,
        attributes=Schema(dtype=DTYPE),
        infer=_bitcast_type,
        lower=primitive(
            "bitcast_convert_type", lambda call: {"new_dtype": call.attributes["dtype"].numpy}
        ),
        gradient=_DISCRETE,
        reference=_bitcast_reference,
        samples=_bitcast_samples,
    )
)

"""Discrete Fourier transforms. Source: StableHLO specification, fft."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from jax import lax

from graphc.dimensions import Dimension, product
from graphc.dtypes import C64, C128, F32, F64, I32, DType, real_dtype
from graphc.errors import ShapeError
from graphc.ir.attributes import SHAPE, Schema, choice
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Cost, OpCall, OpSpec, Sample, TracedLowering
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.samples import draw
from graphc.opset.type_rules import require_dtype, require_order

Array = np.ndarray[Any, Any]
Values = Sequence[Value]

_LAX: Any = lax
_REAL: Final = frozenset({F32, F64})
_COMPLEX: Final = frozenset({C64, C128})
_TYPES: Final = {
    "FFT": lax.FftType.FFT,
    "IFFT": lax.FftType.IFFT,
    "RFFT": lax.FftType.RFFT,
    "IRFFT": lax.FftType.IRFFT,
}
_TRANSFORMS: Final[dict[str, Callable[..., Any]]] = {
    "FFT": np.fft.fftn,
    "IFFT": np.fft.ifftn,
    "RFFT": np.fft.rfftn,
    "IRFFT": np.fft.irfftn,
}


def _type(call: OpCall) -> TensorType:
    kind: str = call.attributes["fft_type"]
    lengths: tuple[Dimension, ...] = call.attributes["fft_length"]
    dtype: DType = require_dtype(call, 0, _REAL if kind == "RFFT" else _COMPLEX)
    shape = call.types[0].shape
    if not 1 <= len(lengths) <= min(3, len(shape)):
        raise call.error(
            ShapeError,
            f"fft_length has {len(lengths)} entries",
            "1 to 3, as many as there are axes",
        )
    first = len(shape) - len(lengths)
    for axis, length in enumerate(lengths, first):
        require_order(call, 1, length, "there must be an element to transform", axis)
        halved = kind == "IRFFT" and axis == len(shape) - 1
        what = f"the size of axis {axis} and {'half ' if halved else ''}the fft_length"
        call.require_equal(shape[axis], length // 2 + 1 if halved else length, what)
    if kind == "RFFT":
        complex_dtype = C64 if dtype is F32 else C128
        return tensor_type(complex_dtype, (*shape[:first], *lengths[:-1], lengths[-1] // 2 + 1))
    result = (*shape[:first], *lengths)
    return tensor_type(real_dtype(dtype) if kind == "IRFFT" else dtype, result)


def _reference(call: OpCall, x: Array) -> Any:
    lengths = call.attributes["fft_length"]
    axes = range(x.ndim - len(lengths), x.ndim)
    if x.size == 0:
        return np.zeros(call.result.shape, call.result.dtype.numpy)
    return _TRANSFORMS[call.attributes["fft_type"]](x, s=lengths, axes=axes)


def _cost(call: OpCall) -> Cost:
    """The usual count of the fast algorithm: 5 n log2 n for n complex numbers."""
    lengths: tuple[Dimension, ...] = call.attributes["fft_length"]
    known = [length for length in lengths if isinstance(length, int) and length > 1]
    rounds = sum(math.ceil(math.log2(length)) for length in known)
    half = call.attributes["fft_type"] in ("RFFT", "IRFFT")
    longest = call.types[0] if call.attributes["fft_type"] == "RFFT" else call.result
    flops = longest.size * 5 * max(rounds, 1)
    return Cost(flops // 2 if half else flops, call.types[0].byte_size + call.result.byte_size)


# --- gradients ------------------------------------------------------------------------------------


def _gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Sequence[Value | None]:
    """The transform is linear, and its matrix symmetric.

    The forms with real numbers keep half of a spectrum that mirrors itself: all but the first
    number and, of an even length, the last one stand for two.
    """
    kind, lengths = call.attributes["fft_type"], call.attributes["fft_length"]
    if kind in ("FFT", "IFFT"):
        return (build.fft(ct[0], fft_type=kind, fft_length=lengths),)
    if kind == "RFFT":
        halved = build.divide(build.conj(ct[0]), _copies(build, call, ct[0], operands[0]))
        whole = build.fft(halved, fft_type="IRFFT", fft_length=lengths)
        return (build.multiply(whole, _count(build, call, operands[0], whole)),)
    spectrum = build.fft(ct[0], fft_type="RFFT", fft_length=lengths)
    doubled = build.multiply(spectrum, _copies(build, call, spectrum, ct[0]))
    return (build.conj(build.divide(doubled, _count(build, call, ct[0], doubled))),)


def _copies(build: Builder, call: OpCall, spectrum: Value, signal: Value) -> Value:
    """How often each number of half a spectrum is in the whole one, as numbers of its type."""
    type_ = spectrum.type
    places = build.iota(dtype=I32, shape=type_.shape, iota_dimension=type_.rank - 1)
    length = _size(build, signal, signal.type.rank - 1)
    length = build.broadcast_in_dim(length, shape=type_.shape, broadcast_dimensions=())
    is_first = build.compare(places, build.full_like(places, 0), direction="EQ")
    is_last = build.compare(build.add(places, places), length, direction="EQ")
    once, twice = (build.full_like(spectrum, number) for number in (1, 2))
    return build.select(build.or_(is_first, is_last), once, twice)


def _count(build: Builder, call: OpCall, signal: Value, like: Value) -> Value:
    """The number of elements that are transformed together, repeated to the type of `like`."""
    lengths: tuple[Dimension, ...] = call.attributes["fft_length"]
    known = product(tuple(length for length in lengths if isinstance(length, int)))
    count = build.full(known, like.type.dtype)
    for axis, length in enumerate(lengths, signal.type.rank - len(lengths)):
        if not isinstance(length, int):
            size = build.convert(_size(build, signal, axis), dtype=like.type.dtype)
            count = build.multiply(count, size)
    return build.broadcast_in_dim(count, shape=like.type.shape, broadcast_dimensions=())


def _size(build: Builder, value: Value, axis: int) -> Value:
    size = value.type.shape[axis]
    if isinstance(size, int):
        return build.full(size, I32)
    return build.dimension_size(value, axis=axis)


# --- fft ------------------------------------------------------------------------------------------


def _lowered(call: OpCall, x: Any) -> Any:
    """The transform, behind a barrier on a flat array, which has one layout only.

    XLA's CPU backend lets the layout that a factorization of matrices wants flow back through
    elementwise ops to a transform, and then refuses to run it there.
    """
    kind, lengths = _TYPES[call.attributes["fft_type"]], call.attributes["fft_length"]
    found = _LAX.fft(x, kind, lengths)
    if found.ndim < 2:
        return found
    return _LAX.optimization_barrier(found.reshape(-1)).reshape(found.shape)


def _samples() -> list[Sample]:
    def transform(kind: str, *shape: int, over: int = 1, length: int = 0, **how: Any) -> Sample:
        dtype = "float32" if kind == "RFFT" else "complex64"
        x = draw(*shape, dtype=how.get("dtype", dtype))
        lengths = (*shape[len(shape) - over : -1], length or shape[-1])
        return Sample((x,), {"fft_type": kind, "fft_length": lengths}, rtol=2e-5)

    return [
        transform("FFT", 6),
        transform("IFFT", 6),
        transform("RFFT", 6),
        transform("IRFFT", 4, length=6),
        transform("FFT", 2, 5),
        transform("IFFT", 2, 7),
        transform("RFFT", 2, 5),
        transform("IRFFT", 2, 3, length=5),
        transform("FFT", 2, 3, 4, over=2),
        transform("IFFT", 2, 3, 4, over=3),
        transform("RFFT", 2, 3, 4, over=2),
        transform("RFFT", 2, 3, 4, over=3),
        transform("IRFFT", 2, 3, 3, over=2, length=4),
        transform("IRFFT", 2, 2, 3, over=3, length=5),
        transform("FFT", 1),
        transform("RFFT", 1),
        transform("IRFFT", 1, length=1),
        transform("RFFT", 2),
        transform("IRFFT", 2, length=2),
        transform("FFT", 0, 4),
        transform("RFFT", 0, 4),
        transform("FFT", 8, dtype="complex128"),
        transform("RFFT", 8, dtype="float64"),
        transform("IRFFT", 5, length=8, dtype="complex128"),
    ]


FFT = REGISTRY.register(
    OpSpec(
        name="fft",
        doc="The Fourier transform over the last axes, one per fft_length: FFT, IFFT (divided by "
        "the number of elements), RFFT (of reals: the first half of the spectrum), IRFFT (back).",
        arity=1,
        attributes=Schema(fft_type=choice(*_TYPES), fft_length=SHAPE),
        infer=_type,
        lower=TracedLowering(_lowered),
        gradient=_gradient,
        reference=_reference,
        cost=_cost,
        samples=_samples,
    )
)

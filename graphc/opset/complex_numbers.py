"""Complex numbers, their parts and conjugates, element by element.

Source: StableHLO specification; `conj` is CHLO's. Gradients follow JAX's convention: the
derivative of the real part is 1, that of the imaginary part -i.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from graphc.dtypes import C64, C128, F32, F64, DType, real_dtype
from graphc.ir.builder import Builder
from graphc.ir.op import OpCall, Sample
from graphc.opset.elementwise_definition import Array, Cotangents, Values, define_elementwise
from graphc.opset.lowerings import primitive
from graphc.opset.samples import draw

_PARTS: Final = frozenset({F32, F64})
_COMPLEX: Final = frozenset({C64, C128})


def _samples() -> list[Sample]:
    return [Sample((draw(2, 3, dtype="complex64"),)), Sample((draw(dtype="complex64", salt=5),))]


# --- complex --------------------------------------------------------------------------------------


def _complex_dtype(dtype: DType) -> DType:
    return C64 if dtype is F32 else C128


def _complex_reference(x: Array, y: Array) -> Array:
    made = np.empty(x.shape, np.result_type(x.dtype, np.complex64))
    made.real, made.imag = x, y
    return made


def _complex_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.real(ct[0]), build.negate(build.imag(ct[0])))


COMPLEX = define_elementwise(
    "complex", "x + i y.", 2, primitive("complex"), _complex_reference, _complex_gradient, _PARTS,
    result=_complex_dtype,
)  # fmt: skip

# --- real, imag -----------------------------------------------------------------------------------


def _real_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.complex(ct[0], build.full_like(ct[0], 0)),)


REAL_PART = define_elementwise(
    "real", "The real part.", 1, primitive("real"), np.real, _real_gradient, _COMPLEX,
    result=real_dtype, samples=_samples,
)  # fmt: skip


def _imag_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.complex(build.full_like(ct[0], 0), build.negate(ct[0])),)


IMAGINARY_PART = define_elementwise(
    "imag", "The imaginary part.", 1, primitive("imag"), np.imag, _imag_gradient, _COMPLEX,
    result=real_dtype, samples=_samples,
)  # fmt: skip

# --- conj -----------------------------------------------------------------------------------------


def _conj_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    return (build.conj(ct[0]),)


CONJ = define_elementwise(
    "conj", "The complex conjugate.", 1,
    primitive("conj", lambda call: {"input_dtype": call.types[0].dtype.numpy}), np.conj,
    _conj_gradient, _COMPLEX, samples=_samples,
)  # fmt: skip

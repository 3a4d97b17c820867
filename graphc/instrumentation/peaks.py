"""The peak of a value: its largest magnitude as one f32, infinite or NaN where an element is.

One reduction tells everything that a check has to know of a value. Peaks are compared by class:
finite numbers, infinities, NaN, in this order. A value without a peak (None) is always finite: it
has no elements, or none that could be infinite.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from graphc.dtypes import BF16, F16, F32, U32
from graphc.ir.builder import Builder
from graphc.ir.literal import Literal
from graphc.ir.node import Value
from graphc.ir.types import TensorType, tensor_type

PEAK: Final = tensor_type(F32, ())
FINITE: Final = 0
INFINITE: Final = 1
NAN: Final = 2

_WITHOUT_OVERFLOW: Final = (BF16, F16, F32)  # an f32 holds each of their numbers


def has_peak(type_: TensorType) -> bool:
    """Whether a value of a static type can hold an infinity or a NaN."""
    return type_.dtype.is_inexact and type_.size != 0


def peak_of(build: Builder, value: Value) -> Value | None:
    """The peak of a value."""
    dtype = value.type.dtype
    if not has_peak(value.type):
        return None
    if dtype.is_complex:
        parts = [peak_of(build, build.real(value)), peak_of(build, build.imag(value))]
        return worst_peak(build, parts)
    if dtype.itemsize == 1:
        return peak_of(build, build.convert(value, dtype=F32))
    peak = build.abs(value)
    if value.type.rank:
        peak = build.reduce_max(peak, axes=tuple(range(value.type.rank)))
    if dtype is F32:
        return peak
    if dtype not in _WITHOUT_OVERFLOW:  # what matters is the class
        peak = build.select(build.is_finite(peak), build.full_like(peak, 0), peak)
    return build.convert(peak, dtype=F32)


def peak_of_literal(build: Builder, literal: Literal) -> Value | None:
    """The peak of a constant: None unless it holds what is not finite."""
    if not has_peak(literal.type):
        return None
    array = literal.array
    with np.errstate(all="ignore"):
        if np.isfinite(array).all():
            return None
        return build.full(np.nan if np.isnan(array).any() else np.inf, F32)


def worst_peak(build: Builder, peaks: Iterable[Value | None]) -> Value | None:
    """The peak of several values together."""
    worst: Value | None = None
    for peak in dict.fromkeys(peaks):
        if peak is not None:
            worst = peak if worst is None else build.maximum(worst, peak)
    return worst


def zero_peak(build: Builder) -> Value:
    """The peak of what is finite, where a number has to stand."""
    return build.full(0, F32)


def stack(build: Builder, scalars: Sequence[Value]) -> Value:
    """Scalars as a vector."""
    rows = [build.reshape(scalar, shape=(1,)) for scalar in scalars]
    return rows[0] if len(rows) == 1 else build.concatenate(*rows, dimension=0)


def classes_of(build: Builder, peaks: Value) -> Value:
    """The class of each peak of a vector, as u32."""
    shape = peaks.type.shape
    finite, infinite, nan = (build.full(each, U32, shape) for each in (FINITE, INFINITE, NAN))
    is_number = build.compare(peaks, peaks, direction="EQ")
    return build.select(build.is_finite(peaks), finite, build.select(is_number, infinite, nan))

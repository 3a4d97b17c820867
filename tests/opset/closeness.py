"""When two arrays of numbers are equal enough."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from graphc.dtypes import as_dtype


def tolerance_for(dtype: Any, rtol: float, slack: float = 4) -> float:
    """A relative tolerance for an element type, given the one for float32.

    Types of 16 and 8 bits get `slack` units in the last place besides: what is rounded after each
    step depends on the steps.
    """
    part = np.dtype(dtype)
    if part.kind == "c":
        part = np.dtype(f"f{part.itemsize // 2}")
    if part == np.float64:
        return rtol * 1e-7
    if part == np.float32:
        return rtol
    return rtol + slack * float(ml_dtypes.finfo(part).eps)


def assert_close(actual: Any, expected: Any, rtol: float, what: str, slack: float = 4) -> None:
    """Fail unless both are of one type and element by element close.

    An error is measured against the number itself and, where that is smaller, against the largest
    number of the array, but no number above 1: sums that cancel are exact to their terms only.
    Infinities and NaNs must stand at the same places; discrete types must be equal.

    Args:
        actual: an array.
        expected: another.
        rtol: relative tolerance, as float32 has it; others have theirs in proportion.
        what: stands in the message.
        slack: units in the last place, in types of 16 and 8 bits.
    """
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype, f"{what}: {actual.dtype} against {expected.dtype}"
    assert actual.shape == expected.shape, f"{what}: {actual.shape} against {expected.shape}"
    if not as_dtype(expected.dtype).is_inexact:
        np.testing.assert_array_equal(actual, expected, what)
        return
    tolerance = tolerance_for(expected.dtype, rtol, slack)
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    actual, expected = actual.astype(wide), expected.astype(wide)
    finite = np.isfinite(actual) & np.isfinite(expected)
    size = np.abs(np.where(finite, expected, 0))
    bound = tolerance * (size + min(float(size.max(initial=0)), 1.0))
    with np.errstate(invalid="ignore"):
        close = np.abs(actual - expected) <= bound
    good = np.where(finite, close, _same_not_finite(actual, expected))
    if not good.all():
        raise AssertionError(
            f"{what}: differ at {np.argwhere(~good).tolist()} by more than {tolerance:.1e}\n"
            f"actual:   {actual.tolist()}\nexpected: {expected.tolist()}"
        )


def _same_not_finite(actual: np.ndarray, expected: np.ndarray) -> np.ndarray:
    both_nan = np.isnan(actual) & np.isnan(expected)
    return both_nan | (actual == expected)

"""Exponentials, logarithms and roots. Integers are cast to the default float first.

Every function takes f[…] or complex numbers, and gives a tensor of the same type.
"""

from __future__ import annotations

import math
from typing import Any

from graphc.errors import DTypeError
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ops.arithmetic import absolute, add, multiply, negative, subtract
from graphc.ops.broadcasting import aligned, unary
from graphc.ops.comparison import isfinite, maximum, where
from graphc.ops.conversion import inexact
from graphc.ops.tensor import Tensor


def exp(x: Any, name: str | None = None) -> Tensor:
    """E to the power x."""
    return unary(REGISTRY["exponential"], inexact(x), name or "exp")


def exp2(x: Any, name: str | None = None) -> Tensor:
    """2 to the power x."""
    return unary(REGISTRY["exp2"], inexact(x), name or "exp2")


def expm1(x: Any, name: str | None = None) -> Tensor:
    """E to the power x, minus 1; exact near 0."""
    return unary(REGISTRY["exponential_minus_one"], inexact(x), name or "expm1")


def log(x: Any, name: str | None = None) -> Tensor:
    """The natural logarithm; -inf at 0, NaN for a negative float."""
    return unary(REGISTRY["log"], inexact(x), name or "log")


def log1p(x: Any, name: str | None = None) -> Tensor:
    """The natural logarithm of 1 + x; exact near 0."""
    return unary(REGISTRY["log_plus_one"], inexact(x), name or "log1p")


def log2(x: Any, name: str | None = None) -> Tensor:
    """The logarithm to the base 2."""
    return multiply(log(x), 1.0 / math.log(2.0), name or "log2")


def log10(x: Any, name: str | None = None) -> Tensor:
    """The logarithm to the base 10."""
    return multiply(log(x), 1.0 / math.log(10.0), name or "log10")


def logaddexp(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """log(exp(x1) + exp(x2)), without overflow.

    Raises:
        DTypeError: complex numbers.
    """
    left, right = aligned((x1, x2))
    left, right = inexact(left), inexact(right)
    if left.dtype.is_complex:
        raise DTypeError(
            "logaddexp takes real numbers", given=left.value.type, origin=capture_origin()
        )
    name = name or "logaddexp"
    difference = subtract(left, right)
    # Beside an infinity the correction is nothing, and of two equal ones it would be NaN.
    correction = log1p(exp(negative(absolute(difference))))
    larger = maximum(left, right)
    return where(isfinite(difference), add(larger, correction), larger, name=name)


def sqrt(x: Any, name: str | None = None) -> Tensor:
    """The square root; NaN for a negative float."""
    return unary(REGISTRY["sqrt"], inexact(x), name or "sqrt")


def rsqrt(x: Any, name: str | None = None) -> Tensor:
    """1 / the square root of x."""
    return unary(REGISTRY["rsqrt"], inexact(x), name or "rsqrt")


def cbrt(x: Any, name: str | None = None) -> Tensor:
    """The real cube root; of a negative number too."""
    return unary(REGISTRY["cbrt"], inexact(x), name or "cbrt")


def logaddexp2(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """log2(2**x1 + 2**x2), without overflow."""
    scale = math.log(2.0)
    left, right = aligned((x1, x2))
    total = logaddexp(multiply(inexact(left), scale), multiply(inexact(right), scale))
    return multiply(total, 1.0 / scale, name or "logaddexp2")

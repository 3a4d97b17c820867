"""Trigonometric and hyperbolic functions, in radians. Integers are cast to the default float.

Every function takes f[…] and gives a tensor of the same type; all but `arctan2`, `hypot`, `deg2rad`
and `rad2deg` take complex numbers as well.
"""

from __future__ import annotations

import math
from typing import Any

from graphc.errors import DTypeError
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ops.arithmetic import absolute, add, divide, multiply, square
from graphc.ops.broadcasting import aligned, binary, unary
from graphc.ops.comparison import equal, isinf, logical_or, maximum, minimum, where
from graphc.ops.conversion import inexact
from graphc.ops.exponential import sqrt
from graphc.ops.tensor import Tensor


def _real(x: Any, what: str) -> Tensor:
    tensor = inexact(x)
    if tensor.dtype.is_complex:
        raise DTypeError(
            f"{what} takes real numbers",
            given=tensor.value.type,
            fix="compute with ops.real and ops.imag",
            origin=capture_origin(),
        )
    return tensor


# -- angles ----------------------------------------------------------------------------------------


def sin(x: Any, name: str | None = None) -> Tensor:
    """The sine."""
    return unary(REGISTRY["sine"], inexact(x), name or "sin")


def cos(x: Any, name: str | None = None) -> Tensor:
    """The cosine."""
    return unary(REGISTRY["cosine"], inexact(x), name or "cos")


def tan(x: Any, name: str | None = None) -> Tensor:
    """The tangent."""
    return unary(REGISTRY["tan"], inexact(x), name or "tan")


def arctan2(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The angle of the point with ordinate x1 and abscissa x2, from -pi to pi."""
    left, right = aligned((x1, x2))
    operands = _real(left, "arctan2"), _real(right, "arctan2")
    return binary(REGISTRY["atan2"], *operands, name or "arctan2")


def arctan(x: Any, name: str | None = None) -> Tensor:
    """The angle, from -pi/2 to pi/2, whose tangent is x."""
    return unary(REGISTRY["atan"], inexact(x), name or "arctan")


def arcsin(x: Any, name: str | None = None) -> Tensor:
    """The angle, from -pi/2 to pi/2, whose sine is x; NaN for a float outside [-1, 1]."""
    return unary(REGISTRY["asin"], inexact(x), name or "arcsin")


def arccos(x: Any, name: str | None = None) -> Tensor:
    """The angle, from 0 to pi, whose cosine is x; NaN for a float outside [-1, 1]."""
    return unary(REGISTRY["acos"], inexact(x), name or "arccos")


def deg2rad(x: Any, name: str | None = None) -> Tensor:
    """Degrees as radians."""
    return multiply(_real(x, "deg2rad"), math.pi / 180.0, name or "deg2rad")


def rad2deg(x: Any, name: str | None = None) -> Tensor:
    """Radians as degrees."""
    return multiply(_real(x, "rad2deg"), 180.0 / math.pi, name or "rad2deg")


def hypot(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The length of the hypotenuse, without overflow: the root of x1² + x2²."""
    left, right = aligned((x1, x2))
    left, right = absolute(_real(left, "hypot")), absolute(_real(right, "hypot"))
    longer, shorter = maximum(left, right), minimum(left, right)
    degenerate = equal(longer, 0.0)
    ratio = divide(shorter, where(degenerate, 1.0, longer))
    # Two infinities have no ratio, and need none.
    ratio = where(equal(shorter, longer), 1.0, ratio)
    length = multiply(longer, sqrt(add(1.0, square(ratio))))
    # An infinite side is infinitely long, whatever the other is: NaN too, as in IEEE 754.
    return where(logical_or(isinf(left), isinf(right)), math.inf, length, name=name or "hypot")


def sinc(x: Any, name: str | None = None) -> Tensor:
    """sin(pi x) / (pi x), and 1 at 0."""
    angle = multiply(inexact(x), math.pi)
    at_zero = equal(angle, 0.0)
    safe = where(at_zero, 1.0, angle)
    return where(at_zero, 1.0, divide(sin(safe), safe), name=name or "sinc")


# -- hyperbolic ------------------------------------------------------------------------------------


def tanh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic tangent."""
    return unary(REGISTRY["tanh"], inexact(x), name or "tanh")


def sinh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic sine, exact near 0."""
    return unary(REGISTRY["sinh"], inexact(x), name or "sinh")


def cosh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic cosine."""
    return unary(REGISTRY["cosh"], inexact(x), name or "cosh")


def arcsinh(x: Any, name: str | None = None) -> Tensor:
    """The number whose hyperbolic sine is x; exact near 0, and finite for every finite x."""
    return unary(REGISTRY["asinh"], inexact(x), name or "arcsinh")


def arccosh(x: Any, name: str | None = None) -> Tensor:
    """The number of at least 0 whose hyperbolic cosine is x; NaN for a float below 1."""
    return unary(REGISTRY["acosh"], inexact(x), name or "arccosh")


def arctanh(x: Any, name: str | None = None) -> Tensor:
    """The number whose hyperbolic tangent is x; infinite at ±1, NaN for a float beyond."""
    return unary(REGISTRY["atanh"], inexact(x), name or "arctanh")

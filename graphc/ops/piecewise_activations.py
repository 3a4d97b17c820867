"""Activation functions made of pieces: of f[…], to the same type.

Integers are cast to the default float. Gradients at the joints are those of the side that a
comparison chooses.
"""

from __future__ import annotations

from typing import Any

from graphc.errors import DTypeError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import absolute, add, divide, multiply, negative, square, subtract
from graphc.ops.comparison import clip, greater, less, less_equal, minimum, where
from graphc.ops.conversion import inexact
from graphc.ops.exponential import exp, expm1, sqrt
from graphc.ops.joining import split
from graphc.ops.sizes import as_axis
from graphc.ops.smooth_activations import relu, sigmoid, softplus, tanh
from graphc.ops.tensor import Tensor


def _real(x: Any) -> Tensor:
    tensor = inexact(x)
    if tensor.dtype.is_complex:
        raise DTypeError(
            "an activation takes real numbers", given=tensor.value.type, origin=capture_origin()
        )
    return tensor


# -- with an exponential ---------------------------------------------------------------------------


def elu(x: Any, alpha: float = 1.0, name: str | None = None) -> Tensor:
    """The tensor where it is above 0, alpha · (exp(x) - 1) elsewhere (Clevert and others 2016)."""
    tensor = _real(x)
    # exp sees no positive number: its gradient there would be inf · 0
    below = multiply(expm1(minimum(tensor, 0.0)), alpha)
    return where(greater(tensor, 0.0), tensor, below, name=name or "elu")


def selu(x: Any, name: str | None = None) -> Tensor:
    """A scaled `elu` that keeps mean 0 and variance 1 (Klambauer and others 2017)."""
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    return multiply(elu(x, alpha), scale, name or "selu")


def celu(x: Any, alpha: float = 1.0, name: str | None = None) -> Tensor:
    """max(x, 0) + min(alpha · (exp(x / alpha) - 1), 0) (Barron 2017)."""
    tensor = _real(x)
    below = multiply(expm1(divide(minimum(tensor, 0.0), alpha)), alpha)
    return where(greater(tensor, 0.0), tensor, below, name=name or "celu")


def exponential(x: Any, name: str | None = None) -> Tensor:
    """exp(x)."""
    return exp(_real(x), name or "exponential")


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """log(sigmoid(x)), finite for every finite x."""
    return negative(softplus(negative(_real(x))), name or "log_sigmoid")


def mish(x: Any, name: str | None = None) -> Tensor:
    """The product x · tanh(softplus(x)) (Misra 2019)."""
    tensor = _real(x)
    return multiply(tensor, tanh(softplus(tensor)), name or "mish")


def glu(x: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """One half times the sigmoid of the other half (Dauphin and others 2017).

    Raises:
        ShapeError: the size along the axis is not even.
    """
    tensor = _real(x)
    along = as_axis(axis, tensor.ndim, tensor)
    size = tensor.shape[along]
    if isinstance(size, int) and size % 2:
        raise ShapeError(
            "glu() needs an even size", given=tensor.value.type, origin=capture_origin()
        )
    left, right = split(tensor, 2, along)
    return multiply(left, sigmoid(right), name or "glu")


def tanh_shrink(x: Any, name: str | None = None) -> Tensor:
    """The difference x - tanh(x)."""
    tensor = _real(x)
    return subtract(tensor, tanh(tensor), name or "tanh_shrink")


# -- without ---------------------------------------------------------------------------------------


def relu6(x: Any, name: str | None = None) -> Tensor:
    """min(max(x, 0), 6)."""
    return minimum(relu(_real(x)), 6.0, name or "relu6")


def softsign(x: Any, name: str | None = None) -> Tensor:
    """The quotient x / (1 + |x|)."""
    tensor = _real(x)
    return divide(tensor, add(absolute(tensor), 1.0), name or "softsign")


def squareplus(x: Any, b: float = 4, name: str | None = None) -> Tensor:
    """(x + sqrt(x² + b)) / 2 (Barron 2021)."""
    tensor = _real(x)
    return multiply(add(tensor, sqrt(add(square(tensor), b))), 0.5, name or "squareplus")


def hard_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """min(max(x / 6 + 0.5, 0), 1)."""
    return multiply(relu6(add(_real(x), 3.0)), 1.0 / 6.0, name or "hard_sigmoid")


def hard_silu(x: Any, name: str | None = None) -> Tensor:
    """The product x · hard_sigmoid(x), also called hard swish (Howard and others 2019)."""
    tensor = _real(x)
    return multiply(tensor, hard_sigmoid(tensor), name or "hard_silu")


hard_swish = hard_silu


def hard_tanh(x: Any, name: str | None = None) -> Tensor:
    """min(max(x, -1), 1)."""
    return clip(_real(x), -1.0, 1.0, name or "hard_tanh")


def hard_shrink(x: Any, threshold: float = 0.5, name: str | None = None) -> Tensor:
    """The tensor where its absolute value is above the threshold, 0 elsewhere."""
    tensor = _real(x)
    return where(greater(absolute(tensor), threshold), tensor, 0.0, name=name or "hard_shrink")


def soft_shrink(x: Any, threshold: float = 0.5, name: str | None = None) -> Tensor:
    """The tensor moved towards 0 by the threshold; 0 where that is further than it is away."""
    tensor = _real(x)
    above = where(greater(tensor, threshold), subtract(tensor, threshold), 0.0)
    is_below = less(tensor, -threshold)
    return where(is_below, add(tensor, threshold), above, name=name or "soft_shrink")


def sparse_plus(x: Any, name: str | None = None) -> Tensor:
    """0 up to -1, x from 1 on, (x + 1)² / 4 between."""
    tensor = _real(x)
    middle = multiply(square(add(tensor, 1.0)), 0.25)
    rising = where(less(tensor, 1.0), middle, tensor)
    return where(less_equal(tensor, -1.0), 0.0, rising, name=name or "sparse_plus")


def sparse_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """0 up to -1, 1 from 1 on, (x + 1) / 2 between."""
    return clip(multiply(add(_real(x), 1.0), 0.5), 0.0, 1.0, name or "sparse_sigmoid")


def threshold(x: Any, threshold: float, default_value: float, name: str | None = None) -> Tensor:
    """The tensor where it is above the threshold, `default_value` elsewhere."""
    tensor = _real(x)
    return where(greater(tensor, threshold), tensor, default_value, name=name or "threshold")

"""Activation functions without a joint, the softmax family and `relu`: of f[…], to the same type.

Integers are cast to the default float.
"""

from __future__ import annotations

from typing import Any

from graphc.errors import DTypeError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import multiply
from graphc.ops.broadcasting import apply
from graphc.ops.comparison import maximum
from graphc.ops.conversion import graph_of, inexact, to_tensor
from graphc.ops.exponential import exp
from graphc.ops.joining import split
from graphc.ops.sizes import as_axis
from graphc.ops.tensor import Tensor


def real_float(x: Any, what: str) -> Tensor:
    """A tensor of floats: integers are cast to the default one.

    Args:
        x: whatever users write.
        what: the function that takes it, for the error.

    Raises:
        DTypeError: complex numbers.
    """
    tensor = inexact(x)
    if tensor.dtype.is_complex:
        raise DTypeError(
            f"{what}() takes real numbers",
            given=tensor.value.type,
            expected="floats or integers",
            fix="compute with ops.real and ops.imag",
            origin=capture_origin(),
        )
    return tensor


def linear(x: Any, name: str | None = None) -> Tensor:
    """The tensor itself."""
    return to_tensor(x, None, graph_of((x,)))


def relu(x: Any, name: str | None = None) -> Tensor:
    """max(x, 0), of integers too; its gradient at 0 is 0, as Keras's."""
    tensor = to_tensor(x, None, graph_of((x,)))
    if tensor.dtype.is_integer:
        return maximum(tensor, 0, name or "relu")
    return apply("relu", real_float(tensor, "relu"), name=name or "relu")


# -- like a step -----------------------------------------------------------------------------------


def sigmoid(x: Any, name: str | None = None) -> Tensor:
    """1 / (1 + exp(-x))."""
    return apply("logistic", inexact(x), name=name or "sigmoid")


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """log(sigmoid(x)), finite for every finite x."""
    return apply("log_sigmoid", real_float(x, "log_sigmoid"), name=name or "log_sigmoid")


def tanh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic tangent."""
    return apply("tanh", inexact(x), name=name or "tanh")


def softsign(x: Any, name: str | None = None) -> Tensor:
    """The quotient x / (1 + |x|)."""
    return apply("softsign", real_float(x, "softsign"), name=name or "softsign")


# -- like a ramp -----------------------------------------------------------------------------------


def exponential(x: Any, name: str | None = None) -> Tensor:
    """exp(x)."""
    return exp(real_float(x, "exponential"), name or "exponential")


def softplus(x: Any, name: str | None = None) -> Tensor:
    """log(1 + exp(x)), finite for every finite x."""
    return apply("softplus", real_float(x, "softplus"), name=name or "softplus")


def squareplus(x: Any, b: float = 4, name: str | None = None) -> Tensor:
    """(x + sqrt(x² + b)) / 2 (Barron 2021); keeps its digits far below 0."""
    return apply("squareplus", real_float(x, "squareplus"), b=b, name=name or "squareplus")


def silu(x: Any, name: str | None = None) -> Tensor:
    """Swish: x · sigmoid(x)."""
    return apply("silu", real_float(x, "silu"), name=name or "silu")


def mish(x: Any, name: str | None = None) -> Tensor:
    """The product x · tanh(softplus(x)) (Misra 2019)."""
    return apply("mish", real_float(x, "mish"), name=name or "mish")


def gelu(x: Any, approximate: bool = True, name: str | None = None) -> Tensor:
    """The product x · Φ(x), Φ the normal distribution's; by tanh where `approximate`."""
    return apply("gelu", real_float(x, "gelu"), approximate=approximate, name=name or "gelu")


def glu(x: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """One half times the sigmoid of the other half (Dauphin and others 2017).

    Raises:
        ShapeError: the size along the axis is not even.
    """
    tensor = real_float(x, "glu")
    along = as_axis(axis, tensor.ndim, tensor)
    size = tensor.shape[along]
    if isinstance(size, int) and size % 2:
        raise ShapeError(
            "glu() needs an even size", given=tensor.value.type, origin=capture_origin()
        )
    left, right = split(tensor, 2, along)
    return multiply(left, sigmoid(right), name or "glu")


# -- along an axis ---------------------------------------------------------------------------------


def _along(op_name: str, x: Any, axis: int, name: str | None) -> Tensor:
    tensor = real_float(x, op_name)
    along = as_axis(axis, tensor.ndim, tensor)
    return apply(op_name, tensor, axis=along, name=name or op_name)


def softmax(x: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """exp(x) divided by its sum along an axis."""
    return _along("softmax", x, axis, name)


def log_softmax(x: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """The logarithm of `softmax`, finite where that is 0."""
    return _along("log_softmax", x, axis, name)


def sparsemax(x: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """The nearest probabilities to x along an axis, most of them 0 (Martins, Astudillo 2016).

    The derivative of a probability that is 0 is 0, at the threshold too.
    """
    return _along("sparsemax", x, axis, name)

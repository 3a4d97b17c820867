"""The activation functions that are ops of their own: of f[…], to the same type.

Integers are cast to the default float.
"""

from __future__ import annotations

from typing import Any

from graphc.ops.arithmetic import multiply
from graphc.ops.broadcasting import apply
from graphc.ops.comparison import greater, maximum, where
from graphc.ops.conversion import graph_of, inexact, to_tensor
from graphc.ops.sizes import as_axis
from graphc.ops.tensor import Tensor


def _float(x: Any) -> Tensor:
    return inexact(to_tensor(x, None, graph_of((x,))))


def linear(x: Any, name: str | None = None) -> Tensor:
    """The tensor itself."""
    return to_tensor(x, None, graph_of((x,)))


def relu(x: Any, name: str | None = None) -> Tensor:
    """max(x, 0), of integers too; its gradient at 0 is 0, as Keras's."""
    tensor = to_tensor(x, None, graph_of((x,)))
    if tensor.dtype.is_integer:
        return maximum(tensor, 0, name or "relu")
    return apply("relu", tensor, name=name or "relu")


def leaky_relu(x: Any, negative_slope: float = 0.2, name: str | None = None) -> Tensor:
    """The tensor where it is above 0, `negative_slope` times x elsewhere."""
    tensor = _float(x)
    return where(
        greater(tensor, 0), tensor, multiply(tensor, negative_slope), name=name or "leaky_relu"
    )


def sigmoid(x: Any, name: str | None = None) -> Tensor:
    """1 / (1 + exp(-x))."""
    return apply("logistic", _float(x), name=name or "sigmoid")


def tanh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic tangent."""
    return apply("tanh", _float(x), name=name or "tanh")


def softplus(x: Any, name: str | None = None) -> Tensor:
    """log(1 + exp(x)), finite for every finite x."""
    return apply("softplus", _float(x), name=name or "softplus")


def silu(x: Any, name: str | None = None) -> Tensor:
    """Swish: x · sigmoid(x)."""
    return apply("silu", _float(x), name=name or "silu")


def gelu(x: Any, approximate: bool = True, name: str | None = None) -> Tensor:
    """The product x · Φ(x), Φ the normal distribution's; by tanh where `approximate`."""
    return apply("gelu", _float(x), approximate=approximate, name=name or "gelu")


def softmax(x: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """exp(x) divided by its sum along an axis."""
    tensor = _float(x)
    return apply("softmax", tensor, axis=as_axis(axis, tensor.ndim, tensor), name=name or "softmax")


def log_softmax(x: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """The logarithm of `softmax`, finite where that is 0."""
    tensor = _float(x)
    return apply(
        "log_softmax", tensor, axis=as_axis(axis, tensor.ndim, tensor), name=name or "log_softmax"
    )

"""Activation functions: of f[…], to the same type; integers are cast to the default float."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from graphc.errors import GraphcError, ShapeError, did_you_mean
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import multiply
from graphc.ops.broadcasting import apply
from graphc.ops.comparison import greater, where
from graphc.ops.conversion import graph_of, inexact, to_tensor
from graphc.ops.tensor import Tensor


def _float(x: Any) -> Tensor:
    return inexact(to_tensor(x, None, graph_of((x,))))


def _axis(tensor: Tensor, axis: int) -> int:
    if not -tensor.ndim <= axis < tensor.ndim:
        raise ShapeError(
            f"there is no axis {axis}", given=tensor.value.type, origin=capture_origin()
        )
    return axis % tensor.ndim


def linear(x: Any, name: str | None = None) -> Tensor:
    """The tensor itself."""
    return to_tensor(x, None, graph_of((x,)))


def relu(x: Any, name: str | None = None) -> Tensor:
    """max(x, 0); its gradient at 0 is 0, as Keras's."""
    tensor = to_tensor(x, None, graph_of((x,)))
    return apply("relu", tensor, name=name or "relu")


def leaky_relu(x: Any, negative_slope: float = 0.2, name: str | None = None) -> Tensor:
    """The tensor where it is above 0, `negative_slope` times x elsewhere."""
    tensor = _float(x)
    return where(greater(tensor, 0), tensor, multiply(tensor, negative_slope), name=name)


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
    return apply("softmax", tensor, axis=_axis(tensor, axis), name=name or "softmax")


def log_softmax(x: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """The logarithm of `softmax`, finite where that is 0."""
    tensor = _float(x)
    return apply("log_softmax", tensor, axis=_axis(tensor, axis), name=name or "log_softmax")


_BY_NAME: Final[dict[str, Callable[..., Tensor]]] = {
    "gelu": gelu,
    "leaky_relu": leaky_relu,
    "linear": linear,
    "log_softmax": log_softmax,
    "relu": relu,
    "sigmoid": sigmoid,
    "silu": silu,
    "softmax": softmax,
    "softplus": softplus,
    "swish": silu,
    "tanh": tanh,
}


def get(identifier: Any) -> Callable[..., Tensor]:
    """The activation that a string names, the function itself, or `linear` for None.

    Raises:
        GraphcError: there is none of that name.
    """
    if identifier is None:
        return linear
    if callable(identifier):
        return identifier
    found = _BY_NAME.get(identifier) if isinstance(identifier, str) else None
    if found is None:
        raise GraphcError(
            f"there is no activation {identifier!r}",
            fix=did_you_mean(str(identifier), _BY_NAME),
            origin=capture_origin(),
        )
    return found

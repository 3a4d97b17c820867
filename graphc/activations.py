"""Floor 4: activation functions as layers take them, by name or as functions; Keras's list.

They are those of `graphc.nn`, but for `gelu`, which is exact here unless `approximate` is given,
and `relu`, which takes Keras's further arguments. Integers are cast to the default float.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from graphc.configurable import Registry
from graphc.configurable import serialize as serialize
from graphc.ops import activations as functions
from graphc.ops.activations import (
    celu,
    elu,
    exponential,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from graphc.ops.arithmetic import multiply, negative, subtract
from graphc.ops.comparison import clip, greater, where
from graphc.ops.conversion import graph_of, inexact, to_tensor
from graphc.ops.tensor import Tensor


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Tensor:
    """max(x, 0), or with another slope, an upper end and another joint.

    Args:
        x: f[…].
        negative_slope: below the threshold the result is negative_slope · (x - threshold).
        max_value: the largest result.
        threshold: where x begins to count as it is.

    Returns:
        f[…], of the type of x.
    """
    tensor = to_tensor(x, None, graph_of((x,)))
    if negative_slope == 0 and threshold == 0 and max_value in (None, 6):
        return functions.relu(tensor) if max_value is None else relu6(tensor)
    tensor = inexact(tensor)
    if max_value is None and threshold == 0:
        return leaky_relu(tensor, negative_slope)
    kept = where(greater(tensor, threshold), tensor, 0) if threshold else functions.relu(tensor)
    if max_value is not None:
        kept = clip(kept, 0, max_value)
    if negative_slope == 0:
        return kept
    below = functions.relu(subtract(threshold, tensor) if threshold else negative(tensor))
    return subtract(kept, multiply(below, negative_slope), "relu")


def gelu(x: Any, approximate: bool = False) -> Tensor:
    """The product x · Φ(x), Φ the normal distribution's; by tanh where `approximate`."""
    return functions.gelu(x, approximate)


swish = silu
hard_swish = hard_silu

_REGISTRY: Final = Registry("activations")
_REGISTRY.add(functions.relu, "relu")  # the same as the one below, as far as names go
for _function in (
    *(celu, elu, exponential, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_tanh),
    *(leaky_relu, linear, log_sigmoid, log_softmax, mish, relu, relu6, selu, sigmoid, silu),
    *(soft_shrink, softmax, softplus, softsign, sparse_plus, sparse_sigmoid, sparsemax),
    *(squareplus, tanh, tanh_shrink, threshold),
):
    _REGISTRY.add(_function, _function.__name__)
_REGISTRY.add(silu, "swish")
_REGISTRY.add(hard_silu, "hard_swish")


def get(identifier: Any) -> Callable[..., Any]:
    """The activation that a name or data means; a function itself; `linear` for None.

    Raises:
        GraphcError: there is none of that name.
    """
    return linear if identifier is None else _REGISTRY.get(identifier)


def deserialize(
    config: Any, custom_objects: Mapping[str, Callable[..., Any]] | None = None
) -> Callable[..., Any]:
    """The activation that a name means or data describes.

    Raises:
        GraphcError: there is none.
    """
    return linear if config is None else _REGISTRY.deserialize(config, custom_objects)


__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]

"""Every activation function, and the one that a string names."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from graphc.errors import GraphcError, did_you_mean
from graphc.ir.origin import capture_origin
from graphc.ops.piecewise_activations import celu as celu
from graphc.ops.piecewise_activations import elu as elu
from graphc.ops.piecewise_activations import hard_shrink as hard_shrink
from graphc.ops.piecewise_activations import hard_sigmoid as hard_sigmoid
from graphc.ops.piecewise_activations import hard_silu as hard_silu
from graphc.ops.piecewise_activations import hard_swish as hard_swish
from graphc.ops.piecewise_activations import hard_tanh as hard_tanh
from graphc.ops.piecewise_activations import leaky_relu as leaky_relu
from graphc.ops.piecewise_activations import relu6 as relu6
from graphc.ops.piecewise_activations import selu as selu
from graphc.ops.piecewise_activations import soft_shrink as soft_shrink
from graphc.ops.piecewise_activations import sparse_plus as sparse_plus
from graphc.ops.piecewise_activations import sparse_sigmoid as sparse_sigmoid
from graphc.ops.piecewise_activations import tanh_shrink as tanh_shrink
from graphc.ops.piecewise_activations import threshold as threshold
from graphc.ops.smooth_activations import exponential as exponential
from graphc.ops.smooth_activations import gelu as gelu
from graphc.ops.smooth_activations import glu as glu
from graphc.ops.smooth_activations import linear as linear
from graphc.ops.smooth_activations import log_sigmoid as log_sigmoid
from graphc.ops.smooth_activations import log_softmax as log_softmax
from graphc.ops.smooth_activations import mish as mish
from graphc.ops.smooth_activations import relu as relu
from graphc.ops.smooth_activations import sigmoid as sigmoid
from graphc.ops.smooth_activations import silu as silu
from graphc.ops.smooth_activations import softmax as softmax
from graphc.ops.smooth_activations import softplus as softplus
from graphc.ops.smooth_activations import softsign as softsign
from graphc.ops.smooth_activations import sparsemax as sparsemax
from graphc.ops.smooth_activations import squareplus as squareplus
from graphc.ops.smooth_activations import tanh as tanh
from graphc.ops.tensor import Tensor

_BY_NAME: Final[dict[str, Callable[..., Tensor]]] = {
    "celu": celu,
    "elu": elu,
    "exponential": exponential,
    "gelu": partial(gelu, approximate=False),  # Keras's layers mean the exact one
    "glu": glu,
    "hard_shrink": hard_shrink,
    "hard_sigmoid": hard_sigmoid,
    "hard_silu": hard_silu,
    "hard_swish": hard_swish,
    "hard_tanh": hard_tanh,
    "leaky_relu": leaky_relu,
    "linear": linear,
    "log_sigmoid": log_sigmoid,
    "log_softmax": log_softmax,
    "mish": mish,
    "relu": relu,
    "relu6": relu6,
    "selu": selu,
    "sigmoid": sigmoid,
    "silu": silu,
    "soft_shrink": soft_shrink,
    "softmax": softmax,
    "softplus": softplus,
    "softsign": softsign,
    "sparse_plus": sparse_plus,
    "sparse_sigmoid": sparse_sigmoid,
    "sparsemax": sparsemax,
    "squareplus": squareplus,
    "tanh": tanh,
    "tanh_shrink": tanh_shrink,
    "swish": silu,
}


def get(identifier: Any) -> Callable[..., Tensor]:
    """The activation that a string names, as in Keras; a function itself; `linear` for None.

    Raises:
        GraphcError: there is none of that name.
    """
    if identifier is None:
        return linear
    if callable(identifier):
        function: Any = identifier
        return function
    found: Callable[..., Tensor] | None = None
    if isinstance(identifier, str):
        found = _BY_NAME.get(identifier)
    if found is None:
        raise GraphcError(
            f"there is no activation {identifier!r}",
            fix=did_you_mean(str(identifier), _BY_NAME),
            origin=capture_origin(),
        )
    return found

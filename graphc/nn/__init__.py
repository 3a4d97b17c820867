"""Floor 4: activations, normalization and losses on logits, under keras.ops.nn's names."""

from graphc.ops.activations import (
    gelu,
    leaky_relu,
    linear,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from graphc.ops.cross_entropies import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from graphc.ops.normalization import layer_normalization

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "gelu",
    "layer_normalization",
    "leaky_relu",
    "linear",
    "log_softmax",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "sparse_categorical_crossentropy",
    "tanh",
]

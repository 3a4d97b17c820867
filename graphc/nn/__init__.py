"""Floor 4: activations, convolutions, pooling, normalization, losses; keras.ops.nn's names."""

import sys
from typing import TYPE_CHECKING, Any

from graphc.missing_names import missing_name
from graphc.ops.activations import (
    celu,
    elu,
    exponential,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
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
from graphc.ops.activations import silu as swish
from graphc.ops.attention import dot_product_attention
from graphc.ops.convolutions import conv, conv_transpose, depthwise_conv, separable_conv
from graphc.ops.cross_entropies import (
    binary_crossentropy,
    categorical_crossentropy,
    l2_loss,
    log_poisson_loss,
    psnr,
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    sparse_categorical_crossentropy,
    sparse_softmax_cross_entropy_with_logits,
    weighted_cross_entropy_with_logits,
)
from graphc.ops.ctc import ctc_decode, ctc_loss
from graphc.ops.depth_and_space import depth_to_space, space_to_depth
from graphc.ops.encoding import (
    multi_hot,
    one_hot,
)
from graphc.ops.normalization import (
    batch_normalization,
    batch_normalization_training,
    group_normalization,
    l2_normalize,
    layer_normalization,
    moments,
    normalize,
    rms_normalization,
)
from graphc.ops.pooling import adaptive_average_pool, adaptive_max_pool, average_pool, max_pool
from graphc.ops.sliding_blocks import fold, unfold

__all__ = [
    "adaptive_average_pool",
    "adaptive_max_pool",
    "average_pool",
    "batch_normalization",
    "batch_normalization_training",
    "binary_crossentropy",
    "categorical_crossentropy",
    "celu",
    "conv",
    "conv_transpose",
    "ctc_decode",
    "ctc_loss",
    "depth_to_space",
    "depthwise_conv",
    "dot_product_attention",
    "elu",
    "exponential",
    "fold",
    "gelu",
    "glu",
    "group_normalization",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "l2_loss",
    "l2_normalize",
    "layer_normalization",
    "leaky_relu",
    "linear",
    "log_poisson_loss",
    "log_sigmoid",
    "log_softmax",
    "max_pool",
    "mish",
    "moments",
    "multi_hot",
    "normalize",
    "one_hot",
    "psnr",
    "relu",
    "relu6",
    "rms_normalization",
    "selu",
    "separable_conv",
    "sigmoid",
    "sigmoid_cross_entropy_with_logits",
    "silu",
    "soft_shrink",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "softplus",
    "softsign",
    "space_to_depth",
    "sparse_categorical_crossentropy",
    "sparse_plus",
    "sparse_sigmoid",
    "sparse_softmax_cross_entropy_with_logits",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
    "unfold",
    "weighted_cross_entropy_with_logits",
]

if not TYPE_CHECKING:  # or else no misspelt name would be found

    def __getattr__(name: str) -> Any:
        raise missing_name(sys.modules[__name__], name)

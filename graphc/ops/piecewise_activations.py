"""Activation functions that do one thing to large numbers and another to small ones.

Each takes f[…] and gives the same type; integers are cast to the default float. At a joint the
derivative is what Keras takes it to be on JAX: `graphc/opset/activations` says which.
"""

from __future__ import annotations

from typing import Any

from graphc.ops.broadcasting import apply
from graphc.ops.smooth_activations import real_float
from graphc.ops.tensor import Tensor

# -- lines for positive numbers --------------------------------------------------------------------


def leaky_relu(x: Any, negative_slope: float = 0.2, name: str | None = None) -> Tensor:
    """The tensor from 0 on, `negative_slope` times x below."""
    tensor = real_float(x, "leaky_relu")
    return apply("leaky_relu", tensor, negative_slope=negative_slope, name=name or "leaky_relu")


def relu6(x: Any, name: str | None = None) -> Tensor:
    """min(max(x, 0), 6)."""
    return apply("relu6", real_float(x, "relu6"), name=name or "relu6")


def elu(x: Any, alpha: float = 1.0, name: str | None = None) -> Tensor:
    """The tensor where it is above 0, alpha · (exp(x) - 1) elsewhere (Clevert and others 2016)."""
    return apply("elu", real_float(x, "elu"), alpha=alpha, name=name or "elu")


def selu(x: Any, name: str | None = None) -> Tensor:
    """A scaled `elu` that keeps mean 0 and variance 1 (Klambauer and others 2017)."""
    return apply("selu", real_float(x, "selu"), name=name or "selu")


def celu(x: Any, alpha: float = 1.0, name: str | None = None) -> Tensor:
    """max(x, 0) + min(alpha · (exp(x / alpha) - 1), 0) (Barron 2017)."""
    return apply("celu", real_float(x, "celu"), alpha=alpha, name=name or "celu")


def threshold(x: Any, threshold: float, default_value: float, name: str | None = None) -> Tensor:
    """The tensor where it is above the threshold, `default_value` elsewhere."""
    return apply(
        "threshold",
        real_float(x, "threshold"),
        threshold=threshold,
        value=default_value,
        name=name or "threshold",
    )


# -- between two bounds ----------------------------------------------------------------------------


def hard_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """min(max(x / 6 + 0.5, 0), 1)."""
    return apply("hard_sigmoid", real_float(x, "hard_sigmoid"), name=name or "hard_sigmoid")


def hard_silu(x: Any, name: str | None = None) -> Tensor:
    """The product x · hard_sigmoid(x), also called hard swish (Howard and others 2019)."""
    return apply("hard_silu", real_float(x, "hard_silu"), name=name or "hard_silu")


hard_swish = hard_silu


def hard_tanh(x: Any, name: str | None = None) -> Tensor:
    """min(max(x, -1), 1)."""
    return apply("hard_tanh", real_float(x, "hard_tanh"), name=name or "hard_tanh")


def sparse_plus(x: Any, name: str | None = None) -> Tensor:
    """0 up to -1, x from 1 on, (x + 1)² / 4 between."""
    return apply("sparse_plus", real_float(x, "sparse_plus"), name=name or "sparse_plus")


def sparse_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """0 up to -1, 1 from 1 on, (x + 1) / 2 between."""
    return apply("sparse_sigmoid", real_float(x, "sparse_sigmoid"), name=name or "sparse_sigmoid")


# -- towards 0 -------------------------------------------------------------------------------------


def hard_shrink(x: Any, threshold: float = 0.5, name: str | None = None) -> Tensor:
    """The tensor where its absolute value is above the threshold, 0 elsewhere."""
    tensor = real_float(x, "hard_shrink")
    return apply("hard_shrink", tensor, threshold=threshold, name=name or "hard_shrink")


def soft_shrink(x: Any, threshold: float = 0.5, name: str | None = None) -> Tensor:
    """The tensor moved towards 0 by the threshold; 0 where that is further than it is away."""
    tensor = real_float(x, "soft_shrink")
    return apply("soft_shrink", tensor, threshold=threshold, name=name or "soft_shrink")


def tanh_shrink(x: Any, name: str | None = None) -> Tensor:
    """The difference x - tanh(x)."""
    return apply("tanh_shrink", real_float(x, "tanh_shrink"), name=name or "tanh_shrink")

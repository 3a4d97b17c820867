"""Normalization of features."""

from __future__ import annotations

from typing import Any

from graphc.ops.broadcasting import apply, broadcast_to
from graphc.ops.conversion import constant_tensor, graph_of, inexact, promoted
from graphc.ops.tensor import Tensor


def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: int = -1,
    epsilon: float | None = None,
    name: str | None = None,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) along an axis, times gamma, plus beta.

    Args:
        x: f[…, features, …].
        gamma: f[features]; ones by default.
        beta: f[features]; zeros by default.
        axis: the axis of the features.
        epsilon: added to the variance; 1e-3 by default, as in Keras.
        name: "layer_normalization" by default.

    Source: Ba, Kiros and Hinton 2016, https://arxiv.org/abs/1607.06450.
    """
    graph = graph_of([thing for thing in (x, gamma, beta) if thing is not None])
    tensor = inexact(x)
    size = (tensor.shape[axis],)
    scale = broadcast_to(constant_tensor(graph, 1, tensor.dtype), size) if gamma is None else gamma
    offset = broadcast_to(constant_tensor(graph, 0, tensor.dtype), size) if beta is None else beta
    operands = promoted([tensor, scale, offset])
    return apply(
        "layer_normalization",
        *operands,
        axis=axis % tensor.ndim,
        epsilon=1e-3 if epsilon is None else epsilon,
        name=name or "layer_normalization",
    )

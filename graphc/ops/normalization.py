"""Normalization of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import graphc.settings as settings
from graphc.dimensions import Dimension
from graphc.ops.arithmetic import add, divide, multiply, square, subtract
from graphc.ops.broadcasting import apply
from graphc.ops.comparison import maximum
from graphc.ops.conversion import graph_of, inexact, promoted, to_tensor
from graphc.ops.exponential import rsqrt
from graphc.ops.filling import filled
from graphc.ops.identities import named
from graphc.ops.norms import norm
from graphc.ops.reductions import Axis, mean, var
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import reshape
from graphc.ops.sizes import as_axes, as_axis
from graphc.ops.tensor import Tensor


def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
    name: str | None = None,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) along axes, times gamma, plus beta.

    Args:
        x: f[…, features, …].
        gamma: f[features]; ones by default. For several axes, of their sizes.
        beta: likewise; zeros by default.
        axis: the axis or axes of the features.
        epsilon: added to the variance; `backend.epsilon()` by default.
        name: of the result.

    Raises:
        ShapeError: gamma or beta does not fit, or an axis does not exist.

    Source: Ba, Kiros and Hinton 2016, https://arxiv.org/abs/1607.06450.
    """
    graph = graph_of([thing for thing in (x, gamma, beta) if thing is not None])
    tensor = inexact(to_tensor(x, None, graph))
    axes = as_axes(axis, tensor)
    small = settings.epsilon.get() if epsilon is None else epsilon
    label = name or "layer_normalization"
    if len(axes) == 1:
        size = (tensor.shape[axes[0]],)
        scale = filled(graph, 1, tensor.dtype, size) if gamma is None else gamma
        offset = filled(graph, 0, tensor.dtype, size) if beta is None else beta
        operands = promoted([tensor, scale, offset])
        return apply(
            "layer_normalization", *operands, axis=axes[0], epsilon=float(small), name=label
        )
    centered = subtract(tensor, mean(tensor, axes, keepdims=True))
    normal = multiply(centered, rsqrt(add(var(tensor, axes, keepdims=True), small)))
    if gamma is not None:
        normal = multiply(normal, _along(gamma, tensor, axes))
    if beta is not None:
        normal = add(normal, _along(beta, tensor, axes))
    return named(normal, name)


def _along(weight: Any, tensor: Tensor, axes: Sequence[int]) -> Tensor:
    """A weight that has some axes of a tensor, in such a shape that it broadcasts with it."""
    own = to_tensor(weight, None, graph_of((weight, tensor)))
    shape: list[Dimension] = [size if axis in axes else 1 for axis, size in enumerate(tensor.shape)]
    return reshape(own, shape)


def rms_normalization(
    x: Any,
    scale: Any = None,
    axis: int | Sequence[int] = -1,
    epsilon: float | None = None,
    name: str | None = None,
) -> Tensor:
    """X / sqrt(mean of x² + epsilon) along axes, times scale.

    Args:
        x: f[…, features, …].
        scale: f[features]; none by default.
        axis: the axis or axes of the features.
        epsilon: added to the mean square; `backend.epsilon()` by default.
        name: of the result.

    Source: Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467.
    """
    tensor = inexact(to_tensor(x, None, graph_of((x,))))
    axes = as_axes(axis, tensor)
    small = settings.epsilon.get() if epsilon is None else epsilon
    factor = rsqrt(add(mean(square(tensor), axes, keepdims=True), small))
    label = name or "rms_normalization"
    if scale is None:
        return multiply(tensor, factor, label)
    return multiply(multiply(tensor, factor), _along(scale, tensor, axes), label)


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
    name: str | None = None,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon), times scale, plus offset.

    Args:
        x: f[…, channels, …].
        mean: f[channels].
        variance: f[channels].
        axis: the axis of the channels.
        offset: f[channels]; none by default.
        scale: f[channels]; none by default.
        epsilon: added to the variance.
        name: of the result.

    Source: Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167.
    """
    tensor = inexact(to_tensor(x, None, graph_of((x,))))
    channel = [as_axis(axis, tensor.ndim, tensor)]
    factor = rsqrt(add(variance, epsilon))
    if scale is not None:
        factor = multiply(factor, scale)
    centered = subtract(tensor, _along(mean, tensor, channel))
    label = name or "batch_normalization"
    if offset is None:
        return multiply(centered, _along(factor, tensor, channel), label)
    scaled = multiply(centered, _along(factor, tensor, channel))
    return add(scaled, _along(offset, tensor, channel), label)


def moments(
    x: Any,
    axes: Axis,
    keepdims: bool = False,
    synchronized: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean and the variance along axes.

    Args:
        x: f[…]; integers are cast to the default float.
        axes: along which; None for all.
        keepdims: whether to keep axes of size 1.
        synchronized: accepted for Keras's sake: one program sees the whole batch.
        name: scope of the results.
    """
    label = name or "moments"
    return mean(x, axes, keepdims, f"{label}/mean"), var(x, axes, keepdims, f"{label}/variance")


def normalize(
    x: Any,
    axis: int = -1,
    order: float = 2,
    epsilon: float | None = None,
    name: str | None = None,
) -> Tensor:
    """The vectors along an axis divided by their norms, each at least `epsilon`."""
    tensor = inexact(to_tensor(x, None, graph_of((x,))))
    small = settings.epsilon.get() if epsilon is None else epsilon
    label = name or "normalize"
    if order == 2:
        # one over the root of the sum, so that the gradient at 0 is finite
        total = reduce_sum(square(tensor), axis, keepdims=True)
        return multiply(tensor, rsqrt(maximum(total, small * small)), label)
    return divide(tensor, maximum(norm(tensor, order, axis, keepdims=True), small), label)

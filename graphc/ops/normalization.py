"""Normalization of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import graphc.settings as settings
from graphc.dimensions import Dimension
from graphc.ops.arithmetic import add, divide, multiply, square, subtract
from graphc.ops.broadcasting import apply, apply_many
from graphc.ops.comparison import maximum
from graphc.ops.conversion import cast_to, graph_of, inexact, promoted, to_tensor
from graphc.ops.exponential import rsqrt
from graphc.ops.filling import filled
from graphc.ops.identities import named
from graphc.ops.norms import norm
from graphc.ops.reductions import Axis, mean, var
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
    tensor = inexact(to_tensor(x, None, graph_of((x,))))
    axes = as_axes(axis, tensor)
    small = settings.epsilon.get() if epsilon is None else epsilon
    label = name or "layer_normalization"
    if len(axes) == 1:
        operands = _with_vectors(tensor, axes[0], ((gamma, 1), (beta, 0)))
        return _applied("layer_normalization", operands, tensor, label, axis=axes[0], epsilon=small)
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
    label = name or "rms_normalization"
    if len(axes) == 1:
        operands = _with_vectors(tensor, axes[0], ((scale, 1),))
        return _applied("rms_normalization", operands, tensor, label, axis=axes[0], epsilon=small)
    factor = rsqrt(add(mean(square(tensor), axes, keepdims=True), small))
    if scale is None:
        return multiply(tensor, factor, label)
    return multiply(multiply(tensor, factor), _along(scale, tensor, axes), label)


def group_normalization(
    x: Any,
    groups: int,
    axis: int = -1,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
    name: str | None = None,
) -> Tensor:
    """Each group of channels of each example to mean 0 and variance 1, times scale, plus offset.

    Args:
        x: f[examples, …, channels, …].
        groups: into how many groups the channels are divided: 1 normalises all together, as many as
            there are channels each one by itself (instance normalisation).
        axis: the axis of the channels, whose number must be known.
        offset: f[channels]; none by default.
        scale: f[channels]; none by default.
        epsilon: added to the variance.
        name: of the result.

    Raises:
        ShapeError: the groups do not divide the channels, or the channels are on axis 0.

    Source: Wu and He 2018, https://arxiv.org/abs/1803.08494.
    """
    tensor = inexact(to_tensor(x, None, graph_of((x,))))
    along = as_axis(axis, tensor.ndim, tensor)
    operands = _with_vectors(tensor, along, ((scale, 1), (offset, 0)))
    label = name or "group_normalization"
    return _applied(
        "group_normalization", operands, tensor, label, groups=groups, axis=along, epsilon=epsilon
    )


def _with_vectors(tensor: Tensor, axis: int, vectors: Sequence[tuple[Any, float]]) -> list[Tensor]:
    """A tensor and vectors of its features, promoted; a number in place of those left out."""
    graph = graph_of([tensor, *[vector for vector, _ in vectors if vector is not None]])
    size = (tensor.shape[axis],)
    made = [
        filled(graph, number, tensor.dtype, size) if vector is None else vector
        for vector, number in vectors
    ]
    return promoted([tensor, *made])


def _applied(
    op_name: str,
    operands: Sequence[Tensor],
    tensor: Tensor,
    label: str,
    epsilon: float,
    **attributes: Any,
) -> Tensor:
    """A normalisation, whose result has the element type of the tensor, whatever its weights."""
    is_same = operands[0].dtype is tensor.dtype
    name = label if is_same else None
    made = apply(op_name, *operands, epsilon=float(epsilon), name=name, **attributes)
    return made if is_same else cast_to(made, tensor.dtype, label)


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
    channel = as_axis(axis, tensor.ndim, tensor)
    vectors = ((scale, 1), (offset, 0), (mean, 0), (variance, 1))
    return apply(
        "batch_norm_inference",
        *_with_vectors(tensor, channel, vectors),
        epsilon=float(epsilon),
        feature_index=channel,
        name=name or "batch_normalization",
    )


def batch_normalization_training(
    x: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """`batch_normalization` with the mean and the variance of the batch itself.

    Args:
        x: f[…, channels, …].
        axis: the axis of the channels.
        offset: f[channels]; none by default.
        scale: f[channels]; none by default.
        epsilon: added to the variance.
        name: of the results.

    Returns:
        The normalised batch, its mean and its variance (divided by the number of elements), both
        f[channels] and at least float32.

    Raises:
        ShapeError: the axis does not exist, or scale or offset does not fit.

    Source: Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167.
    """
    tensor = inexact(to_tensor(x, None, graph_of((x,))))
    channel = as_axis(axis, tensor.ndim, tensor)
    made = apply_many(
        "batch_norm_training",
        *_with_vectors(tensor, channel, ((scale, 1), (offset, 0))),
        epsilon=float(epsilon),
        feature_index=channel,
        name=name or "batch_normalization",
    )
    return made[0], made[1], made[2]


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
        axes = as_axes(axis, tensor)
        return apply("l2_normalize", tensor, axes=axes, epsilon=float(small) ** 2, name=label)
    return divide(tensor, maximum(norm(tensor, order, axis, keepdims=True), small), label)


def l2_normalize(
    x: Any, axis: Axis = None, epsilon: float = 1e-12, name: str | None = None
) -> Tensor:
    """X / sqrt(the sum of x² along axes, at least `epsilon`), as TensorFlow calls it.

    Args:
        x: f[…].
        axis: along which; None for all.
        epsilon: the least sum of squares.
        name: of the result.
    """
    tensor = inexact(to_tensor(x, None, graph_of((x,))))
    axes = as_axes(axis, tensor)
    label = name or "l2_normalize"
    return apply("l2_normalize", tensor, axes=axes, epsilon=float(epsilon), name=label)

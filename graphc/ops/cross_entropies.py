"""Cross-entropies, one number per sample, under keras.ops' names.

Probabilities are logits too: log(p) differs from p's logits by a constant, which softmax takes out.
"""

from __future__ import annotations

from typing import Any

import graphc.settings as settings
from graphc.ops.arithmetic import add, multiply, negative, subtract
from graphc.ops.broadcasting import aligned, apply
from graphc.ops.comparison import clip
from graphc.ops.conversion import graph_of, inexact, to_tensor
from graphc.ops.exponential import log
from graphc.ops.shaping import moveaxis, squeeze
from graphc.ops.sizes import as_axis
from graphc.ops.tensor import Tensor


def sparse_categorical_crossentropy(
    target: Any,
    output: Any,
    from_logits: bool = False,
    axis: int = -1,
    name: str | None = None,
) -> Tensor:
    """-log of the probability that `output` gives to an integer class.

    Args:
        target: integers [...], or with a last axis of size 1.
        output: f[..., classes]: probabilities, or logits.
        from_logits: whether output holds logits.
        axis: of output, along which the classes are.
        name: of the result.

    Returns:
        f[...]: one number per target.

    Raises:
        DTypeError: the targets are no integers.
        ShapeError: targets and outputs do not fit.
    """
    graph = graph_of((target, output))
    logits = _logits(to_tensor(output, None, graph), from_logits)
    labels = to_tensor(target, None, graph)
    if labels.ndim == logits.ndim and labels.shape[-1:] == (1,):
        labels = squeeze(labels, -1)
    return apply(
        "sparse_softmax_cross_entropy",
        _classes_last(logits, axis),
        labels,
        name=name or "sparse_categorical_crossentropy",
    )


def categorical_crossentropy(
    target: Any,
    output: Any,
    from_logits: bool = False,
    axis: int = -1,
    name: str | None = None,
) -> Tensor:
    """-Σ target · log(output) along an axis.

    Args:
        target: f[..., classes]: probabilities.
        output: f[..., classes]: probabilities, or logits.
        from_logits: whether output holds logits.
        axis: along which the classes are.
        name: of the result.

    Returns:
        f[...]: one number per distribution.

    Raises:
        ShapeError: the shapes do not broadcast.
    """
    graph = graph_of((target, output))
    logits = _logits(to_tensor(output, None, graph), from_logits)
    prediction, truth = (_classes_last(each, axis) for each in aligned((logits, target)))
    name = name or "categorical_crossentropy"
    return apply("softmax_cross_entropy", prediction, truth, name=name)


def softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, axis: int = -1, name: str | None = None
) -> Tensor:
    """`categorical_crossentropy` of logits, as TensorFlow calls it."""
    return categorical_crossentropy(labels, logits, True, axis, name)


def sparse_softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, name: str | None = None
) -> Tensor:
    """`sparse_categorical_crossentropy` of logits, as TensorFlow calls it."""
    return sparse_categorical_crossentropy(labels, logits, True, -1, name)


def sigmoid_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Tensor:
    """`binary_crossentropy` of logits, as TensorFlow calls it."""
    return binary_crossentropy(labels, logits, True, name)


def _classes_last(tensor: Tensor, axis: int) -> Tensor:
    along = as_axis(axis, tensor.ndim, tensor)
    return tensor if along == tensor.ndim - 1 else moveaxis(tensor, along, -1)


def binary_crossentropy(
    target: Any, output: Any, from_logits: bool = False, name: str | None = None
) -> Tensor:
    """-(target · log(output) + (1 - target) · log(1 - output)), element by element.

    Args:
        target: f[...]: probabilities; integers are cast.
        output: f[...]: probabilities, or logits.
        from_logits: whether output holds logits.
        name: of the result.

    Raises:
        ShapeError: the shapes do not broadcast.
    """
    graph = graph_of((target, output))
    prediction, truth = aligned((inexact(to_tensor(output, None, graph)), target))
    name = name or "binary_crossentropy"
    if from_logits:
        return apply("sigmoid_cross_entropy", prediction, truth, name=name)
    epsilon = settings.epsilon.get()
    inside = clip(prediction, epsilon, 1 - epsilon)
    hit = multiply(truth, log(inside))
    miss = multiply(subtract(1, truth), log(subtract(1, inside)))
    return negative(add(hit, miss), name=name)


def _logits(output: Tensor, from_logits: bool) -> Tensor:
    if from_logits:
        return inexact(output)
    epsilon = settings.epsilon.get()
    return log(clip(inexact(output), epsilon, 1 - epsilon))

"""Cross-entropies, one number per sample, under keras.ops' names.

Logits are exact far out too. Probabilities are, as in Keras, divided by their sum, and then kept
`backend.epsilon()` away from 0 and 1, where their gradient is 0: losses end at about 16.
"""

from __future__ import annotations

import math
from typing import Any

import graphc.settings as settings
from graphc.dimensions import equal as equal_sizes
from graphc.dtypes import F32, DType
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.activations import softplus
from graphc.ops.arithmetic import add, divide, multiply, negative, square, subtract
from graphc.ops.broadcasting import aligned, apply
from graphc.ops.casting import cast
from graphc.ops.comparison import clip, greater, where
from graphc.ops.conversion import cast_to, graph_of, inexact, promoted, to_tensor
from graphc.ops.encoding import one_hot
from graphc.ops.exponential import exp, log, log10
from graphc.ops.reductions import mean
from graphc.ops.reductions import sum as reduce_sum
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
        f[...]: one number per target; 0 for a target that is the number of no class.

    Raises:
        DTypeError: the targets are no integers.
        ShapeError: targets and outputs do not fit.
    """
    graph = graph_of((target, output))
    prediction = inexact(to_tensor(output, None, graph))
    labels = to_tensor(target, None, graph)
    if labels.ndim == prediction.ndim and labels.shape[-1:] == (1,):
        labels = squeeze(labels, -1)
    label = name or "sparse_categorical_crossentropy"
    prediction = _classes_last(prediction, axis)
    if from_logits:
        return apply("sparse_softmax_cross_entropy", prediction, labels, name=label)
    logarithms = _log_probabilities(prediction)
    hot = one_hot(labels, prediction.shape[-1], dtype=logarithms.dtype)
    return _expected(hot, logarithms, prediction.dtype, label)


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
    given = inexact(to_tensor(output, None, graph))
    prediction, truth = (_classes_last(each, axis) for each in aligned((given, target)))
    label = name or "categorical_crossentropy"
    if from_logits:
        return apply("softmax_cross_entropy", prediction, truth, name=label)
    logarithms = _log_probabilities(prediction)
    return _expected(cast_to(truth, logarithms.dtype), logarithms, prediction.dtype, label)


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
    inside = _inside(prediction)
    wide = cast_to(truth, inside.dtype)
    hit = multiply(wide, log(inside))
    miss = multiply(subtract(1, wide), log(subtract(1, inside)))
    total = add(hit, miss)
    if total.dtype is prediction.dtype:
        return negative(total, name=name)
    return cast_to(negative(total), prediction.dtype, name)


def _inside(probabilities: Tensor) -> Tensor:
    """Probabilities away from 0 and 1; at least float32, where 1 - epsilon is not 1."""
    epsilon = settings.epsilon.get()
    is_half = probabilities.dtype.itemsize < F32.itemsize
    return clip(cast_to(probabilities, F32) if is_half else probabilities, epsilon, 1 - epsilon)


def _log_probabilities(output: Tensor) -> Tensor:
    """The logarithms of what sums to 1 along the last axis; at least float32."""
    wide = cast_to(output, F32) if output.dtype.itemsize < F32.itemsize else output
    return log(_inside(divide(wide, reduce_sum(wide, -1, keepdims=True))))


def _expected(truth: Tensor, logarithms: Tensor, dtype: DType, name: str) -> Tensor:
    """-Σ truth · logarithms over the last axis, as `dtype`."""
    total = reduce_sum(multiply(truth, logarithms), -1)
    if total.dtype is dtype:
        return negative(total, name=name)
    return cast_to(negative(total), dtype, name)


def weighted_cross_entropy_with_logits(
    labels: Any, logits: Any, pos_weight: Any, name: str | None = None
) -> Tensor:
    """`sigmoid_cross_entropy_with_logits`, where what is true counts `pos_weight` times.

    Args:
        labels: f[...]: probabilities; integers are cast.
        logits: f[...].
        pos_weight: a number, or a tensor that broadcasts with the logits: above 1, fewer false
            negatives; below 1, fewer false positives.
        name: of the result.

    Raises:
        ShapeError: the shapes do not broadcast.
    """
    graph = graph_of((labels, logits, pos_weight))
    prediction, truth = aligned((inexact(to_tensor(logits, None, graph)), labels))
    # (1 - t) x + (1 + (w - 1) t) softplus(-x): the sum of both losses, with one softplus
    weight = add(multiply(truth, subtract(pos_weight, 1)), 1)
    loss = multiply(weight, softplus(negative(prediction)))
    return add(
        multiply(subtract(1, truth), prediction),
        loss,
        name or "weighted_cross_entropy_with_logits",
    )


def log_poisson_loss(
    targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None
) -> Tensor:
    """exp(log_input) - log_input · targets: -log of a Poisson probability, but for a constant.

    Args:
        targets: f[...]: counts; integers are cast.
        log_input: f[...]: logarithms of expected counts.
        compute_full_loss: whether to add Stirling's t log t - t + log(2 π t) / 2, for targets
            above 1.
        name: of the result.

    Raises:
        ShapeError: the shapes do not broadcast.
    """
    graph = graph_of((targets, log_input))
    prediction, truth = aligned((inexact(to_tensor(log_input, None, graph)), targets))
    label = name or "log_poisson_loss"
    if not compute_full_loss:
        return subtract(exp(prediction), multiply(prediction, truth), label)
    loss = subtract(exp(prediction), multiply(prediction, truth))
    counts = greater(truth, 1)
    # the logarithm of what is not used must not spoil the gradient
    safe = where(counts, truth, 1.0)
    half = multiply(log(multiply(safe, 2 * math.pi)), 0.5)
    stirling = add(subtract(multiply(safe, log(safe)), safe), half)
    return add(loss, where(counts, stirling, 0.0), label)


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """Half the sum of squares, as TensorFlow calls it: f[]."""
    return multiply(reduce_sum(square(inexact(t))), 0.5, name or "l2_loss")


def psnr(x1: Any, x2: Any, max_val: Any, name: str | None = None) -> Tensor:
    """Peak signal-to-noise ratio in decibels: 20 log10(max_val) - 10 log10(mean squared error).

    Args:
        x1: f[...].
        x2: of the same shape.
        max_val: the greatest number that a signal can have.
        name: of the result.

    Returns:
        f[]: infinite for equal signals.

    Raises:
        ShapeError: the shapes differ.
    """
    graph = graph_of((x1, x2, max_val))
    left, right = promoted([inexact(to_tensor(each, None, graph)) for each in (x1, x2)])
    fits = left.ndim == right.ndim and all(
        equal_sizes(mine, theirs) is not False
        for mine, theirs in zip(left.shape, right.shape, strict=True)
    )
    if not fits:
        raise ShapeError(
            "psnr() compares signals of one shape",
            given=f"{left.value.type} and {right.value.type}",
            origin=capture_origin(),
        )
    error = mean(square(subtract(left, right)))
    peak = multiply(log10(cast(max_val, error.dtype)), 20.0)
    return subtract(peak, multiply(log10(error), 10.0), name or "psnr")

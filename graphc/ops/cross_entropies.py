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
from graphc.ops.tensor import Tensor


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, name: str | None = None
) -> Tensor:
    """-log of the probability that `output` gives to an integer class.

    Args:
        target: i32[…].
        output: f[…, classes]: probabilities, or logits.
        from_logits: whether output holds logits.
        name: of the result.
    """
    graph = graph_of((target, output))
    logits = _logits(to_tensor(output, None, graph), from_logits)
    labels = to_tensor(target, None, graph)
    return apply("sparse_softmax_cross_entropy", logits, labels, name=name)


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, name: str | None = None
) -> Tensor:
    """-Σ target · log(output) over the last axis, of f[…, classes] both."""
    graph = graph_of((target, output))
    logits = _logits(to_tensor(output, None, graph), from_logits)
    prediction, truth = aligned((logits, target))
    return apply("softmax_cross_entropy", prediction, truth, name=name)


def binary_crossentropy(
    target: Any, output: Any, from_logits: bool = False, name: str | None = None
) -> Tensor:
    """-(target · log(output) + (1 - target) · log(1 - output)), element by element."""
    graph = graph_of((target, output))
    prediction, truth = aligned((inexact(to_tensor(output, None, graph)), target))
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

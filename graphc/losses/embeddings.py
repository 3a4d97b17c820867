"""The circle loss: distances within classes and between them, of embeddings.

Source: Sun and others 2020, "Circle loss", https://arxiv.org/abs/2002.10857.
"""

from __future__ import annotations

from typing import Any

from graphc.dimensions import equal as equal_sizes
from graphc.dtypes import BOOL
from graphc.losses.label_shapes import class_numbers, labels_are_class_numbers, misfit
from graphc.losses.loss import LossFunctionWrapper
from graphc.losses.weighting import Reduction
from graphc.ops.activations import softplus
from graphc.ops.arithmetic import add, multiply, subtract
from graphc.ops.comparison import equal, greater, logical_and, logical_not, maximum, where
from graphc.ops.linear_algebra import matmul
from graphc.ops.masks import set_mask
from graphc.ops.matrices import eye
from graphc.ops.reductions import logsumexp
from graphc.ops.shaping import expand_dims, squeeze, transpose
from graphc.ops.tensor import Tensor


@labels_are_class_numbers
def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """For each embedding, how near others of its class and how far those of other classes are.

    Args:
        y_true: integers[batch], or [batch, 1]: class numbers.
        y_pred: f[batch, size]: embeddings of length 1.
        ref_labels: integers[others]: of what is compared with; `y_true` by default.
        ref_embeddings: f[others, size]: likewise.
        remove_diagonal: whether an embedding is not compared with the one at its own place.
        gamma: a factor of similarities.
        margin: which similarity is good enough.

    Returns:
        f[batch]; what is 0 does not count in a mean.

    Raises:
        DTypeError: the labels are no integers.
        ShapeError: labels and embeddings do not fit.
    """
    labels, embeddings = _labelled(y_true, y_pred)
    if ref_labels is None and ref_embeddings is None:
        others, references = labels, embeddings
    else:
        others, references = _labelled(
            labels if ref_labels is None else ref_labels,
            embeddings if ref_embeddings is None else ref_embeddings,
        )
    distances = maximum(subtract(1.0, matmul(embeddings, transpose(references))), 0.0)
    alike = equal(expand_dims(labels, 1), expand_dims(others, 0))
    unlike = logical_not(alike)
    if remove_diagonal:
        own = eye(labels.shape[0], others.shape[0], dtype=BOOL)
        alike = logical_and(alike, logical_not(own))
    near = multiply(maximum(add(distances, margin), 0.0), subtract(distances, margin))
    room = maximum(subtract(1 + margin, distances), 0.0)
    far = multiply(room, subtract(1 - margin, distances))
    losses = softplus(add(_pooled(near, alike, gamma), _pooled(far, unlike, gamma)))
    set_mask(losses, greater(losses, 0))
    return losses


def _labelled(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Class numbers [batch] and embeddings [batch, size]."""
    labels, embeddings = class_numbers(y_true, y_pred)
    if labels.ndim == 2 and labels.shape[-1:] == (1,):
        labels = squeeze(labels, -1)
    if (
        labels.ndim != 1
        or embeddings.ndim != 2
        or equal_sizes(labels.shape[0], embeddings.shape[0]) is False
    ):
        raise misfit(labels, embeddings, "labels [batch], embeddings [batch, size]")
    return labels, embeddings


def _pooled(similarities: Tensor, chosen: Tensor, gamma: float) -> Tensor:
    """Log Σ exp of a row's chosen numbers; -inf for none."""
    return logsumexp(where(chosen, multiply(similarities, gamma), float("-inf")), axis=1)


class Circle(LossFunctionWrapper):
    """Distances within classes and between them: `circle`, then the reduction.

    Args:
        gamma: a factor of similarities.
        margin: which similarity is good enough.
        remove_diagonal: whether an embedding is not compared with itself.
        reduction: see `Loss`.
        name: scope of its nodes.
        dtype: see `Loss`.
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            circle,
            reduction,
            name,
            dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )
        self.gamma = gamma
        self.margin = margin
        self.remove_diagonal = remove_diagonal

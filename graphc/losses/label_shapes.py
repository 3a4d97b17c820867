"""What labels and predictions must have in common, and errors that name both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np

from graphc.dimensions import Dimension, Shape, equal
from graphc.dtypes import BOOL, I32
from graphc.errors import DTypeError, GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.conversion import cast_to, graph_of, inexact, to_tensor
from graphc.ops.shaping import expand_dims, squeeze
from graphc.ops.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])

_WITH_CLASS_NUMBERS: Final[set[Callable[..., Any]]] = set()


def labels_are_class_numbers(function: F) -> F:
    """Say of a loss function that a `Loss` hands labels on to it as they are, not as floats."""
    _WITH_CLASS_NUMBERS.add(function)
    return function


def takes_class_numbers(function: Callable[..., Any]) -> bool:
    """Whether `labels_are_class_numbers` was said of a function."""
    try:
        return function in _WITH_CLASS_NUMBERS
    except TypeError:  # not hashable
        return False


def _is_one(size: Dimension) -> bool:
    return isinstance(size, int) and size == 1


def squeeze_or_expand_to_same_rank(
    x1: Tensor, x2: Tensor, expand_rank_1: bool = True
) -> tuple[Tensor, Tensor]:
    """Two tensors of one rank, where one has a last axis of size 1 more than the other.

    The axis is taken away, or given to the other if that is a vector.

    Args:
        x1: f[…].
        x2: f[…].
        expand_rank_1: whether vectors are given an axis.
    """
    if x1.ndim == x2.ndim + 1 and _is_one(x1.shape[-1]):
        if x2.ndim == 1 and expand_rank_1:
            return x1, expand_dims(x2, -1)
        return squeeze(x1, -1), x2
    if x2.ndim == x1.ndim + 1 and _is_one(x2.shape[-1]):
        if x1.ndim == 1 and expand_rank_1:
            return expand_dims(x1, -1), x2
        return x1, squeeze(x2, -1)
    return x1, x2


def surely_broadcast(left: Shape, right: Shape) -> bool:
    """Whether two shapes broadcast: of different ranks, only where sizes are known to be equal.

    A batch whose size is not known must not be taken for the classes by chance.
    """
    same_rank = len(left) == len(right)
    return all(
        _is_one(mine)
        or _is_one(theirs)
        or (equal(mine, theirs) is not False if same_rank else equal(mine, theirs) is True)
        for mine, theirs in zip(reversed(left), reversed(right), strict=False)
    )


def misfit(
    labels: Tensor, predictions: Tensor, expected: str, fix: str | None = None
) -> ShapeError:
    """The error for labels and predictions whose shapes do not go together."""
    return ShapeError(
        "labels and predictions do not fit",
        given=f"labels {labels.value.type}, predictions {predictions.value.type}",
        expected=expected,
        fix=fix,
        origin=capture_origin(),
    )


def paired(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Labels and predictions as floats of the type of the predictions, of one rank.

    Raises:
        ShapeError: their shapes do not broadcast.
    """
    graph = graph_of((y_true, y_pred))
    predictions = inexact(to_tensor(y_pred, None, graph))
    labels = cast_to(to_tensor(y_true, predictions.dtype, graph), predictions.dtype)
    labels, predictions = squeeze_or_expand_to_same_rank(labels, predictions)
    if not surely_broadcast(labels.shape, predictions.shape):
        raise misfit(labels, predictions, "shapes that broadcast")
    return labels, predictions


def distributions(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """`paired`, of one shape.

    Raises:
        ShapeError: the shapes differ.
    """
    try:
        labels, predictions = paired(y_true, y_pred)
    except ShapeError as error:
        raise _not_distributions(error) from None
    sizes = zip(labels.shape, predictions.shape, strict=False)
    if labels.ndim != predictions.ndim or any(equal(*pair) is False for pair in sizes):
        raise _not_distributions(misfit(labels, predictions, ""))
    return labels, predictions


def _not_distributions(error: ShapeError) -> ShapeError:
    error.expected = "the same shape: a probability for each class"
    error.fix = "for class numbers use the sparse loss, or ops.one_hot(labels, classes)"
    return error


def class_numbers(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Labels as integers, predictions as floats.

    Raises:
        DTypeError: the labels are no integers.
    """
    graph = graph_of((y_true, y_pred))
    labels = to_tensor(y_true, None, graph)
    predictions = inexact(to_tensor(y_pred, None, graph))
    # Floats that hold class numbers are what text files and tables give.
    is_one_number = labels.ndim < predictions.ndim or _is_one(labels.shape[-1])
    if labels.dtype is BOOL or (labels.dtype.is_floating and is_one_number):
        labels = cast_to(labels, I32)
    if not labels.dtype.is_integer:
        raise DTypeError(
            "labels must be integers",
            given=labels.value.type,
            expected="one class number per sample",
            fix="take the categorical loss that is not sparse, or argmax(labels, -1)",
            origin=capture_origin(),
        )
    return labels, predictions


def refuse_known_labels_outside(
    labels: Tensor, classes: Dimension, ignored: int | None = None
) -> None:
    """Raise an error for labels that are a constant and hold the number of no class.

    Raises:
        GraphcError: one is below 0 or not below the number of classes.
    """
    node = labels.value.node
    if node.op.name == "constant" and isinstance(classes, int):
        refuse_labels_outside(np.asarray(node.attributes["value"].array), classes, ignored)


def refuse_fractions(labels: np.ndarray[Any, Any]) -> None:
    """Raise an error for class numbers that are no whole numbers.

    Raises:
        DTypeError: one is none, with its position.
    """
    if labels.dtype.kind != "f":
        return
    broken = labels != np.trunc(labels)
    if broken.any():
        place = tuple(int(index) for index in np.argwhere(broken)[0])
        raise DTypeError(
            "labels must be integers",
            given=f"{labels[place]} at position {place}",
            expected="one class number per sample",
            fix="for numbers that are no classes take another loss, such as mse",
            origin=capture_origin(),
        )


def refuse_labels_outside(
    labels: np.ndarray[Any, Any], classes: int, ignored: int | None = None
) -> None:
    """Raise an error for labels of which one is the number of no class.

    Args:
        labels: integers of any shape.
        classes: how many there are.
        ignored: a number that stands for no class.

    Raises:
        GraphcError: one is below 0 or not below the number of classes.
    """
    if labels.size and labels.min() >= 0 and labels.max() < classes:
        return  # in a tenth of the time that finding the first one takes
    outside = (labels < 0) | (labels >= classes)
    if ignored is not None:
        outside &= labels != ignored
    if not outside.any():
        return
    place = tuple(int(index) for index in np.argwhere(outside)[0])
    raise GraphcError(
        "a label is the number of no class",
        given=f"{labels[place]} at position {place}, and {classes} classes",
        expected=f"numbers from 0 to {classes - 1}",
        fix="count classes from 0, make the last layer wider, or say ignore_class=",
        origin=capture_origin(),
    )

"""Sorting, and what is largest. Sizes may be unknown.

NaN comes last, as in NumPy. Gradients go to where the elements came from.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from graphc.dimensions import at_least
from graphc.dtypes import I32
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.broadcasting import apply, apply_many
from graphc.ops.comparison import isnan, less, where
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.gathering import index_tensor, take_along_axis
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import expand_dims, ravel
from graphc.ops.sizes import as_axis
from graphc.ops.tensor import Tensor


def _along(x: Any, axis: int | None) -> tuple[Tensor, int]:
    """The tensor and an axis counted from 0: of all elements as a vector for None, or a scalar."""
    tensor = to_tensor(x, None, graph_of((x,)))
    if axis is None or (tensor.ndim == 0 and axis == -1):
        return ravel(tensor), 0
    return tensor, as_axis(axis, tensor.ndim, tensor)


def positions_along(tensor: Tensor, axis: int) -> Tensor:
    """The position of every element along an axis: i32, of the shape of the tensor."""
    return apply("iota", dtype=I32, shape=tensor.shape, iota_dimension=axis)


def sort_together(
    tensors: Sequence[Tensor], axis: int, num_keys: int = 1, name: str | None = None
) -> tuple[Tensor, ...]:
    """Tensors of one shape in the order of the first ones; equal elements keep their order."""
    return apply_many("sort", *tensors, dimension=axis, num_keys=num_keys, name=name)


def sort(x: Any, axis: int | None = -1, name: str | None = None) -> Tensor:
    """The elements in increasing order along an axis; all of them, as a vector, for None.

    Complex numbers are ordered by their real parts, then by their imaginary parts.

    Raises:
        ShapeError: the axis does not exist.
    """
    tensor, along = _along(x, axis)
    return sort_together([tensor], along, name=name or "sort")[0]


def argsort(x: Any, axis: int | None = -1, name: str | None = None) -> Tensor:
    """The positions, i32, of the elements in increasing order; equal ones keep their order.

    Raises:
        ShapeError: the axis does not exist.
    """
    tensor, along = _along(x, axis)
    return sort_together([tensor, positions_along(tensor, along)], along, name=name or "argsort")[1]


def argpartition(x: Any, kth: int, axis: int | None = -1, name: str | None = None) -> Tensor:
    """The positions, i32, of elements in such an order that no element is on the wrong side of one.

    Args:
        x: any tensor.
        kth: the element at this position is the one that sorting puts there; those before it are
            not larger, those behind it not smaller.
        axis: along which; None for all elements as a vector.
        name: of the result.

    Returns:
        The order within both sides is open in NumPy; here all are in order, because XLA sorts.

    Raises:
        ShapeError: the axis does not exist, or has no such position.
    """
    tensor, along = _along(x, axis)
    position, size = operator.index(kth), tensor.shape[along]
    if at_least(size, position + 1 if position >= 0 else -position) is False:
        raise ShapeError(
            f"argpartition(): there is no position {kth}",
            given=f"axis {along} of {tensor.value.type}",
            origin=capture_origin(),
        )
    return argsort(tensor, along, name or "argpartition")


def top_k(
    x: Any,
    k: int,
    sorted: bool = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The k largest elements along the last axis, in decreasing order, and their positions.

    Args:
        x: [..., n].
        k: how many, at most n.
        sorted: accepted for Keras's sake; the elements are in order either way.
        name: of the results.

    Returns:
        The values [..., k], and the positions i32[..., k]; of equal ones the first come first. By
        IEEE's total order: NaN is above infinity, one with a minus sign below all, and -0 below 0.

    Raises:
        ShapeError: there are fewer than k elements.
    """
    tensor = to_tensor(x, None, graph_of((x,)))
    values, positions = apply_many("top_k", tensor, k=operator.index(k), name=name or "top_k")
    return values, positions


def in_top_k(targets: Any, predictions: Any, k: int, name: str | None = None) -> Tensor:
    """Whether the prediction for each target class is among the k largest: bool[batch].

    Args:
        targets: integers [batch].
        predictions: f[batch, classes]; NaN for a target counts as the least number.
        k: how many; as many as are larger than the target's count, so ties are in.
        name: of the result.
    """
    graph = graph_of((targets, predictions))
    scores = to_tensor(predictions, None, graph)
    classes = index_tensor(to_tensor(targets, None, graph), scores)
    own = take_along_axis(scores, expand_dims(classes, -1), -1)
    if scores.dtype.is_inexact:
        own = where(isnan(own), float("-inf"), own)
    larger = reduce_sum(less(own, scores), -1)
    return less(larger, k, name or "in_top_k")

"""Sorting, and what is found by sorting. Sizes must be known while the graph is built.

NaN comes last, as in NumPy. Gradients go to where the elements came from.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from graphc.dimensions import is_static
from graphc.dtypes import I32
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add, multiply, subtract
from graphc.ops.broadcasting import apply, apply_many
from graphc.ops.comparison import equal, less, less_equal, logical_not
from graphc.ops.conversion import graph_of, inexact, to_tensor
from graphc.ops.gathering import index_tensor, take, take_along_axis
from graphc.ops.joining import slice_axis, stack
from graphc.ops.reductions import Axis
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import expand_dims, flip, moveaxis, ravel, reshape
from graphc.ops.sizes import as_axes, as_axis
from graphc.ops.tensor import Tensor

QuantileMethod = Literal["linear", "lower", "higher", "midpoint", "nearest"]


def _static(x: Any, what: str) -> Tensor:
    tensor = to_tensor(x, None, graph_of((x,)))
    if not is_static(tensor.shape):
        raise ShapeError(
            f"{what} needs sizes that are known while the graph is built",
            given=tensor.value.type,
            fix="give the placeholder concrete sizes",
            origin=capture_origin(),
        )
    return tensor


def _sorted(tensors: Sequence[Tensor], axis: int, name: str | None) -> tuple[Tensor, ...]:
    parameters = {"dimension": axis, "is_stable": True, "num_keys": 1}
    return apply_many("jax_primitive", *tensors, primitive="sort", parameters=parameters, name=name)


def sort(x: Any, axis: int | None = -1, name: str | None = None) -> Tensor:
    """The elements in increasing order along an axis; all of them, as a vector, for None.

    Raises:
        ShapeError: the axis does not exist, or a size is not known.
    """
    tensor = _static(x, "sort()")
    if axis is None:
        tensor, axis = ravel(tensor), 0
    return _sorted([tensor], as_axis(axis, tensor.ndim, tensor), name or "sort")[0]


def argsort(x: Any, axis: int | None = -1, name: str | None = None) -> Tensor:
    """The positions, i32, of the elements in increasing order; equal ones keep their order.

    Raises:
        ShapeError: the axis does not exist, or a size is not known.
    """
    tensor = _static(x, "argsort()")
    if axis is None:
        tensor, axis = ravel(tensor), 0
    along = as_axis(axis, tensor.ndim, tensor)
    places = apply("iota", dtype=I32, shape=tensor.shape, iota_dimension=along)
    return _sorted([tensor, places], along, name or "argsort")[1]


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
        The values [..., k], and the positions i32[..., k]; of equal ones the first come first.

    Raises:
        ShapeError: there are fewer than k elements, or a size is not known.
    """
    tensor = _static(x, "top_k()")
    size = tensor.shape[-1] if tensor.ndim else 0
    if not isinstance(size, int) or not 0 <= operator.index(k) <= size:
        raise ShapeError(
            f"there are not {k} elements along the last axis",
            given=tensor.value.type,
            origin=capture_origin(),
        )
    # Sorting the flipped positions in increasing order leaves the first of equal ones last.
    flipped = flip(tensor, -1)
    places = flip(apply("iota", dtype=I32, shape=tensor.shape, iota_dimension=tensor.ndim - 1), -1)
    values, positions = _sorted([flipped, places], tensor.ndim - 1, None)
    label = name or "top_k"
    found = [
        flip(slice_axis(each, tensor.ndim - 1, size - k, size), -1, label)
        for each in (values, positions)
    ]
    return found[0], found[1]


def in_top_k(targets: Any, predictions: Any, k: int, name: str | None = None) -> Tensor:
    """Whether the prediction for each target class is among the k largest: bool[batch].

    Args:
        targets: integers [batch].
        predictions: f[batch, classes].
        k: how many; as many as are larger than the target's count, so ties are in.
        name: of the result.
    """
    graph = graph_of((targets, predictions))
    scores = to_tensor(predictions, None, graph)
    classes = index_tensor(to_tensor(targets, None, graph), scores)
    own = take_along_axis(scores, expand_dims(classes, -1), -1)
    larger = reduce_sum(less(own, scores), -1)
    return less(larger, k, name or "in_top_k")


def searchsorted(
    sorted_sequence: Any,
    values: Any,
    side: Literal["left", "right"] = "left",
    name: str | None = None,
) -> Tensor:
    """Where to put values into a sorted vector so that it stays sorted: i32, of their shape.

    Args:
        sorted_sequence: [n], increasing.
        values: numbers of any shape.
        side: before ("left") or after ("right") elements that are equal.
        name: of the result.

    Raises:
        ShapeError: the sequence is no vector.
        GraphcError: `side` is neither "left" nor "right".
    """
    graph = graph_of((sorted_sequence, values))
    sequence, wanted = (to_tensor(given, None, graph) for given in (sorted_sequence, values))
    if sequence.ndim != 1:
        raise ShapeError(
            "searchsorted() takes a vector", given=sequence.value.type, origin=capture_origin()
        )
    if side not in ("left", "right"):
        raise GraphcError(f"side is {side!r}", expected='"left" or "right"')
    # Counting what is smaller takes n comparisons a value, and no loop.
    is_before = less if side == "left" else less_equal
    compared = is_before(sequence, expand_dims(wanted, -1))
    return reduce_sum(compared, -1, name=name or "searchsorted")


def digitize(x: Any, bins: Any, name: str | None = None) -> Tensor:
    """The number of the bin of each element, bins being increasing left edges: i32."""
    return searchsorted(bins, x, "right", name or "digitize")


# -- quantiles -------------------------------------------------------------------------------------


def quantile(
    x: Any,
    q: Any,
    axis: Axis = None,
    method: QuantileMethod = "linear",
    keepdims: bool = False,
    name: str | None = None,
) -> Tensor:
    """What a fraction q of the elements along axes is not above.

    Args:
        x: numbers; integers are cast to the default float.
        q: from 0 to 1, known while the graph is built; several give a new first axis.
        axis: along which; None for all.
        method: what lies between two elements: a mixture of both, the "lower" or the "higher" one,
            their mean ("midpoint"), or the "nearest".
        keepdims: whether to keep axes of size 1.
        name: of the result.

    Raises:
        ShapeError: an axis does not exist or has no elements, or a size is not known.
        GraphcError: there is no such method, or a q is not between 0 and 1.
    """
    if method not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise GraphcError(f"there is no method {method!r}", origin=capture_origin())
    fractions = np.asarray(q, np.float64)
    if fractions.ndim > 1 or not ((fractions >= 0) & (fractions <= 1)).all():
        raise GraphcError("q is between 0 and 1", given=repr(q), origin=capture_origin())
    tensor = inexact(_static(x, "quantile()"))
    axes = as_axes(axis, tensor)
    kept = [each for each in range(tensor.ndim) if each not in axes]
    moved = moveaxis(tensor, axes, range(tensor.ndim - len(axes), tensor.ndim))
    count = math.prod(int(tensor.shape[each]) for each in axes)  # type: ignore[arg-type]
    if not count:
        raise ShapeError("there is no quantile of no elements", given=tensor.value.type)
    rows = reshape(moved, (*[tensor.shape[each] for each in kept], count))
    ordered = sort(rows, -1)
    found = [_at(ordered, float(fraction) * (count - 1), method) for fraction in fractions.ravel()]
    if keepdims:
        shape = [1 if each in axes else size for each, size in enumerate(tensor.shape)]
        found = [reshape(each, shape) for each in found]
    label = name or "quantile"
    if fractions.ndim:
        return stack(found, 0, label)
    return apply("reshape", found[0], shape=found[0].shape, name=label)


def _at(ordered: Tensor, position: float, method: str) -> Tensor:
    """What lies at a position between the elements of a sorted last axis."""
    low, high = math.floor(position), math.ceil(position)
    if method == "nearest":
        low = high = round(position)
    elif method == "lower":
        high = low
    elif method == "higher":
        low = high
    below = take(ordered, low, -1)
    if low == high:
        return below
    share = 0.5 if method == "midpoint" else position - low
    above = take(ordered, high, -1)
    return add(below, multiply(subtract(above, below), share))


def percentile(
    x: Any,
    q: Any,
    axis: Axis = None,
    method: QuantileMethod = "linear",
    keepdims: bool = False,
    name: str | None = None,
) -> Tensor:
    """`quantile` of q percent, from 0 to 100."""
    fractions = np.asarray(q, np.float64) / 100
    return quantile(x, fractions, axis, method, keepdims, name or "percentile")


def median(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The middle element along axes, or the mean of the two middle ones."""
    return quantile(x, 0.5, axis, "linear", keepdims, name or "median")


def isin(
    x1: Any,
    x2: Any,
    assume_unique: bool = False,
    invert: bool = False,
    name: str | None = None,
) -> Tensor:
    """Whether each element of x1 is among those of x2: bool, of the shape of x1.

    Args:
        x1: any tensor.
        x2: likewise.
        assume_unique: accepted for Keras's sake; it makes no difference.
        invert: whether to say the opposite.
        name: of the result.
    """
    found = equal(expand_dims(x1, -1), ravel(x2))
    answer = apply("reduce_or", found, axes=[found.ndim - 1], name=None if invert else name)
    return logical_not(answer, name) if invert else answer

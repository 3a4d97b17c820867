"""Counting: how often numbers occur, how many lie between edges, which elements are distinct."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dimensions import Dimension, product
from graphc.dtypes import I32
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add, multiply, subtract
from graphc.ops.broadcasting import apply
from graphc.ops.comparison import equal, less, logical_or, not_equal, where
from graphc.ops.conversion import cast_to, constant_tensor, graph_of, inexact, to_tensor
from graphc.ops.creation import iota
from graphc.ops.filling import filled, scalar_like
from graphc.ops.gathering import index_tensor, known_array, take
from graphc.ops.joining import concatenate, slice_axis
from graphc.ops.reductions import max as reduce_max
from graphc.ops.reductions import min as reduce_min
from graphc.ops.searching import first_places, not_empty, require_size, searchsorted
from graphc.ops.shaping import expand_dims, moveaxis, ravel, reshape, squeeze
from graphc.ops.sizes import as_axis, as_size
from graphc.ops.sorting import positions_along, sort_together
from graphc.ops.tensor import Tensor
from graphc.ops.updating import scatter_update


def bincount(
    x: Any,
    weights: Any = None,
    minlength: int = 0,
    sparse: bool = False,
    length: Any = None,
    name: str | None = None,
) -> Tensor:
    """How often each number from 0 on occurs.

    Args:
        x: integers [n], or [batch, n] to count in each row.
        weights: what each element counts, of the shape of x; 1 by default.
        minlength: the least number of results.
        sparse: Keras's sparse results, which XLA has none of.
        length: the number of results: needed where x is computed; larger numbers are not counted.
        name: of the result.

    Returns:
        [length] or [batch, length]: i32, or of the element type of the weights. Negative numbers
        that are computed are not counted.

    Raises:
        ShapeError: the number of results is not known, or x is no vector or matrix.
        GraphcError: `sparse` is asked for, or a number is known to be negative.
    """
    graph = graph_of((x, weights))
    given = to_tensor(x, None, graph)
    numbers = index_tensor(given, given)
    if sparse:
        raise GraphcError(
            "bincount() gives no sparse tensor",
            expected="sparse=False",
            fix="XLA has dense tensors only",
            origin=capture_origin(),
        )
    if numbers.ndim not in (1, 2):
        raise ShapeError(
            "bincount() takes a vector or a matrix",
            given=numbers.value.type,
            origin=capture_origin(),
        )
    count = _bin_count(numbers, minlength, length)
    units = filled(graph, 1, I32, numbers.shape)
    counted = units if weights is None else to_tensor(weights, None, graph)
    limit = _as_number(count, numbers)
    targets = expand_dims(where(less(numbers, 0), limit, numbers), numbers.ndim)
    if numbers.ndim == 2:
        rows = cast_to(positions_along(numbers, 0), targets.dtype)
        targets = concatenate([expand_dims(rows, 2), targets], 2)
    empty = filled(graph, 0, counted.dtype, (*numbers.shape[:-1], count))
    return scatter_update(empty, targets, counted, "add", name or "bincount")


def _bin_count(numbers: Tensor, minlength: int, length: Any) -> Dimension:
    known = known_array(numbers)
    if known is not None and (known < 0).any():
        raise GraphcError(
            "negative numbers are not counted", given=repr(known)[:200], origin=capture_origin()
        )
    if length is None and known is not None:
        return max(int(known.max(initial=-1)) + 1, int(minlength))
    if length is None:
        raise ShapeError(
            "bincount() has as many results as the largest number says, which is not known before "
            "it runs",
            expected="a shape that is known while the graph is built: XLA has no others",
            fix="say how many to give: bincount(x, length=n); larger numbers are not counted",
            origin=capture_origin(),
        )
    found = as_size(length, "length")
    return max(found, int(minlength)) if isinstance(found, int) else found


def _as_number(size: Dimension, like: Tensor) -> Tensor:
    """A size as a scalar of the type of other integers, or the largest of them."""
    if isinstance(size, int):
        return scalar_like(like, min(size, int(np.iinfo(like.dtype.numpy).max)))
    return cast_to(apply("dimension_size", iota(size, I32), axis=0), like.dtype)


def histogram(
    x: Any,
    bins: int = 10,
    range: tuple[Any, Any] | None = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """How many numbers lie in each of some bins of equal width.

    Args:
        x: [n]; integers are cast to the default float.
        bins: how many.
        range: the first and the last edge; the least and the largest number by default. Where both
            are the same, half below and half above.
        name: of the results.

    Returns:
        The counts [bins] and the edges [bins + 1], in the element type of x. A number at an edge
        belongs to the bin on its right, one at the last edge to the last bin; those outside and NaN
        are not counted.

    Raises:
        ShapeError: x is no vector.
        GraphcError: there is no bin, or the edges are not in order.
    """
    tensor = inexact(x)
    if tensor.ndim != 1:
        raise ShapeError(
            "histogram() takes a vector",
            given=tensor.value.type,
            fix="ops.ravel gives all elements",
            origin=capture_origin(),
        )
    if isinstance(bins, bool) or not isinstance(bins, (int, np.integer)) or bins < 1:
        raise GraphcError(
            "bins is a whole number of at least 1", given=repr(bins), origin=capture_origin()
        )
    label = name or "histogram"
    low, high = _limits(tensor, range)
    shares = constant_tensor(
        graph_of((tensor,)), np.linspace(0, 1, bins + 1).astype(tensor.dtype.numpy), tensor.dtype
    )
    edges = add(multiply(low, subtract(1, shares)), multiply(high, shares), label)
    right = searchsorted(edges, tensor, "right")
    right = where(equal(tensor, slice_axis(edges, 0, bins, bins + 1)), bins, right)
    # Number 0 is left of all edges: it goes where those right of all are, beyond the counts.
    targets = where(equal(right, 0), bins, subtract(right, 1))
    empty = filled(graph_of((tensor,)), 0, tensor.dtype, (int(bins),))
    counts = scatter_update(empty, expand_dims(targets, 1), scalar_like(tensor, 1), "add", label)
    return counts, edges


def _limits(tensor: Tensor, given: Sequence[Any] | None) -> tuple[Tensor, Tensor]:
    """The first and the last edge."""
    graph = graph_of((tensor,))
    if given is not None:
        if len(given) != 2 or not given[0] <= given[1]:
            raise GraphcError(
                "range holds the first and the last edge, in order",
                given=repr(given),
                origin=capture_origin(),
            )
        low, high = (constant_tensor(graph, edge, tensor.dtype) for edge in given)
    elif tensor.shape[0] == 0:
        low, high = scalar_like(tensor, 0), scalar_like(tensor, 1)
    else:
        low, high = reduce_min(tensor), reduce_max(tensor)
    same = where(equal(low, high), scalar_like(tensor, 0.5), scalar_like(tensor, 0))
    return subtract(low, same), add(high, same)


# -- distinct elements -----------------------------------------------------------------------------


def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: Any = None,
    fill_value: Any = None,
    name: str | None = None,
) -> Any:
    """The distinct elements in increasing order; each NaN is distinct.

    Args:
        x: any tensor.
        sorted: accepted for Keras's sake; they are in order either way.
        return_index: whether to give where each occurs first.
        return_inverse: whether to give the number of the distinct element for each element.
        return_counts: whether to give how often each occurs.
        axis: along which slices are compared, in the order of their first elements, then the
            second, and so on; None compares all elements.
        size: how many to give: those beyond are left out, and the rest is filled. Keras and NumPy
            find out; XLA cannot.
        fill_value: what stands where there are fewer; 0 by default.
        name: of the results.

    Returns:
        The distinct elements [size] (for an axis, slices along it), and what else is asked for:
        indices i32[size], 0 where there are fewer; the inverse i32, of the shape of x (for an axis,
        as long as it); and counts i32[size].

    Raises:
        ShapeError: there is no `size`, the axis does not exist, or its slices have an unknown
            number of elements, or none.
    """
    tensor = to_tensor(x, None, graph_of((x,)))
    count = require_size(size, "unique()", "distinct elements")
    label = name or "unique"
    along = None if axis is None else as_axis(axis, tensor.ndim, tensor)
    slices = ravel(tensor) if along is None else moveaxis(tensor, along, 0)
    keys = _columns(slices)
    length = slices.shape[0]
    *ordered, places = sort_together([*keys, iota(length, I32)], 0, len(keys))
    starts, is_place, passed = first_places(_differs_from_last(ordered), count)
    first = take(not_empty(places), starts)
    found = take(not_empty(slices), first, 0)
    shape = (count, *[1] * (found.ndim - 1))
    fill = scalar_like(tensor, 0 if fill_value is None else fill_value)
    found = where(reshape(is_place, shape), found, fill)
    results = [found if along is None else moveaxis(found, 0, along)]
    if return_index:
        results.append(where(is_place, first, 0))
    graph, ranks = graph_of((tensor,)), subtract(passed, 1)
    if return_inverse:
        empty = filled(graph, 0, I32, (length,))
        inverse = scatter_update(empty, expand_dims(places, 1), ranks)
        results.append(reshape(inverse, tensor.shape) if along is None else inverse)
    if return_counts:
        empty = filled(graph, 0, I32, (count,))
        one = constant_tensor(graph, 1, I32)
        results.append(scatter_update(empty, expand_dims(ranks, 1), one, "add"))
    named = [apply("reshape", each, shape=each.shape, name=label) for each in results]
    return named[0] if len(named) == 1 else tuple(named)


def _columns(slices: Tensor) -> list[Tensor]:
    """The slices [n, …] as vectors of their first elements, their second ones, and so on."""
    if slices.ndim == 1:
        return [slices]
    width = product(slices.shape[1:])
    if not isinstance(width, int) or width < 1:
        raise ShapeError(
            "slices are compared element by element, so their number of elements must be known",
            given=slices.value.type,
            expected="sizes that are known, at least 1, beside the axis",
            origin=capture_origin(),
        )
    flat = reshape(slices, (slices.shape[0], width))
    return [squeeze(slice_axis(flat, 1, k, k + 1), 1) for k in builtins.range(width)]


def _differs_from_last(ordered: Sequence[Tensor]) -> Tensor:
    """Whether an element of sorted vectors differs from the one before, as the first one does."""
    changes = equal(iota(ordered[0].shape[0], I32), 0)
    for key in ordered:
        before = apply("pad", key, scalar_like(key, 0), low=[1], high=[-1], interior=[0])
        changes = logical_or(changes, not_equal(key, before))
    return changes

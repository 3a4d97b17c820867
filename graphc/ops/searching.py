"""Places: of values in a sorted vector, of elements that are not zero, of numbers in a shape."""

from __future__ import annotations

from typing import Any, Final, Literal

from graphc.dimensions import Dimension, at_least
from graphc.dtypes import I32, DType
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add, floor_divide, mod, multiply, subtract
from graphc.ops.broadcasting import apply, broadcast_to
from graphc.ops.comparison import (
    clip,
    equal,
    isnan,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    not_equal,
    right_shift,
    where,
)
from graphc.ops.conversion import cast_to, constant_tensor, graph_of, promoted, to_tensor
from graphc.ops.creation import iota
from graphc.ops.cumulative import cumsum
from graphc.ops.filling import filled, scalar_like
from graphc.ops.gathering import index_tensor, take
from graphc.ops.loops import fori_loop
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import expand_dims, ravel
from graphc.ops.sizes import as_shape, as_size, dimension_size
from graphc.ops.tensor import Tensor
from graphc.ops.updating import scatter_update

_COMPARED: Final = 64  # a vector up to this long is compared as a whole, a longer one is searched


def searchsorted(
    sorted_sequence: Any,
    values: Any,
    side: Literal["left", "right"] = "left",
    name: str | None = None,
) -> Tensor:
    """Where to put values into a sorted vector so that it stays sorted: i32, of their shape.

    Args:
        sorted_sequence: [n], increasing, with NaN last.
        values: numbers of any shape.
        side: before ("left") or after ("right") elements that are equal.
        name: of the result.

    Raises:
        ShapeError: the sequence is no vector.
        GraphcError: `side` is neither "left" nor "right".
    """
    sequence, wanted = promoted((sorted_sequence, values))
    if sequence.ndim != 1:
        raise ShapeError(
            "searchsorted() takes a vector", given=sequence.value.type, origin=capture_origin()
        )
    if side not in ("left", "right"):
        raise GraphcError(
            f"side is {side!r}", expected='"left" or "right"', origin=capture_origin()
        )
    label = name or "searchsorted"
    size = sequence.shape[0]
    if isinstance(size, int) and size <= _COMPARED:
        return _counted(sequence, wanted, side, label)
    return _halved(sequence, wanted, side, label)


def _counted(sequence: Tensor, values: Tensor, side: str, name: str) -> Tensor:
    """By comparing each value to the whole vector, which XLA does without storing it."""
    before = _is_before(sequence, expand_dims(values, -1), side)
    return reduce_sum(cast_to(before, I32), -1, name=name)


def _halved(sequence: Tensor, values: Tensor, side: str, name: str) -> Tensor:
    """By halving what is left of the vector, as often as its size says."""
    size = sequence.shape[0]
    steps = size.bit_length() if isinstance(size, int) else 31
    low = filled(graph_of((values,)), 0, I32, values.shape)
    high = broadcast_to(_scalar(size), values.shape)
    source = not_empty(sequence)

    def halve(_: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        low, high = state
        middle = add(low, right_shift(subtract(high, low), 1))
        before = _is_before(take(source, middle), values, side)
        is_open = less(low, high)
        return (
            where(logical_and(is_open, before), add(middle, 1), low),
            where(logical_and(is_open, logical_not(before)), middle, high),
        )

    return apply(
        "reshape", fori_loop(0, steps, halve, (low, high))[0], shape=values.shape, name=name
    )


def _is_before(elements: Tensor, values: Tensor, side: str) -> Tensor:
    """Whether elements are before values, or equal to them for "right"; NaN is after all."""
    before = (less if side == "left" else less_equal)(elements, values)
    if not elements.dtype.is_inexact:
        return before
    beyond = isnan(values)
    if side == "left":
        beyond = logical_and(beyond, logical_not(isnan(elements)))
    return logical_or(before, beyond)


def not_empty(tensor: Tensor) -> Tensor:
    """The tensor with zeros behind it, if it may be empty: nothing can be taken from nothing."""
    if at_least(tensor.shape[0], 1):
        return tensor
    others = [0] * (tensor.ndim - 1)
    zero = scalar_like(tensor, 0)
    return apply("pad", tensor, zero, low=[0, *others], high=[1, *others], interior=[0, *others])


def _scalar(size: Dimension) -> Tensor:
    """A size as an i32 scalar: a constant where it is known."""
    if isinstance(size, int):
        return constant_tensor(graph_of(()), size, I32)
    return dimension_size(iota(size, I32), 0)


def digitize(x: Any, bins: Any, name: str | None = None) -> Tensor:
    """The number of the bin of each element, bins being increasing left edges: i32."""
    return searchsorted(bins, x, "right", name or "digitize")


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


# -- elements that are not zero --------------------------------------------------------------------


def require_size(size: Any, what: str, counted: str) -> Dimension:
    """The number of results that a user gave, which XLA cannot find out.

    Raises:
        ShapeError: none was given, or it is no size.
    """
    if size is None:
        raise ShapeError(
            f"{what} has as many results as there are {counted}, which is not known before it runs",
            expected="a shape that is known while the graph is built: XLA has no others",
            fix=f"say how many to give: {what[:-1]}…, size=n); the rest is filled",
            origin=capture_origin(),
        )
    found = as_size(size, "size")
    if isinstance(found, int) and found < 0:
        raise ShapeError("a size is not negative", given=size, origin=capture_origin())
    return found


def first_places(mask: Tensor, size: Dimension) -> tuple[Tensor, Tensor, Tensor]:
    """Where a vector of truth values is true.

    Returns:
        The places, i32[size], 0 from where there are no more; whether each of them is one,
        bool[size]; and the number of true values up to each element, i32[n].
    """
    graph = graph_of((mask,))
    passed = cumsum(cast_to(mask, I32))
    # The scatter leaves out what goes to `size` or beyond.
    targets = where(mask, subtract(passed, 1), _scalar(size))
    written = scatter_update(
        filled(graph, 0, I32, (size,)), expand_dims(targets, 1), iota(mask.shape[0], I32)
    )
    count = reduce_sum(cast_to(mask, I32))
    return written, less(iota(size, I32), count), passed


def nonzero(
    x: Any, size: Any = None, fill_value: Any = 0, name: str | None = None
) -> tuple[Tensor, ...]:
    """The positions of the elements that are not zero, in row-major order: one vector per axis.

    Args:
        x: any tensor with at least one axis.
        size: how many to give; those beyond are left out. Keras and NumPy find out; XLA cannot.
        fill_value: the positions that are given where there are fewer.
        name: of the results.

    Returns:
        As many vectors i32[size] as x has axes.

    Raises:
        ShapeError: there is no `size`, or x is a scalar.
    """
    tensor = to_tensor(x, None, graph_of((x,)))
    count = require_size(size, "nonzero()", "elements that are not zero")
    if not tensor.ndim:
        raise ShapeError(
            "a scalar has no positions", given=tensor.value.type, origin=capture_origin()
        )
    label = name or "nonzero"
    flat = ravel(tensor)
    mask = flat if tensor.dtype.kind == "bool" else not_equal(flat, 0)
    places, is_place, _ = first_places(mask, count)
    axes = _divided(places, [dimension_size(tensor, axis) for axis in range(tensor.ndim)])
    return tuple([where(is_place, along, fill_value, name=label) for along in axes])


def _divided(places: Tensor, sizes: list[Tensor]) -> list[Tensor]:
    """Positions along each axis, of positions among all elements in row-major order."""
    found: list[Tensor] = []
    for size in reversed(sizes[1:]):
        found.append(mod(places, size))
        places = floor_divide(places, size)
    return [places, *reversed(found)]


def unravel_index(indices: Any, shape: Any, name: str | None = None) -> tuple[Tensor, ...]:
    """Positions along each axis, of positions among all elements in row-major order.

    Args:
        indices: integers of any shape, counted from the end where negative; one outside is moved to
            the nearest element.
        shape: of what the indices are into; sizes may be unknown.
        name: of the results.

    Returns:
        One tensor of the shape of the indices per axis, of their element type (at least int32).

    Raises:
        DTypeError: the indices are no integers.
        ShapeError: this is no shape, or one without axes.
    """
    graph = graph_of((indices,))
    sizes = as_shape(shape)
    if not sizes:
        raise ShapeError("a scalar has no positions", given="shape ()", origin=capture_origin())
    places = to_tensor(indices, None, graph)
    places = index_tensor(places, places)
    dtype: DType = places.dtype if places.dtype.itemsize >= I32.itemsize else I32
    places = cast_to(places, dtype)
    scalars = [cast_to(_scalar(size), dtype) for size in sizes]
    total = scalars[0]
    for size in scalars[1:]:
        total = multiply(total, size)
    places = where(less(places, 0), add(places, total), places)
    places = clip(places, 0, subtract(total, 1))
    label = name or "unravel_index"
    return tuple(
        [apply("reshape", e, shape=e.shape, name=label) for e in _divided(places, scalars)]
    )

"""The same elements in another shape: reshapes, transposes and new axes.

Sizes may be integers, symbolic dimensions or computations on sizes; see `graphc.ops.sizes`. The
element type never changes. `graphc.ops.joining` has what joins and repeats tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dimensions import (
    Dimension,
    Shape,
    equal,
    exact_quotient,
    format_dimension,
    product,
)
from graphc.dtypes import I32
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.broadcasting import apply
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.identities import named
from graphc.ops.sizes import as_axes, as_axis, as_shape, as_size, dimension_size, element_count
from graphc.ops.tensor import Tensor


def _tensor(x: Any) -> Tensor:
    return to_tensor(x, None, graph_of((x,)))


# -- asking ----------------------------------------------------------------------------------------


def shape(x: Any) -> tuple[int | Tensor, ...]:
    """The sizes of x: integers, and i32 scalars for those that are known only when fed.

    What is computed from such scalars by adding, subtracting and multiplying can be given wherever
    a size is expected: `ops.reshape(x, (ops.shape(x)[0] * 2, -1))`.
    """
    tensor = _tensor(x)
    return tuple(
        [
            size if isinstance(size, int) else dimension_size(tensor, axis)
            for axis, size in enumerate(tensor.shape)
        ]
    )


def ndim(x: Any) -> int:
    """The number of axes."""
    return _tensor(x).ndim


def size(x: Any) -> int | Tensor:
    """The number of elements: an integer, or an i32 scalar where it is known only when fed."""
    tensor = _tensor(x)
    count = product(tensor.shape)
    return count if isinstance(count, int) else element_count(tensor, range(tensor.ndim), I32)


# -- reshaping -------------------------------------------------------------------------------------


def reshape(x: Any, newshape: Any, name: str | None = None) -> Tensor:
    """The same elements, in row-major order, in another shape.

    Args:
        x: any tensor.
        newshape: sizes, of which one may be -1: what is left over.
        name: of the result.

    Raises:
        ShapeError: the numbers of elements differ, or the size for -1 does not follow.
    """
    tensor = _tensor(x)
    sizes = _given_sizes(newshape)
    if -1 in [size for size in sizes if isinstance(size, int)]:
        sizes = _with_remainder(tensor, sizes)
    else:
        sizes = as_shape(sizes)
    return _reshaped(tensor, sizes, name or "reshape", name)


def _given_sizes(newshape: Any) -> tuple[Dimension, ...]:
    given = newshape.tolist() if isinstance(newshape, np.ndarray) else newshape
    listed: Sequence[Any] = given if isinstance(given, (list, tuple, range)) else [given]
    return tuple([-1 if item is None else as_size(item) for item in listed])


def _with_remainder(tensor: Tensor, sizes: Sequence[Dimension]) -> Shape:
    """The sizes with what is left over in place of -1."""
    known = [size for size in sizes if not (isinstance(size, int) and size == -1)]
    if len(known) != len(sizes) - 1:
        raise _not_reshaped(tensor, sizes, "only one size can be -1")
    total, rest = product(tensor.shape), product(as_shape(known))
    left: Dimension | None
    if isinstance(rest, int) and rest == 0:
        raise _not_reshaped(tensor, sizes, "nothing follows for -1 beside a size of 0")
    left = exact_quotient(total, rest)
    if left is None and isinstance(total, int) and isinstance(rest, int):
        raise _not_reshaped(tensor, sizes, f"{total} elements do not divide by {rest}")
    if left is None:
        # Whether it divides is known when the sizes are: the op records it as an equation.
        left = total // rest
    return tuple([left if isinstance(size, int) and size == -1 else size for size in sizes])


def _not_reshaped(tensor: Tensor, sizes: Sequence[Dimension], problem: str) -> ShapeError:
    return ShapeError(
        f"cannot reshape: {problem}",
        given=f"{tensor.value.type} to ({', '.join(map(format_dimension, sizes))})",
        expected="as many elements as there are",
        origin=capture_origin(),
    )


def _reshaped(tensor: Tensor, sizes: Shape, default: str, name: str | None) -> Tensor:
    if sizes == tensor.shape:
        return named(tensor, name)
    return apply("reshape", tensor, shape=sizes, name=name or default)


def ravel(x: Any, name: str | None = None) -> Tensor:
    """All elements along one axis, in row-major order."""
    tensor = _tensor(x)
    return _reshaped(tensor, (product(tensor.shape),), "ravel", name)


def expand_dims(x: Any, axis: int | Sequence[int], name: str | None = None) -> Tensor:
    """The tensor with new axes of size 1.

    Args:
        x: any tensor.
        axis: where the new axes are in the result; counted from its end where negative.
        name: of the result.

    Raises:
        ShapeError: an axis does not exist in the result, or comes twice.
    """
    tensor = _tensor(x)
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    rank = tensor.ndim + len(axes)
    added = {as_axis(each, rank) for each in axes}
    if len(added) != len(axes):
        raise ShapeError("an axis comes twice", given=f"axes {axes}", origin=capture_origin())
    sizes = iter(tensor.shape)
    target = tuple([1 if position in added else next(sizes) for position in range(rank)])
    return _reshaped(tensor, target, "expand_dims", name)


def squeeze(x: Any, axis: int | Sequence[int] | None = None, name: str | None = None) -> Tensor:
    """The tensor without axes of size 1.

    Args:
        x: any tensor.
        axis: the axes to drop; every axis whose size is known to be 1 for None.
        name: of the result.

    Raises:
        ShapeError: an axis is known to have another size, or does not exist.
    """
    tensor = _tensor(x)
    if axis is None:
        dropped = {position for position, size in enumerate(tensor.shape) if size == 1}
    else:
        dropped = set(as_axes(axis, tensor))
        for position in dropped:
            size = tensor.shape[position]
            if isinstance(size, int) and size != 1:
                raise ShapeError(
                    f"cannot squeeze axis {position}: its size is {size}",
                    given=tensor.value.type,
                    expected="an axis of size 1",
                    origin=capture_origin(),
                )
    target = tuple([s for position, s in enumerate(tensor.shape) if position not in dropped])
    return _reshaped(tensor, target, "squeeze", name)


# -- moving axes -----------------------------------------------------------------------------------


def transpose(x: Any, axes: Sequence[int] | None = None, name: str | None = None) -> Tensor:
    """The tensor with its axes in another order.

    Args:
        x: any tensor.
        axes: result axis i is axis axes[i] of x; the opposite order for None.
        name: of the result.

    Raises:
        ShapeError: `axes` does not hold every axis once.
    """
    tensor = _tensor(x)
    order = tuple(range(tensor.ndim))[::-1] if axes is None else as_axes(axes, tensor)
    if len(order) != tensor.ndim:
        raise ShapeError(
            "a transpose needs every axis once",
            given=f"axes {axes!r}, {tensor.value.type}",
            expected=f"{tensor.ndim} axes",
            origin=capture_origin(),
        )
    if order == tuple(range(tensor.ndim)):
        return named(tensor, name)
    return apply("transpose", tensor, permutation=order, name=name or "transpose")


def swapaxes(x: Any, axis1: int, axis2: int, name: str | None = None) -> Tensor:
    """The tensor with two axes in each other's place."""
    tensor = _tensor(x)
    order = list(range(tensor.ndim))
    first, second = (as_axis(axis, tensor.ndim, tensor) for axis in (axis1, axis2))
    order[first], order[second] = order[second], order[first]
    return transpose(tensor, order, name)


def moveaxis(
    x: Any,
    source: int | Sequence[int],
    destination: int | Sequence[int],
    name: str | None = None,
) -> Tensor:
    """The tensor with axes moved elsewhere; the others keep their order.

    Raises:
        ShapeError: there are not as many destinations as sources, or an axis does not exist.
    """
    tensor = _tensor(x)
    sources, destinations = as_axes(source, tensor), as_axes(destination, tensor)
    if len(sources) != len(destinations):
        raise ShapeError(
            "as many destinations as sources are needed",
            given=f"source={source!r}, destination={destination!r}",
            origin=capture_origin(),
        )
    order = [axis for axis in range(tensor.ndim) if axis not in sources]
    for position, axis in sorted(zip(destinations, sources, strict=True)):
        order.insert(position, axis)
    return transpose(tensor, order, name)


def flip(x: Any, axis: int | Sequence[int] | None = None, name: str | None = None) -> Tensor:
    """The tensor with the elements in the opposite order along axes; along all of them for None."""
    tensor = _tensor(x)
    axes = as_axes(axis, tensor)
    if not axes:
        return named(tensor, name)
    return apply("reverse", tensor, dimensions=axes, name=name or "flip")


def rot90(array: Any, k: int = 1, axes: Sequence[int] = (0, 1), name: str | None = None) -> Tensor:
    """The tensor turned k times by 90 degrees, from the first axis towards the second.

    Raises:
        ShapeError: there are not two axes, or one does not exist.
    """
    tensor = _tensor(array)
    plane = as_axes(axes, tensor)
    if len(plane) != 2:
        raise ShapeError("rot90 turns two axes", given=f"axes={axes!r}", origin=capture_origin())
    turns = k % 4
    if turns == 0:
        return named(tensor, name)
    if turns == 2:
        return flip(tensor, plane, name or "rot90")
    if turns == 1:
        return swapaxes(flip(tensor, plane[1]), *plane, name or "rot90")
    return flip(swapaxes(tensor, *plane), plane[1], name or "rot90")


# -- repeating to a shape --------------------------------------------------------------------------


def broadcast_to(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """The tensor repeated along new axes, and along those of size 1, to a shape.

    Raises:
        ShapeError: a size can neither be 1 nor that of the shape.
    """
    tensor = _tensor(x)
    target = as_shape(shape)
    offset = len(target) - tensor.ndim
    if offset < 0 or any(
        mine != 1 and equal(mine, wanted) is False
        for mine, wanted in zip(tensor.shape, target[offset:], strict=True)
    ):
        raise ShapeError(
            "the tensor does not broadcast to the shape",
            given=f"{tensor.value.type} to ({', '.join(map(format_dimension, target))})",
            expected="equal sizes, counted from the last axis, or 1 in the tensor",
            origin=capture_origin(),
        )
    if tensor.shape == target:
        return named(tensor, name)
    axes = range(offset, len(target))
    name = name or "broadcast_to"
    return apply("broadcast_in_dim", tensor, shape=target, broadcast_dimensions=axes, name=name)


def fliplr(x: Any, name: str | None = None) -> Tensor:
    """The columns in the opposite order: `flip` along axis 1."""
    return flip(x, 1, name or "fliplr")


def flipud(x: Any, name: str | None = None) -> Tensor:
    """The rows in the opposite order: `flip` along axis 0."""
    return flip(x, 0, name or "flipud")

"""Joining tensors and cutting them up."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from graphc.dimensions import Dimension, equal, exact_quotient
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.broadcasting import apply
from graphc.ops.conversion import graph_of, promoted, to_tensor
from graphc.ops.identities import named
from graphc.ops.shaping import broadcast_to, expand_dims, ravel, reshape, swapaxes
from graphc.ops.sizes import as_axis, as_size
from graphc.ops.tensor import Tensor


def _tensor(x: Any) -> Tensor:
    return to_tensor(x, None, graph_of((x,)))


def slice_axis(
    tensor: Tensor,
    axis: int,
    start: Dimension,
    limit: Dimension,
    stride: int = 1,
    name: str | None = None,
) -> Tensor:
    """The part of a tensor from `start` to before `limit` along one axis."""
    starts: list[Dimension] = [0] * tensor.ndim
    limits, strides = list(tensor.shape), [1] * tensor.ndim
    starts[axis], limits[axis], strides[axis] = start, limit, stride
    return apply(
        "slice", tensor, start_indices=starts, limit_indices=limits, strides=strides, name=name
    )


# -- joining ---------------------------------------------------------------------------------------


def _joined(xs: Any, what: str) -> list[Tensor]:
    listed = list(xs) if isinstance(xs, (list, tuple)) else None
    if isinstance(xs, Tensor):
        listed = unstack(xs)
    elif isinstance(xs, np.ndarray):
        listed = list(xs)
    if not listed:
        raise GraphcError(
            f"{what} needs a sequence of at least one tensor",
            given=repr(xs),
            origin=capture_origin(),
        )
    return promoted(listed)


def concatenate(xs: Any, axis: int | None = 0, name: str | None = None) -> Tensor:
    """Tensors one after another along an axis, promoted to one element type.

    Args:
        xs: a sequence of tensors whose other sizes are equal.
        axis: along which; None joins all elements along one.
        name: of the result.

    Raises:
        ShapeError: numbers of axes or other sizes differ.
        GraphcError: there is no tensor.
    """
    tensors = _joined(xs, "concatenate()")
    if axis is None:
        tensors, axis = [ravel(tensor) for tensor in tensors], 0
    position = as_axis(axis, tensors[0].ndim, tensors[0])
    if len(tensors) == 1:
        return named(tensors[0], name)
    return apply("concatenate", *tensors, dimension=position, name=name or "concatenate")


def append(x1: Any, x2: Any, axis: int | None = None, name: str | None = None) -> Tensor:
    """x2 after x1: `concatenate` of two."""
    return concatenate([x1, x2], axis, name or "append")


def stack(x: Any, axis: int = 0, name: str | None = None) -> Tensor:
    """Tensors of one shape side by side along a new axis.

    Args:
        x: a sequence of tensors.
        axis: where the new axis is in the result.
        name: of the result.

    Raises:
        ShapeError: shapes differ.
        GraphcError: there is no tensor.
    """
    tensors = _joined(x, "stack()")
    position = as_axis(axis, tensors[0].ndim + 1)
    for tensor in tensors:
        pairs = zip(tensor.shape, tensors[0].shape, strict=False)
        if tensor.ndim != tensors[0].ndim or any(equal(a, b) is False for a, b in pairs):
            raise ShapeError(
                "stack() needs equal shapes",
                given=", ".join(str(each.value.type) for each in tensors),
                origin=capture_origin(),
            )
    widened = [expand_dims(tensor, position) for tensor in tensors]
    return concatenate(widened, position, name or "stack")


def hstack(xs: Any, name: str | None = None) -> Tensor:
    """Tensors side by side: along axis 1, or 0 where they have one axis."""
    tensors = [at_least(tensor, 1) for tensor in _joined(xs, "hstack()")]
    return concatenate(tensors, 0 if tensors[0].ndim == 1 else 1, name or "hstack")


def vstack(xs: Any, name: str | None = None) -> Tensor:
    """Tensors below each other: along axis 0, vectors as rows."""
    tensors = [at_least(tensor, 2) for tensor in _joined(xs, "vstack()")]
    return concatenate(tensors, 0, name or "vstack")


def at_least(tensor: Tensor, rank: int) -> Tensor:
    """The tensor with new axes in front, so that it has `rank`."""
    return expand_dims(tensor, tuple(range(rank - tensor.ndim))) if tensor.ndim < rank else tensor


def meshgrid(*x: Any, indexing: Literal["xy", "ij"] = "xy") -> list[Tensor]:
    """Coordinates of the points of a grid: one tensor per vector, each with an axis per vector.

    Raises:
        ShapeError: one has more than one axis.
        GraphcError: `indexing` is neither "xy" nor "ij".
    """
    if indexing not in ("xy", "ij"):
        raise GraphcError(f"indexing is {indexing!r}", expected='"xy" or "ij"')
    vectors = [ravel(_tensor(each)) if _tensor(each).ndim == 0 else _tensor(each) for each in x]
    sizes: list[Dimension] = []
    for vector in vectors:
        if vector.ndim != 1:
            raise ShapeError(
                "meshgrid() takes vectors", given=vector.value.type, origin=capture_origin()
            )
        sizes.append(vector.shape[0])
    grids: list[Tensor] = []
    for position, vector in enumerate(vectors):
        others = [axis for axis in range(len(vectors)) if axis != position]
        grid = broadcast_to(expand_dims(vector, others), sizes) if others else vector
        grids.append(swapaxes(grid, 0, 1) if indexing == "xy" and len(vectors) > 1 else grid)
    return grids


# -- cutting up ------------------------------------------------------------------------------------


def split(
    x: Any, indices_or_sections: int | Sequence[int], axis: int = 0, name: str | None = None
) -> list[Tensor]:
    """The parts of x along an axis.

    Args:
        x: any tensor.
        indices_or_sections: the number of equal parts, or the positions at which parts begin.
        axis: along which.
        name: of the parts.

    Raises:
        ShapeError: the size is not divisible by the number of parts.
    """
    tensor = _tensor(x)
    position = as_axis(axis, tensor.ndim, tensor)
    whole = tensor.shape[position]
    if isinstance(indices_or_sections, (int, np.integer)):
        count = int(indices_or_sections)
        part = exact_quotient(whole, count) if count > 0 else None
        if part is None:
            raise ShapeError(
                f"axis {axis} cannot be split into {count} equal parts",
                given=tensor.value.type,
                fix="use ops.array_split, or give the positions at which parts begin",
                origin=capture_origin(),
            )
        bounds: list[Dimension] = [part * number for number in range(count + 1)]
    else:
        starts = [as_size(start) for start in indices_or_sections]
        bounds = [0, *[_inside(start, whole) for start in starts], whole]
    return [
        slice_axis(tensor, position, start, _not_below(limit, start), name=name or "split")
        for start, limit in itertools.pairwise(bounds)
    ]


def _inside(start: Dimension, whole: Dimension) -> Dimension:
    if isinstance(start, int) and start < 0:
        start = whole + start
    if isinstance(start, int) and isinstance(whole, int):
        return min(max(start, 0), whole)
    return start


def _not_below(limit: Dimension, start: Dimension) -> Dimension:
    return max(limit, start) if isinstance(limit, int) and isinstance(start, int) else limit


def array_split(
    x: Any, indices_or_sections: int | Sequence[int], axis: int = 0, name: str | None = None
) -> list[Tensor]:
    """As `split`, but the first parts may be larger by one where the size is not divisible.

    Raises:
        ShapeError: the size is known only when fed, and may not be divisible.
    """
    tensor = _tensor(x)
    whole = tensor.shape[as_axis(axis, tensor.ndim, tensor)]
    sections = indices_or_sections
    if not isinstance(sections, (int, np.integer)) or not isinstance(whole, int) or sections < 1:
        return split(tensor, sections, axis, name)
    count = int(sections)
    part, larger = divmod(whole, count)
    starts = [number * part + min(number, larger) for number in range(1, count)]
    return split(tensor, starts, axis, name)


def unstack(x: Any, num: int | None = None, axis: int = 0, name: str | None = None) -> list[Tensor]:
    """The parts of x along an axis, each without it.

    Args:
        x: any tensor.
        num: the size of the axis, needed where it is known only when fed.
        axis: along which.
        name: of the parts.

    Raises:
        ShapeError: the size is not known, or is not `num`.
    """
    tensor = _tensor(x)
    position = as_axis(axis, tensor.ndim, tensor)
    count = tensor.shape[position]
    if not isinstance(count, int):
        if num is None:
            raise ShapeError(
                "unstack() needs the number of parts while the graph is built",
                given=tensor.value.type,
                fix="say num=, or use ops.map or ops.scan over the axis",
                origin=capture_origin(),
            )
        shape = list(tensor.shape)
        shape[position] = num
        tensor, count = apply("reshape", tensor, shape=shape), num
    elif num is not None and num != count:
        raise ShapeError(
            f"there are {count} parts, not {num}",
            given=tensor.value.type,
            origin=capture_origin(),
        )
    rest = tensor.shape[:position] + tensor.shape[position + 1 :]
    return [
        reshape(slice_axis(tensor, position, number, number + 1), rest, name or "unstack")
        for number in range(count)
    ]


def dstack(xs: Any, name: str | None = None) -> Tensor:
    """Tensors behind each other: along axis 2, vectors [n] as [1, n, 1], matrices as [m, n, 1]."""
    tensors = [_deep(tensor) for tensor in _joined(xs, "dstack()")]
    return concatenate(tensors, 2, name or "dstack")


def _deep(tensor: Tensor) -> Tensor:
    wide = at_least(tensor, 2)
    return expand_dims(wide, 2) if wide.ndim == 2 else wide


def hsplit(
    x: Any, indices_or_sections: int | Sequence[int], name: str | None = None
) -> list[Tensor]:
    """`split` along axis 1, or 0 where there is one axis."""
    tensor = _tensor(x)
    return split(tensor, indices_or_sections, min(tensor.ndim - 1, 1), name or "hsplit")


def vsplit(
    x: Any, indices_or_sections: int | Sequence[int], name: str | None = None
) -> list[Tensor]:
    """`split` along axis 0."""
    return split(x, indices_or_sections, 0, name or "vsplit")


def dsplit(
    x: Any, indices_or_sections: int | Sequence[int], name: str | None = None
) -> list[Tensor]:
    """`split` along axis 2."""
    return split(x, indices_or_sections, 2, name or "dsplit")

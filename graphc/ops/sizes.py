"""Sizes and axes as users write them, and sizes as tensors.

A size may be an `int`, a symbolic `Dim` (`x.shape[0] * 2`), or a scalar tensor whose value follows
from sizes alone (`ops.shape(x)[0] * 2`): such a tensor is read back as the `Dim` it stands for.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import numpy as np

from graphc.dimensions import Dim, Dimension, Shape, product
from graphc.dtypes import I32, DType
from graphc.errors import ShapeError
from graphc.ir.node import Value
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import multiply
from graphc.ops.broadcasting import apply
from graphc.ops.conversion import cast_to, constant_tensor, graph_of
from graphc.ops.tensor import Tensor

_ARITHMETIC: Final[dict[str, Callable[[Dimension, Dimension], Dimension]]] = {
    "add": lambda left, right: left + right,
    "subtract": lambda left, right: left - right,
    "multiply": lambda left, right: left * right,
}
_IDENTITIES: Final = frozenset({"convert", "after", "stop_gradient", "reshape"})
_DEEPEST: Final = 50


def size_of_value(value: Value, depth: int = 0) -> Dimension | None:
    """The size that an integer scalar stands for, or None where it depends on more than sizes."""
    node, name = value.node, value.node.op.name
    if value.type.rank or not value.type.dtype.is_integer or depth > _DEEPEST:
        return None
    if name == "constant":
        return int(node.attributes["value"].scalar)
    if name == "dimension_size":
        return node.inputs[0].type.shape[node.attributes["axis"]]
    if name in _IDENTITIES:
        return size_of_value(node.inputs[0], depth + 1)
    compute = _ARITHMETIC.get(name)
    if compute is None:
        return None
    left, right = (size_of_value(operand, depth + 1) for operand in node.inputs)
    return None if left is None or right is None else compute(left, right)


def as_size(thing: Any, what: str = "a size") -> Dimension:
    """The size that a user wrote; a negative number is left to the caller.

    Raises:
        ShapeError: it is none, or is not known while the graph is built.
    """
    if isinstance(thing, Dim):
        return thing
    if isinstance(thing, Tensor):
        found = size_of_value(thing.value)
        if found is None:
            raise ShapeError(
                f"{what} is a tensor whose value is not known while the graph is built",
                given=repr(thing),
                expected="an integer, or a computation on sizes such as ops.shape(x)[0] * 2",
                fix="XLA needs fixed shapes: compute on the whole, and mask what is too much",
                origin=capture_origin(),
            )
        return found
    try:
        return operator.index(thing)
    except TypeError:
        raise ShapeError(
            f"{what} is a whole number", given=repr(thing), origin=capture_origin()
        ) from None


def as_shape(shape: Any) -> Shape:
    """The sizes that a user wrote; one size alone is a shape with one axis.

    Raises:
        ShapeError: an entry is no size, or is negative.
    """
    given: Sequence[Any] = (
        [shape] if isinstance(shape, (int, Dim, np.integer, Tensor)) else _listed(shape)
    )
    sizes = tuple([as_size(size) for size in given])
    if any(isinstance(size, int) and size < 0 for size in sizes):
        raise ShapeError("sizes are not negative", given=sizes, origin=capture_origin())
    return sizes


def _listed(shape: Any) -> list[Any]:
    try:
        return list(shape)
    except TypeError:
        raise ShapeError(
            "this is not a shape",
            given=repr(shape),
            expected="a sequence of sizes",
            origin=capture_origin(),
        ) from None


def as_axis(axis: Any, rank: int, tensor: Tensor | None = None) -> int:
    """An axis counted from 0.

    Args:
        axis: counted from the end where negative.
        rank: number of axes.
        tensor: what errors show.

    Raises:
        ShapeError: there is no such axis.
    """
    try:
        position = operator.index(axis)
    except TypeError:
        position = rank
    if not -rank <= position < rank:
        raise ShapeError(
            f"there is no axis {axis!r}",
            given=tensor.value.type if tensor is not None else f"{rank} axes",
            expected=f"an integer from {-rank} to {rank - 1}" if rank else "no axis of a scalar",
            origin=capture_origin(),
        )
    return position % rank


def as_axes(axes: Any, tensor: Tensor) -> tuple[int, ...]:
    """Distinct axes counted from 0, in the order given; all of them for None.

    Raises:
        ShapeError: one does not exist, or comes twice.
    """
    rank = tensor.ndim
    if axes is None:
        return tuple(range(rank))
    listed: Iterable[Any] = axes if isinstance(axes, (list, tuple, np.ndarray, range)) else [axes]
    found = tuple([as_axis(axis, rank, tensor) for axis in listed])
    if len(set(found)) != len(found):
        raise ShapeError(
            "an axis comes twice", given=f"axes {axes!r}, {tensor.value.type}",
            origin=capture_origin(),
        )  # fmt: skip
    return found


def dimension_size(tensor: Tensor, axis: int) -> Tensor:
    """The size of an axis as an i32 scalar: a constant where it is known."""
    size = tensor.shape[axis]
    if isinstance(size, int):
        return constant_tensor(graph_of((tensor,)), size, I32)
    return apply("dimension_size", tensor, axis=axis)


def element_count(tensor: Tensor, axes: Sequence[int], dtype: DType) -> Tensor:
    """The number of elements along some axes, as a scalar."""
    known = [size for axis in axes if isinstance(size := tensor.shape[axis], int)]
    count: Tensor | None = None
    for axis in axes:
        if not isinstance(tensor.shape[axis], int):
            size = cast_to(dimension_size(tensor, axis), dtype)
            count = size if count is None else multiply(count, size)
    total = product(tuple(known))
    if count is None:
        return constant_tensor(graph_of((tensor,)), total, dtype)
    return count if total == 1 else multiply(count, total)

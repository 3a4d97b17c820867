"""Pieces of type rules that several op families share."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from graphc.dimensions import Dimension, at_least
from graphc.dtypes import ALL, BOOL, DType
from graphc.errors import DTypeError, ShapeError
from graphc.ir.op import OpCall
from graphc.ir.types import TensorType, tensor_type

NUMERIC = frozenset(dtype for dtype in ALL if not dtype.is_host)
INEXACT = frozenset(dtype for dtype in ALL if dtype.is_inexact)
FLOATING = frozenset(dtype for dtype in ALL if dtype.is_floating)
INTEGER = frozenset(dtype for dtype in ALL if dtype.is_integer)
REAL = frozenset(dtype for dtype in NUMERIC if not dtype.is_complex)
ARITHMETIC = NUMERIC - {BOOL}
REAL_ARITHMETIC = REAL - {BOOL}
SIGNED = frozenset(dtype for dtype in ARITHMETIC if dtype.kind != "unsigned")
LOGICAL = INTEGER | {BOOL}


def require_dtype(call: OpCall, position: int, allowed: frozenset[DType]) -> DType:
    """The element type of an operand, which must be one of `allowed`.

    Raises:
        DTypeError: it is not.
    """
    dtype = call.types[position].dtype
    if dtype not in allowed:
        names = ", ".join(dtype.name for dtype in ALL if dtype in allowed)
        raise call.error(
            DTypeError,
            f"operand {position} is {dtype}",
            f"one of {names}",
            "cast it with ops.cast",
        )
    return dtype


def require_rank(call: OpCall, position: int, rank: int) -> TensorType:
    """The type of an operand, which must have `rank` axes.

    Raises:
        ShapeError: it has not.
    """
    type_ = call.types[position]
    if type_.rank != rank:
        raise call.error(ShapeError, f"operand {position} has {type_.rank} axes", f"{rank} axes")
    return type_


def require_axes(call: OpCall, axes: Iterable[int], rank: int, what: str) -> None:
    """Check that axes are distinct, at least 0 and below `rank`.

    Raises:
        ShapeError: one is not.
    """
    listed = list(axes)
    if len(set(listed)) != len(listed) or any(not 0 <= axis < rank for axis in listed):
        raise call.error(
            ShapeError, f"{what} {listed} do not fit", f"distinct axes from 0 to {rank - 1}"
        )


def require_one_per_axis(call: OpCall, *names: str) -> None:
    """Check that attributes have one entry per axis of the first operand.

    Raises:
        ShapeError: one has not.
    """
    rank = call.types[0].rank
    for name in names:
        if len(call.attributes[name]) != rank:
            raise call.error(
                ShapeError,
                f"{name} has {len(call.attributes[name])} entries",
                f"{rank}, one per axis of the operand",
            )


def require_order(call: OpCall, low: Dimension, high: Dimension, what: str, axis: int) -> None:
    """Check that `low <= high`; sizes that cannot be compared yet are accepted.

    Type rules run again when the sizes are known, so nothing is lost by that.

    Args:
        call: the call.
        low: one size.
        high: the other.
        what: what does not hold otherwise: "the stride must be at least 1".
        axis: of the first operand.

    Raises:
        ShapeError: it can never hold.
    """
    if at_least(high, low) is False:
        raise call.error(ShapeError, f"on axis {axis} {what}", f"{low} <= {high}")


def dilated_size(size: Dimension, holes: int) -> Dimension:
    """The size of an axis with `holes` elements put between each two."""
    if isinstance(size, int) or at_least(size, 1) or holes == 0:
        return size if size == 0 else size + (size - 1) * holes
    # 2s // (s + 1) is 0 where s is 0, and 1 otherwise: an empty axis has no gap, not -1 of them.
    return size + (size - 2 * size // (size + 1)) * holes


def require_same_dtype(call: OpCall) -> DType:
    """The element type that all operands share.

    Raises:
        DTypeError: they differ.
    """
    first = call.types[0].dtype
    if any(type_.dtype is not first for type_ in call.types):
        listed = ", ".join(type_.dtype.name for type_ in call.types)
        raise call.error(
            DTypeError,
            f"operands have different element types ({listed})",
            "one element type",
            "cast with ops.cast; the functions of graphc.ops promote by themselves",
        )
    return first


def common_shape(call: OpCall, positions: Iterable[int] | None = None) -> tuple[Dimension, ...]:
    """The shape that operands share; sizes that cannot be compared yet become constraints.

    Raises:
        ShapeError: two can never be equal.
    """
    types = call.types if positions is None else [call.types[p] for p in positions]
    shape = types[0].shape
    for type_ in types[1:]:
        other = type_.shape
        if other is shape:
            continue
        if len(other) != len(shape):
            raise call.error(
                ShapeError,
                "operands have different numbers of axes",
                "equal shapes",
                "use graphc.ops, whose functions broadcast",
            )
        shape = tuple(
            [
                call.require_equal(mine, theirs, f"the sizes of axis {axis}")
                for axis, (mine, theirs) in enumerate(zip(shape, other, strict=True))
            ]
        )
    return shape


def elementwise(
    allowed: frozenset[DType], result: Callable[[DType], DType] | None = None
) -> Callable[[OpCall], TensorType]:
    """The type rule of an op on operands of one element type and shape.

    Args:
        allowed: the element types it takes.
        result: the element type of the result; that of the operands by default.
    """

    def infer(call: OpCall) -> TensorType:
        dtype = require_dtype(call, 0, allowed)
        if len(call.types) > 1:
            require_same_dtype(call)
        shape = common_shape(call)
        return tensor_type(dtype if result is None else result(dtype), shape)

    return infer

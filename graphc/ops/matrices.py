"""Matrices with a pattern, and parts of matrices: triangles and diagonals.

Matrices are the last two axes, unless a function says otherwise.
"""

from __future__ import annotations

from typing import Any

from graphc.dimensions import Dimension, equal
from graphc.dtypes import BOOL, I32, DType, as_dtype
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add
from graphc.ops.broadcasting import apply, broadcast_to
from graphc.ops.comparison import equal as equal_numbers
from graphc.ops.comparison import greater_equal, where
from graphc.ops.conversion import cast_to, floatx, graph_of, to_tensor
from graphc.ops.cumulative import cumprod
from graphc.ops.filling import scalar_like
from graphc.ops.joining import slice_axis
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import expand_dims, flip, moveaxis, ravel
from graphc.ops.sizes import as_axis, as_size
from graphc.ops.tensor import Tensor


def _counted(rows: Dimension, columns: Dimension, axis: int) -> Tensor:
    return apply("iota", dtype=I32, shape=(rows, columns), iota_dimension=axis)


def _on_diagonal(rows: Dimension, columns: Dimension, k: int) -> Tensor:
    """Where the column is the row plus k: bool[rows, columns]."""
    return equal_numbers(add(_counted(rows, columns, 0), k), _counted(rows, columns, 1))


def _below(rows: Dimension, columns: Dimension, k: int) -> Tensor:
    """Where the column is at most the row plus k: bool[rows, columns]."""
    return greater_equal(add(_counted(rows, columns, 0), k), _counted(rows, columns, 1))


def _as(mask: Tensor, dtype: Any, name: str) -> Tensor:
    wanted: DType = floatx() if dtype is None else as_dtype(dtype)
    return apply("convert", mask, dtype=wanted, name=name)


def eye(
    N: Any,  # noqa: N803
    M: Any = None,  # noqa: N803
    k: int = 0,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """1 on the k-th diagonal (above the main one where positive), 0 elsewhere: [N, M]."""
    rows = as_size(N)
    columns = rows if M is None else as_size(M)
    return _as(_on_diagonal(rows, columns, k), dtype, name or "eye")


def identity(n: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """The identity matrix [n, n]; for TensorFlow's `identity` see `ops.copy`."""
    return eye(n, dtype=dtype, name=name or "identity")


def vander(
    x: Any,
    N: int | None = None,  # noqa: N803
    increasing: bool = False,
    name: str | None = None,
) -> Tensor:
    """The powers of each element of a vector: Vandermonde's matrix.

    Args:
        x: numbers [n]; truth values count as int32.
        N: how many powers; as many as there are elements for None.
        increasing: whether the powers increase from 0; else they decrease to 0.
        name: of the result.

    Returns:
        [n, N], of the type of x.

    Raises:
        ShapeError: x is no vector, or N is negative.
    """
    tensor = to_tensor(x, None, graph_of((x,)))
    tensor = cast_to(tensor, I32) if tensor.dtype is BOOL else tensor
    columns = tensor.shape[0] if N is None and tensor.ndim == 1 else as_size(N or 0, "N")
    if tensor.ndim != 1 or (isinstance(columns, int) and columns < 0):
        raise ShapeError(
            "vander() takes a vector, and a number of columns of at least 0",
            given=f"{tensor.value.type}, N={N}",
            origin=capture_origin(),
        )
    label = name or "vander"
    square = (tensor.shape[0], columns)
    repeated = broadcast_to(expand_dims(tensor, 1), square)
    is_first = equal_numbers(_counted(*square, 1), 0)
    # Products of one more factor each are exact while they fit; a power is not.
    powers = cumprod(where(is_first, 1, repeated), 1, name=label if increasing else None)
    return powers if increasing else flip(powers, 1, label)


def tri(
    N: Any,  # noqa: N803
    M: Any = None,  # noqa: N803
    k: int = 0,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """1 on and below the k-th diagonal, 0 above it: [N, M]."""
    rows = as_size(N)
    columns = rows if M is None else as_size(M)
    return _as(_below(rows, columns, k), dtype, name or "tri")


def _matrices(x: Any, what: str) -> Tensor:
    tensor = to_tensor(x, None, graph_of((x,)))
    if tensor.ndim < 2:
        raise ShapeError(
            f"{what} takes matrices",
            given=tensor.value.type,
            expected="at least two axes",
            origin=capture_origin(),
        )
    return tensor


def tril(x: Any, k: int = 0, name: str | None = None) -> Tensor:
    """The tensor with 0 above the k-th diagonal of each matrix.

    Raises:
        ShapeError: x has fewer than two axes.
    """
    tensor = _matrices(x, "tril()")
    mask = broadcast_to(_below(tensor.shape[-2], tensor.shape[-1], k), tensor.shape)
    return where(mask, tensor, scalar_like(tensor, 0), name=name or "tril")


def triu(x: Any, k: int = 0, name: str | None = None) -> Tensor:
    """The tensor with 0 below the k-th diagonal of each matrix.

    Raises:
        ShapeError: x has fewer than two axes.
    """
    tensor = _matrices(x, "triu()")
    mask = broadcast_to(_below(tensor.shape[-2], tensor.shape[-1], k - 1), tensor.shape)
    return where(mask, scalar_like(tensor, 0), tensor, name=name or "triu")


def diagonal(
    x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, name: str | None = None
) -> Tensor:
    """The elements whose position on axis2 is that on axis1 plus `offset`.

    Returns:
        x without the two axes, with one for the diagonal at the end.

    Raises:
        ShapeError: an axis does not exist or both are the same, or the size of the diagonal is not
            known while the graph is built.
    """
    tensor = _matrices(x, "diagonal()")
    first, second = (as_axis(axis, tensor.ndim, tensor) for axis in (axis1, axis2))
    if first == second:
        raise ShapeError("a diagonal needs two axes", given=f"axis {axis1} twice")
    tensor = moveaxis(tensor, (first, second), (-2, -1))
    rows, columns = tensor.shape[-2:]
    size = _diagonal_size(tensor, rows, columns, offset)
    start = (max(-offset, 0), max(offset, 0))
    for axis, begin in zip((-2, -1), start, strict=True):
        along = tensor.ndim + axis
        tensor = slice_axis(tensor, along, begin, begin + size)
    # A sum over a masked square costs no gather, and XLA fuses it.
    mask = broadcast_to(_on_diagonal(size, size, 0), tensor.shape)
    masked = where(mask, tensor, scalar_like(tensor, 0))
    kind = "reduce_or" if tensor.dtype.kind == "bool" else "reduce_sum"
    return apply(kind, masked, axes=[tensor.ndim - 1], name=name or "diagonal")


def _diagonal_size(tensor: Tensor, rows: Dimension, columns: Dimension, offset: int) -> Dimension:
    height = rows - max(-offset, 0)
    width = columns - max(offset, 0)
    if isinstance(height, int) and isinstance(width, int):
        return max(0, min(height, width))
    if equal(height, width) is True:
        return height
    raise ShapeError(
        "the size of the diagonal is not known while the graph is built",
        given=f"{tensor.value.type}, offset {offset}",
        expected="sizes that are known, or equal",
        origin=capture_origin(),
    )


def trace(
    x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, name: str | None = None
) -> Tensor:
    """The sum of the `diagonal`."""
    return reduce_sum(diagonal(x, offset, axis1, axis2), -1, name=name or "trace")


def diag(x: Any, k: int = 0, name: str | None = None) -> Tensor:
    """A matrix with a vector on its k-th diagonal, or the k-th diagonal of a matrix.

    Raises:
        ShapeError: x has neither one axis nor two.
    """
    tensor = to_tensor(x, None, graph_of((x,)))
    if tensor.ndim == 2:
        return diagonal(tensor, k, name=name or "diag")
    if tensor.ndim != 1:
        raise ShapeError(
            "diag() takes a vector or a matrix", given=tensor.value.type, origin=capture_origin()
        )
    size = tensor.shape[0] + abs(k)
    low, high = (k, 0) if k >= 0 else (0, -k)
    zero = scalar_like(tensor, 0)
    # Element i stands in column i + max(k, 0), repeated over all rows; the mask picks one of them.
    row = apply("pad", tensor, zero, low=[low], high=[high], interior=[0])
    repeated = broadcast_to(expand_dims(row, 0), (size, size))
    return where(_on_diagonal(size, size, k), repeated, zero, name=name or "diag")


def diagflat(x: Any, k: int = 0, name: str | None = None) -> Tensor:
    """A matrix with all elements of x on its k-th diagonal."""
    return diag(ravel(x), k, name or "diagflat")

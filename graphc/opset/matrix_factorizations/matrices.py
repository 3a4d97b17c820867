"""What the rules of factorizations are written with: types, products, adjoints, triangles.

Gradient rules think in adjoints, as the literature does: the inner product of a cotangent and a
change is Re tr(conj(cotangent)ᵀ change). JAX's convention, and ours, leaves the conjugate out, so
a rule conjugates what it gets (`conjugate`) and what it gives; real matrices cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from graphc.dimensions import Dimension, at_least
from graphc.dtypes import C64, C128, F32, F64, I32, DType
from graphc.errors import ShapeError
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Cost, OpCall
from graphc.ir.types import TensorType
from graphc.opset.type_rules import require_dtype

Array = np.ndarray[Any, Any]
Values = Sequence[Value]
Cotangents = Sequence[Value | None]

LAPACK: Final = frozenset({F32, F64, C64, C128})
"""The element types that LAPACK and its relatives on accelerators know."""


# --- types ----------------------------------------------------------------------------------------


def require_matrices(call: OpCall, position: int = 0) -> TensorType:
    """The type of an operand, whose last two axes are those of matrices.

    Raises:
        ShapeError: it has fewer than two axes.
        DTypeError: LAPACK does not know its element type.
    """
    require_dtype(call, position, LAPACK)
    type_ = call.types[position]
    if type_.rank < 2:
        raise call.error(
            ShapeError, f"operand {position} has {type_.rank} axes", "matrices: at least two axes"
        )
    return type_


def require_square(call: OpCall, position: int = 0) -> TensorType:
    """The type of an operand that holds square matrices, with one size for both axes.

    Raises:
        ShapeError: they can never be square.
    """
    type_ = require_matrices(call, position)
    *batch, rows, columns = type_.shape
    size = call.require_equal(rows, columns, "the sizes of the last two axes")
    return type_.with_shape((*batch, size, size))


def smaller_size(call: OpCall) -> Dimension:
    """The smaller of the sizes of the matrices of the first operand.

    Raises:
        ShapeError: it is not known which one is smaller, and the result's shape depends on it.
    """
    rows, columns = call.types[0].shape[-2:]
    if at_least(columns, rows):
        return rows
    if at_least(rows, columns):
        return columns
    raise call.error(
        ShapeError,
        "the shape of the result depends on whether there are more rows or more columns",
        "matrices with sizes that can be compared",
        "give the placeholder concrete sizes for the matrices; those of batches may stay unknown",
    )


def cubic_cost(factor: int) -> Callable[[OpCall], Cost]:
    """`factor` times rows × columns × the larger of both for each matrix."""

    def cost(call: OpCall) -> Cost:
        type_ = call.types[0]
        rows, columns = type_.shape[-2:]
        moved: Dimension = 0
        for each in (*call.types, *call.results):
            moved = moved + each.byte_size
        return Cost(type_.size * (rows if at_least(rows, columns) else columns) * factor, moved)

    return cost


# --- products and adjoints ------------------------------------------------------------------------


def product(build: Builder, left: Value, right: Value) -> Value:
    """The products of matrices, in full precision on every platform."""
    rank = left.type.rank
    batch = list(range(rank - 2))
    return build.dot_general(
        left,
        right,
        lhs_batching=batch,
        rhs_batching=batch,
        lhs_contracting=[rank - 1],
        rhs_contracting=[rank - 2],
        precision="highest",
    )


def conjugate(build: Builder, x: Value) -> Value:
    """The complex conjugate; of reals, themselves."""
    return build.conj(x) if x.type.dtype.is_complex else x


def transposed(build: Builder, x: Value) -> Value:
    """The transposed matrices."""
    rank = x.type.rank
    return build.transpose(x, permutation=[*range(rank - 2), rank - 1, rank - 2])


def adjoint(build: Builder, x: Value) -> Value:
    """The conjugate transposed matrices."""
    return conjugate(build, transposed(build, x))


def with_dtype(build: Builder, x: Value, dtype: DType) -> Value:
    """Reals as complex numbers, where that is asked for."""
    return x if x.type.dtype is dtype else build.convert(x, dtype=dtype)


def real_part(build: Builder, x: Value) -> Value:
    """The real part, without the imaginary part's type."""
    return build.real(x) if x.type.dtype.is_complex else x


# --- patterns -------------------------------------------------------------------------------------


def _places(build: Builder, type_: TensorType) -> tuple[Value, Value]:
    """The row and the column of every element."""
    row, column = (
        build.iota(dtype=I32, shape=type_.shape, iota_dimension=type_.rank - 2 + axis)
        for axis in (0, 1)
    )
    return row, column


def keep(build: Builder, x: Value, direction: str) -> Value:
    """The elements whose row compares so to their column, 0 elsewhere: "GE", the lower triangle."""
    row, column = _places(build, x.type)
    kept = build.compare(row, column, direction=direction)
    return build.select(kept, x, build.full_like(x, 0))


def identity(build: Builder, type_: TensorType) -> Value:
    """1 on the diagonal, 0 elsewhere."""
    row, column = _places(build, type_)
    return build.convert(build.compare(row, column, direction="EQ"), dtype=type_.dtype)


def diagonal(build: Builder, x: Value) -> Value:
    """The diagonals of square matrices."""
    return build.reduce_sum(keep(build, x, "EQ"), axes=[x.type.rank - 1])


def diagonal_matrix(build: Builder, elements: Value) -> Value:
    """Square matrices with these diagonals."""
    shape = elements.type.shape
    return keep(build, along_rows(build, elements, (*shape, shape[-1])), "EQ")


def along_columns(build: Builder, elements: Value, shape: Sequence[Dimension]) -> Value:
    """Matrices of that shape whose column j is filled with element j."""
    return _repeated(build, elements, shape, len(shape) - 2)


def along_rows(build: Builder, elements: Value, shape: Sequence[Dimension]) -> Value:
    """Matrices of that shape whose row i is filled with element i."""
    return _repeated(build, elements, shape, len(shape) - 1)


def _repeated(build: Builder, elements: Value, shape: Sequence[Dimension], missing: int) -> Value:
    axes = [axis for axis in range(len(shape)) if axis != missing]
    return build.broadcast_in_dim(elements, shape=shape, broadcast_dimensions=axes)


def part(build: Builder, x: Value, axis: int, start: Dimension, limit: Dimension) -> Value:
    """The elements from `start` to below `limit` along an axis, counted from the end."""
    along, shape = x.type.rank + axis, x.type.shape
    if isinstance(start, int) and start == 0 and limit == shape[along]:
        return x
    starts: list[Dimension] = [0] * len(shape)
    limits = list(shape)
    starts[along], limits[along] = start, limit
    return build.slice(x, start_indices=starts, limit_indices=limits, strides=[1] * len(shape))


def extended(build: Builder, x: Value, axis: int, size: Dimension) -> Value:
    """The matrices with zeros behind them along an axis, counted from the end, up to a size."""
    along, shape = x.type.rank + axis, x.type.shape
    high: list[Dimension] = [0] * len(shape)
    high[along] = size - shape[along]
    if high[along] == 0:
        return x
    zero = build.full(0, x.type.dtype)
    return build.pad(x, zero, low=[0] * len(shape), high=high, interior=[0] * len(shape))


def joined(build: Builder, first: Value, second: Value, axis: int) -> Value:
    """Two blocks side by side (axis -1), or one above the other (axis -2)."""
    return build.concatenate(first, second, dimension=first.type.rank + axis)


def put_back(build: Builder, x: Value, permutation: Value, axis: int) -> Value:
    """The rows (axis -2) or columns (axis -1) that a permutation took, where it took them from.

    Args:
        build: adds the nodes.
        x: […, m, n]: row i is what stood in row `permutation[i]`.
        permutation: i32[…, m].
        axis: -2 or -1.
    """
    rank = x.type.rank
    along, other = (rank - 2, rank - 1) if axis == -2 else (rank - 1, rank - 2)
    return _written(build, x, permutation, along, [other])


def take_rows(build: Builder, x: Value, permutation: Value) -> Value:
    """Row i is what stands in row `permutation[i]`."""
    along = permutation.type.rank - 1
    own = build.iota(dtype=I32, shape=permutation.type.shape, iota_dimension=along)
    # By the inverse, because there may be no rows, from which nothing can be gathered.
    return put_back(build, x, _written(build, own, permutation, along, []), -2)


def _written(
    build: Builder, x: Value, permutation: Value, along: int, windows: Sequence[int]
) -> Value:
    """The elements of `x` along an axis, moved to the places of a permutation."""
    batch = list(range(permutation.type.rank - 1))
    return build.scatter(
        build.full_like(x, 0),
        build.reshape(permutation, shape=(*permutation.type.shape, 1)),
        x,
        update_window_dims=windows,
        inserted_window_dims=[along],
        scatter_dims_to_operand_dims=[along],
        operand_batching_dims=batch,
        scatter_indices_batching_dims=batch,
        update_computation="add",
        mode="promise_in_bounds",
        unique_indices=True,
    )


def identity_array(type_: TensorType) -> Array:
    """The identity in NumPy: what stands beside a matrix without rows or columns."""
    shape: Any = type_.shape
    return np.broadcast_to(np.eye(*shape[-2:], dtype=type_.dtype.numpy), shape)


def lapack_samples(*shapes: tuple[int, ...]) -> list[Array]:
    """Matrices of these shapes with singular values far from each other and from zero."""
    made: list[Array] = []
    for number, shape in enumerate(shapes):
        generator = np.random.default_rng(number)
        x = generator.uniform(-1, 1, shape)
        rows, columns = shape[-2:]
        size = min(rows, columns)
        if x.size:
            left, _, right = np.linalg.svd(x, full_matrices=False)
            x = (left * (np.arange(size, 0, -1) + 0.5)) @ right
        made.append(x.astype(np.float32))
    return made

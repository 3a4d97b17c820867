"""Systems of linear equations, inverses, determinants and ranks, under keras.ops.linalg's names.

Matrices are the last two axes; those before are batches. See `graphc.ops.factorizations` for
element types.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dimensions import at_least, equal
from graphc.dtypes import I32, DType
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import absolute, divide, multiply
from graphc.ops.broadcasting import apply, apply_many, broadcast_shapes, broadcast_to
from graphc.ops.comparison import equal as equal_numbers
from graphc.ops.comparison import greater, not_equal, where
from graphc.ops.conversion import cast_to, promoted
from graphc.ops.exponential import log
from graphc.ops.factorizations import matrices, rounded, svd
from graphc.ops.linear_algebra import matmul
from graphc.ops.matrices import diagonal, eye
from graphc.ops.reductions import any as reduce_any
from graphc.ops.reductions import max as reduce_max
from graphc.ops.reductions import prod
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import expand_dims, squeeze
from graphc.ops.tensor import Tensor


def _system(a: Any, b: Any, what: str) -> tuple[Tensor, Tensor, bool, DType]:
    """Matrices and right-hand sides with equal batches, and whether the latter are vectors.

    Raises:
        ShapeError: they do not fit.
    """
    left, right = promoted((a, b))
    left, dtype = matrices(left, what, square=True)
    right = cast_to(right, left.dtype)
    is_vector = right.ndim < left.ndim
    axis = right.ndim - (1 if is_vector else 2)
    fits = right.ndim > 0 and equal(left.shape[-1], right.shape[axis]) is not False
    if not fits:
        raise ShapeError(
            f"{what}: the right-hand side does not fit the matrices",
            given=f"{left.value.type} and {right.value.type}",
            expected="[…, n, n] and […, n, k]; with fewer axes, vectors […, n]",
            fix="add an axis to b, or transpose it",
            origin=capture_origin(),
        )
    if is_vector:
        right = expand_dims(right, -1)
    batch = broadcast_shapes(left.shape[:-2], right.shape[:-2])
    left = broadcast_to(left, (*batch, *left.shape[-2:]))
    right = broadcast_to(right, (*batch, *right.shape[-2:]))
    return left, right, is_vector, dtype


def _solution(made: Tensor, is_vector: bool, dtype: DType, name: str) -> Tensor:
    return rounded(squeeze(made, -1, name) if is_vector else made, dtype, name)


def solve(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The x of a x = b.

    Args:
        a: […, n, n].
        b: […, n, k], or vectors […, n] with one axis less than a; batches are broadcast.
        name: of the result.

    Returns:
        The shape of b. Not finite where a matrix is singular.

    Raises:
        ShapeError: the matrices are not square, or b does not fit.
    """
    label = name or "solve"
    left, right, is_vector, dtype = _system(a, b, "solve()")
    made = apply("solve", left, right, name=label)
    return _solution(made, is_vector, dtype, label)


def solve_triangular(a: Any, b: Any, lower: bool = False, name: str | None = None) -> Tensor:
    """The x of a x = b for triangular matrices, whose other triangle is not read; see `solve`."""
    label = name or "solve_triangular"
    left, right, is_vector, dtype = _system(a, b, "solve_triangular()")
    made = apply("triangular_solve", left, right, left_side=True, lower=lower, name=label)
    return _solution(made, is_vector, dtype, label)


def inv(x: Any, name: str | None = None) -> Tensor:
    """The inverses of square matrices […, n, n]; not finite where one is singular.

    To solve a system, `solve` is faster and more exact than the product with an inverse.

    Raises:
        ShapeError: the matrices are not square.
    """
    label = name or "inv"
    tensor, dtype = matrices(x, "inv()", square=True)
    identity = broadcast_to(eye(tensor.shape[-1], dtype=tensor.dtype), tensor.shape)
    return rounded(apply("solve", tensor, identity, name=label), dtype, label)


# -- determinants ----------------------------------------------------------------------------------


def det(x: Any, name: str | None = None) -> Tensor:
    """The determinants of square matrices: […, n, n] to […].

    The derivative is finite for singular matrices too.

    Raises:
        ShapeError: the matrices are not square.
    """
    label = name or "det"
    tensor, dtype = matrices(x, "det()", square=True)
    return rounded(apply("determinant", tensor, name=label), dtype, label)


def slogdet(x: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The sign of the determinant and the logarithm of its size, where itself would overflow.

    Args:
        x: […, n, n].
        name: of the results.

    Returns:
        The signs […], -1, 0 or 1 (of complex matrices numbers of size 1, or 0), and the logarithms
        […], reals; minus infinity for singular matrices.

    Raises:
        ShapeError: the matrices are not square.
    """
    label = name or "slogdet"
    tensor, dtype = matrices(x, "slogdet()", square=True)
    factors, pivots, _ = apply_many("lu", tensor)
    elements = diagonal(factors, 0, -2, -1)
    own = apply("iota", dtype=I32, shape=pivots.shape, iota_dimension=pivots.ndim - 1)
    exchanged = where(not_equal(pivots, own), -1.0, 1.0)
    sizes = absolute(elements)
    is_zero = equal_numbers(sizes, 0)
    # Nothing is divided by zero, so that no NaN is left in a derivative.
    safe = where(is_zero, 1, elements)
    units = divide(safe, cast_to(absolute(safe), safe.dtype))
    signs = prod(multiply(units, cast_to(exchanged, units.dtype)), -1)
    sign = where(reduce_any(is_zero, -1), 0, signs, name=label)
    size = reduce_sum(log(sizes), -1, name=label)
    return rounded(sign, dtype, label), rounded(size, dtype, label)


def logdet(x: Any, name: str | None = None) -> Tensor:
    """The logarithm of the size of the determinant of matrices; see `slogdet`."""
    return slogdet(x, name or "logdet")[1]


# -- matrices that are not square ------------------------------------------------------------------


def pinv(x: Any, rcond: float | None = None, name: str | None = None) -> Tensor:
    """The Moore-Penrose inverses of matrices: […, m, n] to […, n, m].

    Args:
        x: […, m, n].
        rcond: singular values up to rcond times the largest count as zero; by default
            10 × the larger of m and n × the epsilon of the element type, as in JAX.
        name: of the result.

    Raises:
        ShapeError: x is no matrix, or which of m and n is smaller is not known.
    """
    label = name or "pinv"
    tensor, dtype = matrices(x, "pinv()")
    return rounded(apply("pseudo_inverse", tensor, rcond=rcond, name=label), dtype, label)


def _rounding(tensor: Tensor) -> float:
    """The larger size of a matrix times the epsilon of its type: NumPy's and JAX's threshold."""
    rows, columns = tensor.shape[-2:]
    larger = rows if at_least(rows, columns) else columns
    if not isinstance(larger, int):
        raise ShapeError(
            "the threshold for singular values depends on the sizes of the matrices",
            given=tensor.value.type,
            fix="give the placeholder concrete sizes for the matrices, or pass the threshold",
            origin=capture_origin(),
        )
    return larger * float(np.finfo(tensor.dtype.numpy).eps)


def lstsq(a: Any, b: Any, rcond: float | None = None, name: str | None = None) -> Tensor:
    """The x that makes the length of a x - b smallest; of several, the shortest.

    Args:
        a: [m, n].
        b: [m], or [m, k] for k systems.
        rcond: singular values below rcond times the largest count as zero; by default the larger
            of m and n × the epsilon of the element type.
        name: of the result.

    Returns:
        [n], or [n, k]. Only this, as in Keras; NumPy gives residuals, rank and values besides.

    Raises:
        ShapeError: the shapes do not fit.
    """
    label = name or "lstsq"
    left, right = promoted((a, b))
    left, dtype = matrices(left, "lstsq()")
    right = cast_to(right, left.dtype)
    if left.ndim != 2 or right.ndim not in (1, 2) or equal(left.shape[0], right.shape[0]) is False:
        raise ShapeError(
            "lstsq() takes a matrix and a vector or matrix with as many rows",
            given=f"{left.value.type} and {right.value.type}",
            expected="[m, n] with [m] or [m, k]",
            origin=capture_origin(),
        )
    cutoff = rcond if rcond is not None and rcond >= 0 else _rounding(left)
    inverse = apply("pseudo_inverse", left, rcond=cutoff)
    return rounded(matmul(inverse, right, label), dtype, label)


def matrix_rank(x: Any, tol: float | None = None, name: str | None = None) -> Tensor:
    """How many singular values of matrices are not negligible: […, m, n] to i32[…].

    Args:
        x: […, m, n].
        tol: singular values above it count; by default the largest × the larger of m and n × the
            epsilon of the element type.
        name: of the result.

    Raises:
        ShapeError: x is no matrix, or its sizes are not known.
    """
    tensor, _ = matrices(x, "matrix_rank()")
    values = svd(tensor, compute_uv=False)
    limit: Any = tol
    if tol is None:
        limit = multiply(reduce_max(values, -1, keepdims=True, initial=0), _rounding(tensor))
    counted = cast_to(greater(values, limit), I32)
    return reduce_sum(counted, -1, name=name or "matrix_rank")

"""Factorizations of matrices, under keras.ops.linalg's names.

Matrices are the last two axes; those before are batches, of which the sizes may be unknown. LAPACK
computes in float32, float64 or complex numbers: integers are cast to the default float, and 16-bit
floats are computed in float32 and rounded at the end.
"""

from __future__ import annotations

from typing import Any, Literal

from graphc.dimensions import equal
from graphc.dtypes import F32, DType
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.broadcasting import apply, apply_many, broadcast_to
from graphc.ops.complex_numbers import conjugate
from graphc.ops.conversion import cast_to, inexact
from graphc.ops.identities import named
from graphc.ops.linear_algebra import matmul
from graphc.ops.matrices import eye
from graphc.ops.shaping import swapaxes
from graphc.ops.tensor import Tensor


def matrices(x: Any, what: str, square: bool = False) -> tuple[Tensor, DType]:
    """An operand in an element type that LAPACK knows, and the type that results should have.

    Args:
        x: numbers.
        what: what errors call the function.
        square: whether the matrices have to be square.

    Raises:
        ShapeError: x has fewer than two axes, or its matrices are not square.
    """
    tensor = inexact(x)
    if tensor.ndim < 2 or (square and equal(*tensor.shape[-2:]) is False):
        kind = "square matrices" if square else "matrices"
        raise ShapeError(
            f"{what} takes {kind}",
            given=tensor.value.type,
            expected=f"{'[…, n, n]' if square else '[…, m, n]'}",
            origin=capture_origin(),
        )
    if square and tensor.shape[-2] != tensor.shape[-1]:
        # Two unknown sizes that are equal by a checked equation: one from now on.
        size = tensor.shape[-1]
        tensor = apply("reshape", tensor, shape=(*tensor.shape[:-2], size, size))
    wide = F32 if tensor.dtype.is_floating and tensor.dtype.itemsize < F32.itemsize else None
    return cast_to(tensor, wide or tensor.dtype), tensor.dtype


def rounded(tensor: Tensor, dtype: DType, name: str) -> Tensor:
    """A result in the element type that it should have; complex results stay complex."""
    if tensor.dtype.is_complex or dtype.is_complex or tensor.dtype is dtype:
        return tensor
    return cast_to(tensor, dtype, name)


def adjoint(tensor: Tensor) -> Tensor:
    """The conjugate transposed matrices."""
    return (
        conjugate(swapaxes(tensor, -1, -2)) if tensor.dtype.is_complex else swapaxes(tensor, -1, -2)
    )


def cholesky(x: Any, upper: bool = False, name: str | None = None) -> Tensor:
    """The triangular factor of positive definite matrices.

    Args:
        x: […, n, n], Hermitian; the mean of x and its adjoint is what is factorized.
        upper: whether to give U of Uᴴ U in place of L of L Lᴴ.
        name: of the result.

    Returns:
        […, n, n], 0 in the other triangle; NaN where a matrix is not positive definite (a program
        cannot stop for it; a session with check_numerics=True names the line).

    Raises:
        ShapeError: the matrices are not square.
    """
    label = name or "cholesky"
    tensor, dtype = matrices(x, "cholesky()", square=True)
    made = apply("cholesky", tensor, lower=not upper, symmetrize_input=True, name=label)
    return rounded(made, dtype, label)


def cholesky_inverse(x: Any, upper: bool = False, name: str | None = None) -> Tensor:
    """The inverse of a positive definite matrix, from its factor.

    Args:
        x: […, n, n]: L of L Lᴴ, or U of Uᴴ U where `upper`; the other triangle is not read.
        upper: which of both.
        name: of the result.

    Raises:
        ShapeError: the matrices are not square.
    """
    label = name or "cholesky_inverse"
    factor, dtype = matrices(x, "cholesky_inverse()", square=True)
    identity = broadcast_to(eye(factor.shape[-1], dtype=factor.dtype), factor.shape)
    inverse = apply("triangular_solve", factor, identity, left_side=True, lower=not upper)
    left, right = (inverse, adjoint(inverse)) if upper else (adjoint(inverse), inverse)
    return rounded(matmul(left, right, label), dtype, label)


def qr(
    x: Any, mode: Literal["reduced", "complete"] = "reduced", name: str | None = None
) -> tuple[Tensor, Tensor]:
    """Q with orthonormal columns and upper triangular R, of which x is the product.

    Args:
        x: […, m, n].
        mode: "reduced" for as many columns of Q as the smaller of m and n; "complete" for m.
        name: of the results.

    Returns:
        Q […, m, k] and R […, k, n]; signs are LAPACK's.

    Raises:
        ShapeError: x is no matrix, or which of m and n is smaller is not known.
        GraphcError: there is no such mode.
    """
    if mode not in ("reduced", "complete"):
        raise GraphcError(
            f"qr() has no mode {mode!r}",
            expected='"reduced" or "complete"',
            origin=capture_origin(),
        )
    label = name or "qr"
    tensor, dtype = matrices(x, "qr()")
    q, r = apply_many("qr", tensor, full_matrices=mode == "complete", name=label)
    return rounded(q, dtype, label), rounded(r, dtype, label)


def svd(
    x: Any, full_matrices: bool = True, compute_uv: bool = True, name: str | None = None
) -> Any:
    """The singular value decomposition U diag(s) Vᴴ.

    The derivatives of vectors are those of JAX: not finite where singular values are equal.

    Args:
        x: […, m, n].
        full_matrices: whether U and Vᴴ are square; they have no derivative then unless x is.
        compute_uv: whether to give more than the singular values.
        name: of the results.

    Returns:
        U […, m, m], s […, k] in decreasing order, and Vᴴ […, n, n], with k the smaller of m and n
        (U […, m, k] and Vᴴ […, k, n] without `full_matrices`); s alone without `compute_uv`.

    Raises:
        ShapeError: x is no matrix, or which of m and n is smaller is not known.
    """
    label = name or "svd"
    tensor, dtype = matrices(x, "svd()")
    made = apply_many("svd", tensor, full_matrices=full_matrices, compute_uv=compute_uv, name=label)
    results = tuple([rounded(each, dtype, label) for each in made])
    return results if compute_uv else results[0]


def eigh(x: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The eigenvalues and eigenvectors of Hermitian matrices.

    Args:
        x: […, n, n]; the mean of x and its adjoint is what is looked at.
        name: of the results.

    Returns:
        The eigenvalues […, n], reals in increasing order, and the eigenvectors […, n, n], one per
        column; signs and phases are LAPACK's. Their derivatives are those of JAX: not finite where
        eigenvalues are equal.

    Raises:
        ShapeError: the matrices are not square.
    """
    label = name or "eigh"
    tensor, dtype = matrices(x, "eigh()", square=True)
    values, vectors = apply_many("eigh", tensor, symmetrize_input=True, name=label)
    return rounded(values, dtype, label), rounded(vectors, dtype, label)


def eig(x: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The eigenvalues and eigenvectors of square matrices. Runs on CPU and GPU, not on TPU.

    Args:
        x: […, n, n].
        name: of the results.

    Returns:
        The eigenvalues […, n] in no particular order, and the eigenvectors […, n, n], one per
        column, of length 1, their largest component real and positive; complex numbers, of reals
        too. The eigenvalues have derivatives, the eigenvectors have none here.

    Raises:
        ShapeError: the matrices are not square.
    """
    tensor, _ = matrices(x, "eig()", square=True)
    values, vectors = apply_many("eig", tensor, name=name or "eig")
    return values, vectors


def lu_factor(x: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Gaussian elimination with exchanged rows.

    Args:
        x: […, m, n].
        name: of the results.

    Returns:
        L and U in one matrix […, m, n] (the ones on the diagonal of L are left out), and the row
        that each step was exchanged for, i32[…, k], with k the smaller of m and n.

    Raises:
        ShapeError: x is no matrix, or which of m and n is smaller is not known.
    """
    label = name or "lu_factor"
    tensor, dtype = matrices(x, "lu_factor()")
    factors, pivots, _ = apply_many("lu", tensor, name=label)
    return rounded(factors, dtype, label), named(pivots, None)

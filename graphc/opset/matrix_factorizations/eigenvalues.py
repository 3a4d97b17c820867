"""`eigh` and `eig`: eigenvalues and eigenvectors.

The gradients are M. Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation", 2008.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import jax
import numpy as np
from jax import lax

from graphc.dtypes import C64, C128, F32, real_dtype
from graphc.errors import GradientError
from graphc.ir.attributes import TRUTH, Attribute, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import OpCall, OpSpec, Recomputed, Sample, TracedLowering
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.matrix_factorizations.matrices import (
    Array,
    Cotangents,
    Values,
    adjoint,
    along_columns,
    along_rows,
    conjugate,
    cubic_cost,
    diagonal_matrix,
    identity,
    lapack_samples,
    product,
    put_back,
    real_part,
    require_square,
    transposed,
    with_dtype,
)
from graphc.opset.samples import draw

# --- eigh -----------------------------------------------------------------------------------------


def _eigh_type(call: OpCall) -> Sequence[TensorType]:
    x = require_square(call)
    return [tensor_type(real_dtype(x.dtype), x.shape[:-1]), x]


def _lower_eigh(call: OpCall, x: Any) -> Any:
    vectors, values = lax.linalg.eigh(
        x, lower=call.attributes["lower"], symmetrize_input=call.attributes["symmetrize_input"]
    )
    return values, vectors


def _eigh_reference(call: OpCall, x: Array) -> list[Array]:
    if call.attributes["symmetrize_input"]:
        x = (x + np.swapaxes(x, -1, -2).conj()) / 2
    found: Any = np.linalg.eigh(x, "L" if call.attributes["lower"] else "U")
    return list(found)


def _eigh_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    values, vectors = results
    dtype = vectors.type.dtype
    change = with_dtype(build, ct[0], dtype)
    if call.has_cotangent(1):
        turned = product(build, adjoint(build, vectors), conjugate(build, ct[1]))
        factor = with_dtype(build, _inverse_distances(build, values), dtype)
        inner = build.multiply(factor, turned)
        if call.has_cotangent(0):
            inner = build.add(inner, diagonal_matrix(build, change))
        scaled = product(build, vectors, inner)
    else:
        scaled = build.multiply(vectors, along_columns(build, change, vectors.type.shape))
    found = product(build, scaled, adjoint(build, vectors))
    if call.attributes["symmetrize_input"]:
        half = build.full_like(found, 0.5)
        found = build.multiply(half, build.add(found, adjoint(build, found)))
    return (conjugate(build, found),)


def _inverse_distances(build: Builder, values: Value) -> Value:
    """1 / (w[j] - w[i]) beside the diagonal, 0 on it; infinite for equal eigenvalues."""
    shape = (*values.type.shape, values.type.shape[-1])
    by_columns, by_rows = (f(build, values, shape) for f in (along_columns, along_rows))
    one = identity(build, by_columns.type)
    distances = build.subtract(build.add(one, by_columns), by_rows)
    return build.subtract(build.divide(build.full_like(one, 1), distances), one)


def _hermitian(*shape: int, dtype: str = "float32") -> Array:
    """Hermitian matrices with eigenvalues far from each other."""
    x = draw(*shape, shape[-1], low=-0.5, high=0.5, dtype=dtype)
    made = (x + np.swapaxes(x, -1, -2).conj()) / 2 + np.diag(np.arange(shape[-1]) * 2.0)
    return made.astype(x.dtype)


def _eigh_samples() -> list[Sample]:
    def factor(
        x: Array, lower: bool = True, symmetrize: bool = True, differentiable: bool = True
    ) -> Sample:
        # As for `svd`, complex phases are LAPACK's choice; as for `cholesky`, what reads one
        # triangle has another derivative than JAX gives.
        smooth = differentiable and symmetrize and x.dtype.kind == "f"
        attributes = {"lower": lower, "symmetrize_input": symmetrize}
        return Sample((x,), attributes, smooth, rtol=1e-4)

    return [
        factor(_hermitian(3), differentiable=False),
        factor(_hermitian(3)),
        factor(_hermitian(3), lower=False),
        factor(_hermitian(3, dtype="complex64"), symmetrize=False),
        factor(_hermitian(3, dtype="complex64"), False, False),
        factor(_hermitian(2, 2, 3)),
        factor(_hermitian(3) + 0.1 * draw(3, 3)),
        factor(_hermitian(3, dtype="complex64")),
        factor(_hermitian(2, 3, dtype="complex128"), False),
        factor(_hermitian(1)),
        factor(_hermitian(0), differentiable=False),
        factor(_hermitian(0, 2), differentiable=False),
    ]


EIGH = REGISTRY.register(
    OpSpec(
        name="eigh",
        doc="The eigenvalues of Hermitian matrices in increasing order, and the eigenvectors, one "
        "per column. Reads the lower or the upper triangle alone, or the mean of x and xᴴ where "
        "symmetrize_input.",
        arity=1,
        attributes=Schema(lower=Attribute(TRUTH, True), symmetrize_input=Attribute(TRUTH, False)),
        infer=_eigh_type,
        lower=TracedLowering(_lower_eigh),
        gradient=_eigh_gradient,
        reference=_eigh_reference,
        cost=cubic_cost(9),
        samples=_eigh_samples,
    )
)

# --- eig ------------------------------------------------------------------------------------------


def _eig_type(call: OpCall) -> Sequence[TensorType]:
    x = require_square(call)
    dtype = x.dtype if x.dtype.is_complex else C64 if x.dtype is F32 else C128
    values = tensor_type(dtype, x.shape[:-1])
    return [values, x.with_dtype(dtype)] if call.attributes["compute_vectors"] else [values]


def _lower_eig(call: OpCall, x: Any) -> Any:
    if not call.attributes["compute_vectors"]:
        return lax.linalg.eig(x, compute_left_eigenvectors=False, compute_right_eigenvectors=False)
    values, vectors = lax.linalg.eig(x, compute_left_eigenvectors=False)
    if vectors.size == 0:
        return values, vectors
    # LAPACK makes the largest component real, but leaves its sign to chance.
    axis, jnp = vectors.ndim - 2, cast(Any, jax.numpy)
    place = jnp.argmax(abs(vectors), axis=axis, keepdims=True)
    largest = jnp.take_along_axis(vectors, place, axis)
    return values, vectors * jnp.where(largest.real < 0, -1, 1).astype(vectors.dtype)


def _eig_reference(call: OpCall, x: Array) -> list[Array]:
    found: Any = np.linalg.eig(x)
    values, vectors = (result.astype(call.results[0].dtype.numpy) for result in found)
    if not call.attributes["compute_vectors"]:
        return [values]
    if vectors.size:
        place = np.argmax(np.abs(vectors), axis=-2, keepdims=True)
        largest: Any = np.take_along_axis(vectors, place, -2)
        vectors = vectors * np.where(largest.real < 0, -1, 1).astype(vectors.dtype)
    return [values, vectors]


def _eig_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents | Recomputed:
    x = operands[0]
    computed = call.attributes["compute_vectors"]
    if computed and call.has_cotangent(1):
        raise call.error(
            GradientError,
            "the eigenvectors of a matrix that is not Hermitian are fixed by a convention, not by "
            "the matrix, and have no derivative here",
            fix="differentiate the eigenvalues alone, or use eigh for Hermitian matrices",
        )
    values, vectors = results if computed else build.eig(x)
    # w[j] changes by row j of V⁻¹ dA V: the cotangent is V⁻ᵀ diag(ct) Vᵀ.
    turned = transposed(build, vectors)
    scaled = build.multiply(turned, along_rows(build, ct[0], turned.type.shape))
    found = _solve_transposed(build, vectors, scaled)
    found = found if x.type.dtype.is_complex else real_part(build, found)
    return (found,) if computed else Recomputed([values], (found,))


def _solve_transposed(build: Builder, a: Value, b: Value) -> Value:
    """The X of Aᵀ X = B."""
    factors, _, permutation = build.lu(a)
    found = build.triangular_solve(factors, b, left_side=True, lower=False, transpose_a="TRANSPOSE")
    found = build.triangular_solve(
        factors, found, left_side=True, lower=True, transpose_a="TRANSPOSE", unit_diagonal=True
    )
    return put_back(build, found, permutation, -2)


def _eig_samples() -> list[Sample]:
    def factor(x: Array, vectors: bool = False) -> Sample:
        smooth = not vectors and x.size > 0
        return Sample((x,), {"compute_vectors": vectors}, smooth, rtol=1e-4)

    turning = np.array([[0, 2, 0], [-1, 0, 0], [0, 0, 2]], np.float32)
    matrices = [*lapack_samples((3, 3), (2, 3, 3), (1, 1), (0, 0), (0, 2, 2)), turning]
    complex_matrices = [draw(3, 3, dtype="complex64"), draw(2, 2, 2, dtype="complex128")]
    return [factor(x, vectors) for vectors in (False, True) for x in (*matrices, *complex_matrices)]


EIG = REGISTRY.register(
    OpSpec(
        name="eig",
        doc="The eigenvalues of square matrices, complex and in no order, and the eigenvectors, "
        "one per column, of length 1, their largest component real and positive; without "
        "compute_vectors the values alone. Runs LAPACK on the host: on CPU and GPU, not on TPU.",
        arity=1,
        attributes=Schema(compute_vectors=Attribute(TRUTH, True)),
        infer=_eig_type,
        lower=TracedLowering(_lower_eig),
        gradient=_eig_gradient,
        reference=_eig_reference,
        cost=cubic_cost(25),
        samples=_eig_samples,
    )
)

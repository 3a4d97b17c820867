"""`qr`: a matrix as a unitary one times an upper triangular one.

The gradient is J. Townsend, "Differentiating the QR decomposition", 2018,
https://j-towns.github.io/papers/qr-derivative.pdf; that of all columns of Q for more rows than
columns is https://arxiv.org/abs/2409.13374.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax import lax

from graphc.dimensions import Dimension, at_least
from graphc.errors import GradientError
from graphc.ir.attributes import TRUTH, Attribute, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import OpCall, OpSpec, Sample, TracedLowering
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.matrix_factorizations.matrices import (
    Array,
    Cotangents,
    Values,
    adjoint,
    conjugate,
    cubic_cost,
    diagonal,
    diagonal_matrix,
    identity,
    identity_array,
    joined,
    keep,
    lapack_samples,
    part,
    product,
    put_back,
    real_part,
    require_matrices,
    smaller_size,
    with_dtype,
)
from graphc.opset.samples import draw


def _type(call: OpCall) -> Sequence[TensorType]:
    x = require_matrices(call)
    *batch, rows, columns = x.shape
    size = rows if call.attributes["full_matrices"] else smaller_size(call)
    return [x.with_shape((*batch, rows, size)), x.with_shape((*batch, size, columns))]


def _lower(call: OpCall, x: Any) -> Any:
    return lax.linalg.qr(x, full_matrices=call.attributes["full_matrices"])


def _reference(call: OpCall, x: Array) -> list[Array]:
    if x.size:
        found: Any = np.linalg.qr(x, "complete" if call.attributes["full_matrices"] else "reduced")
        return list(found)
    return [identity_array(call.results[0]), np.zeros(call.results[1].shape, x.dtype)]  # type: ignore[arg-type]


def _gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    x, (q, r) = operands[0], results
    q_change, r_change = (conjugate(build, each) for each in ct)
    rows, columns = x.type.shape[-2:]
    if at_least(rows, columns):
        if call.attributes["full_matrices"] and rows != columns:
            q_change = _first_columns(build, q, q_change, columns)
            q = part(build, q, -1, 0, columns)
            r, r_change = (part(build, each, -2, 0, columns) for each in (r, r_change))
        return (conjugate(build, _thin(build, q, r, q_change, r_change)),)
    if not at_least(columns, rows):
        raise call.error(
            GradientError,
            "its derivative depends on whether there are more rows or more columns",
            "matrices with sizes that can be compared",
            "give the placeholder concrete sizes for the matrices",
        )
    # Q R1 is a factorization of the first columns, and R2 = Qᴴ X2 follows from it.
    others = part(build, x, -1, rows, columns)
    other_change = part(build, r_change, -1, rows, columns)
    from_others = product(build, others, adjoint(build, other_change))
    square = _thin(
        build,
        q,
        part(build, r, -1, 0, rows),
        build.add(q_change, from_others),
        part(build, r_change, -1, 0, rows),
    )
    found = joined(build, square, product(build, q, other_change), -1)
    return (conjugate(build, found),)


def _thin(build: Builder, q: Value, r: Value, q_change: Value, r_change: Value) -> Value:
    """The adjoint for at least as many rows as columns, of which Q has as many."""
    inner = build.subtract(
        product(build, adjoint(build, q), q_change), product(build, r_change, adjoint(build, r))
    )
    above = keep(build, inner, "LT")
    mirrored = build.add(above, adjoint(build, above))
    reals = with_dtype(build, real_part(build, diagonal(build, inner)), inner.type.dtype)
    hermitian = build.add(mirrored, diagonal_matrix(build, reals))
    found = build.subtract(q_change, product(build, q, hermitian))
    return build.triangular_solve(r, found, left_side=False, lower=False, transpose_a="ADJOINT")


def _first_columns(build: Builder, q: Value, q_change: Value, size: Dimension) -> Value:
    """The cotangent of the first columns of a square Q that stands for those of all columns.

    LAPACK makes the other columns from the same reflections, so they follow from the first.
    """
    rows = q.type.shape[-2]
    first, rest = part(build, q, -1, 0, size), part(build, q, -1, size, rows)
    first_change = part(build, q_change, -1, 0, size)
    rest_change = part(build, q_change, -1, size, rows)
    top, bottom = part(build, first, -2, 0, size), part(build, first, -2, size, rows)
    factors, _, permutation = build.lu(build.subtract(top, identity(build, top.type)))
    z = build.triangular_solve(factors, bottom, left_side=False, lower=False)
    z = build.triangular_solve(factors, z, left_side=False, lower=True, unit_diagonal=True)
    z = put_back(build, z, permutation, -1)
    along = build.add(first, product(build, rest, z))
    below = build.negate(product(build, adjoint(build, rest_change), along))
    above = build.negate(product(build, adjoint(build, z), below))
    total = build.add(first_change, product(build, rest_change, z))
    return build.add(total, joined(build, above, below, -2))


def _samples() -> list[Sample]:
    def factor(x: Array, full: bool, differentiable: bool = True) -> Sample:
        return Sample((x,), {"full_matrices": full}, differentiable, rtol=3e-5)

    shapes = ((3, 3), (4, 2), (2, 4), (2, 2, 3), (2, 4, 3), (1, 1), (3, 1), (0, 2, 2))
    empty = ((0, 0), (0, 2), (3, 0), (2, 0, 3))
    made = [
        factor(x, full, x.size > 0)
        for full in (False, True)
        for x in lapack_samples(*shapes, *empty)
    ]
    return [
        *made,
        factor(draw(3, 3, dtype="complex64"), False),
        factor(draw(2, 4, 3, dtype="complex128"), False),
        factor(draw(4, 2, dtype="complex64"), True),
        factor(draw(2, 4, dtype="complex64"), True),
        factor(draw(3, 5, dtype="complex128"), False),
    ]


QR = REGISTRY.register(
    OpSpec(
        name="qr",
        doc="Q with orthonormal columns, and the upper triangular R, of Q R: as many columns of Q "
        "as there are rows where full_matrices, else as many as the smaller size.",
        arity=1,
        attributes=Schema(full_matrices=Attribute(TRUTH, True)),
        infer=_type,
        lower=TracedLowering(_lower),
        gradient=_gradient,
        reference=_reference,
        cost=cubic_cost(2),
        samples=_samples,
    )
)

"""`svd`: a matrix as rotations around a diagonal one.

The gradient is M. Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation", 2008, with what JAX adds for complex numbers and unequal sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from jax import lax

from graphc.dimensions import at_least, equal
from graphc.dtypes import real_dtype
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
    diagonal,
    diagonal_matrix,
    identity,
    identity_array,
    lapack_samples,
    part,
    product,
    require_matrices,
    smaller_size,
    with_dtype,
)
from graphc.opset.samples import draw


def _type(call: OpCall) -> Sequence[TensorType]:
    x = require_matrices(call)
    *batch, rows, columns = x.shape
    size = smaller_size(call)
    values = tensor_type(real_dtype(x.dtype), (*batch, size))
    if not call.attributes["compute_uv"]:
        return [values]
    full = call.attributes["full_matrices"]
    left = x.with_shape((*batch, rows, rows if full else size))
    return [left, values, x.with_shape((*batch, columns if full else size, columns))]


def _lower(call: OpCall, x: Any) -> Any:
    full, vectors = call.attributes["full_matrices"], call.attributes["compute_uv"]
    return cast(Any, lax.linalg.svd)(x, full_matrices=full, compute_uv=vectors)


def _reference(call: OpCall, x: Array) -> list[Array]:
    full, vectors = call.attributes["full_matrices"], call.attributes["compute_uv"]
    if x.size == 0:
        values = np.zeros(call.results[len(call.results) // 2].shape, x.real.dtype)  # type: ignore[arg-type]
        if not vectors:
            return [values]
        return [identity_array(call.results[0]), values, identity_array(call.results[2])]
    found: Any = cast(Any, np.linalg.svd)(x, full_matrices=full, compute_uv=vectors)
    return list(found) if vectors else [found]


# --- gradient -------------------------------------------------------------------------------------


def _gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents | Recomputed:
    x = operands[0]
    if not call.attributes["compute_uv"]:
        left, values, right = build.svd(x, full_matrices=False)
        found = _values_alone(build, left, ct[0], right)
        return Recomputed([values], [conjugate(build, found)])
    left, values, right = results
    if call.attributes["full_matrices"] and equal(*x.type.shape[-2:]) is not True:
        if call.has_cotangent(0) or call.has_cotangent(2):
            raise call.error(
                GradientError,
                "the vectors that complete a basis have no derivative",
                fix="pass full_matrices=False, or differentiate the singular values alone",
            )
        size = smaller_size(call)
        left, right = part(build, left, -1, 0, size), part(build, right, -2, 0, size)
    if not (call.has_cotangent(0) or call.has_cotangent(2)):
        return (conjugate(build, _values_alone(build, left, ct[1], right)),)
    left_change, right_change = conjugate(build, ct[0]), conjugate(build, ct[2])
    values_change = ct[1] if call.has_cotangent(1) else None
    found = _all(build, (left, values, right), left_change, values_change, right_change)
    return (conjugate(build, found),)


def _values_alone(build: Builder, left: Value, change: Value, right: Value) -> Value:
    """The adjoint where only the singular values have a cotangent."""
    scale = along_columns(build, with_dtype(build, change, left.type.dtype), left.type.shape)
    return product(build, build.multiply(left, scale), right)


def _all(
    build: Builder,
    results: Values,
    left_change: Value,
    values_change: Value | None,
    right_change: Value,
) -> Value:
    left, values, right = results
    dtype, rows, columns = left.type.dtype, left.type.shape[-2], right.type.shape[-1]
    turned_left = product(build, adjoint(build, left), left_change)
    # For V, which is the adjoint of the third result.
    turned_right = product(build, right, adjoint(build, right_change))
    factor = with_dtype(build, _inverse_distances(build, values), dtype)
    shape = factor.type.shape
    wide = with_dtype(build, values, dtype)
    by_columns, by_rows = (f(build, wide, shape) for f in (along_columns, along_rows))

    def both(x: Value) -> Value:
        return build.add(x, adjoint(build, x))

    inner = build.multiply(both(build.multiply(factor, turned_left)), by_columns)
    other = build.multiply(by_rows, both(build.multiply(factor, turned_right)))
    inner = build.add(inner, other)
    if values_change is not None:
        direct = with_dtype(build, diagonal_matrix(build, values_change), dtype)
        inner = build.add(inner, direct)
    if dtype.is_complex:
        inner = build.add(inner, _phases(build, turned_left, values))
    found = product(build, product(build, left, inner), right)
    if not at_least(columns, rows):  # what leaves the space of the columns of U
        scaled = build.divide(left_change, along_columns(build, wide, left.type.shape))
        outside = build.subtract(
            scaled, product(build, left, product(build, adjoint(build, left), scaled))
        )
        found = build.add(found, product(build, outside, right))
    if not at_least(rows, columns):  # what leaves the space of the rows of Vᴴ
        scaled = build.divide(right_change, along_rows(build, wide, right.type.shape))
        outside = build.subtract(
            scaled, product(build, product(build, scaled, adjoint(build, right)), right)
        )
        found = build.add(found, product(build, left, outside))
    return found


def _inverse_distances(build: Builder, values: Value) -> Value:
    """1 / (s[j]² - s[i]²) beside the diagonal, 0 on it; infinite for equal singular values."""
    shape = (*values.type.shape, values.type.shape[-1])
    by_columns, by_rows = (f(build, values, shape) for f in (along_columns, along_rows))
    total, difference = build.add(by_columns, by_rows), build.subtract(by_columns, by_rows)
    one = identity(build, total.type)
    distances = build.add(build.multiply(total, difference), one)
    return build.subtract(build.divide(build.full_like(one, 1), distances), one)


def _phases(build: Builder, turned: Value, values: Value) -> Value:
    """The part that turns U and V together: i times the imaginary part of the diagonal, over s."""
    zero = build.full_like(values, 0)
    one = build.full_like(values, 1)
    none = build.select(build.compare(values, zero, direction="EQ"), one, zero)
    inverse = build.subtract(build.divide(one, build.add(values, none)), none)
    turns = build.multiply(build.imag(diagonal(build, turned)), inverse)
    return diagonal_matrix(build, build.complex(zero, turns))


# --- svd ------------------------------------------------------------------------------------------


def _samples() -> list[Sample]:
    def factor(
        x: Array, full: bool = False, vectors: bool = True, differentiable: bool = True
    ) -> Sample:
        smooth = differentiable and x.dtype.kind == "f" and x.size > 0
        attributes = {"full_matrices": full, "compute_uv": vectors}
        return Sample((x,), attributes, smooth, rtol=1e-4)

    shapes = ((3, 3), (4, 2), (2, 4), (2, 3, 2), (2, 2, 3), (1, 1), (3, 1), (1, 3))
    empty = ((0, 0), (0, 2), (3, 0), (2, 0, 3), (0, 2, 3))
    square, *others = lapack_samples(*shapes, *empty)
    # The phases of complex vectors are LAPACK's choice, the formula's is another: what they are
    # used for must not depend on them. So the first sample, which is also cast to complex numbers,
    # is not held to finite differences.
    return [
        factor(square, differentiable=False),
        factor(square),
        factor(square, full=True),
        factor(square, vectors=False),
        *[factor(x) for x in others],
        *[factor(x, full=True) for x in others[:3] + others[-4:]],
        *[factor(x, vectors=False) for x in others[:3] + others[-4:]],
        factor(draw(3, 3, dtype="complex64")),
        factor(draw(4, 2, dtype="complex64")),
        factor(draw(2, 2, 3, dtype="complex128")),
        factor(draw(3, 2, dtype="complex64"), full=True),
        factor(draw(3, 2, dtype="complex64"), vectors=False),
    ]


SVD = REGISTRY.register(
    OpSpec(
        name="svd",
        doc="U, the singular values in decreasing order, and Vᴴ of U diag(s) Vᴴ: whole bases where "
        "full_matrices, else as many vectors as singular values; these alone without compute_uv.",
        arity=1,
        attributes=Schema(full_matrices=Attribute(TRUTH, True), compute_uv=Attribute(TRUTH, True)),
        infer=_type,
        lower=TracedLowering(_lower),
        gradient=_gradient,
        reference=_reference,
        cost=cubic_cost(10),
        samples=_samples,
    )
)

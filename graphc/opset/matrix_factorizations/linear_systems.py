"""What factorizations are mostly made for: `solve`, `determinant` and `pseudo_inverse`.

They are composites, because their derivatives exist where those of the factorizations inside do
not: for singular matrices, or for equal singular values.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np

from graphc.dimensions import Dimension, at_least
from graphc.dtypes import I32
from graphc.ir.attributes import FLOAT, Attribute, Schema, optional
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import ByDecomposition, Cost, OpCall, OpSpec, Recomputed, Sample, Trait
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
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
    identity,
    lapack_samples,
    product,
    put_back,
    require_matrices,
    require_square,
    smaller_size,
    take_rows,
    transposed,
    with_dtype,
)
from graphc.opset.samples import draw
from graphc.opset.type_rules import require_rank, require_same_dtype

# --- solve ----------------------------------------------------------------------------------------


def _solve_type(call: OpCall) -> TensorType:
    a = require_square(call)
    require_matrices(call, 1)
    require_same_dtype(call)
    b = require_rank(call, 1, a.rank)
    for axis in range(a.rank - 1):
        call.require_equal(a.shape[axis], b.shape[axis], f"the sizes of axis {axis}")
    return b


def _substitute(build: Builder, factors: Value, b: Value, lower: bool, transpose: str) -> Value:
    return build.triangular_solve(
        factors, b, left_side=True, lower=lower, transpose_a=transpose, unit_diagonal=lower
    )


def _solve_factored(build: Builder, factors: Value, permutation: Value, b: Value) -> Value:
    """The X of A X = B, with P A = L U."""
    moved = take_rows(build, b, permutation)
    moved = _substitute(build, factors, moved, True, "NO_TRANSPOSE")
    return _substitute(build, factors, moved, False, "NO_TRANSPOSE")


def _solve_transposed(build: Builder, factors: Value, permutation: Value, b: Value) -> Value:
    """The X of Aᵀ X = B."""
    moved = _substitute(build, factors, b, False, "TRANSPOSE")
    moved = _substitute(build, factors, moved, True, "TRANSPOSE")
    return put_back(build, moved, permutation, -2)


def _solve_decomposition(build: Builder, call: OpCall, a: Value, b: Value) -> Value:
    factors, _, permutation = build.lu(a)
    return _solve_factored(build, factors, permutation, b)


def _solve_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Recomputed:
    """Factorizes once for both ways."""
    a, b = operands
    factors, _, permutation = build.lu(a)
    x = _solve_factored(build, factors, permutation, b)
    b_ct = _solve_transposed(build, factors, permutation, ct[0])
    a_ct = None
    if call.wants(0):
        a_ct = build.negate(product(build, b_ct, transposed(build, x)))
    return Recomputed([x], [a_ct, b_ct])


def _solve_reference(call: OpCall, a: Array, b: Array) -> Array:
    found = np.full(b.shape, np.nan, b.dtype)
    for place in np.ndindex(b.shape[:-2]):
        with contextlib.suppress(np.linalg.LinAlgError):  # singular: NaN
            found[place] = np.linalg.solve(a[place], b[place])
    return found


def _solve_cost(call: OpCall) -> Cost:
    found, b = cubic_cost(1)(call), call.types[1]
    return Cost(found.flops + 2 * b.size * call.types[0].shape[-1], found.bytes)


def _solve_samples() -> list[Sample]:
    def solve(a: Array, *shape: int) -> Sample:
        return Sample((a, draw(*shape, dtype=a.dtype.name)), rtol=1e-4)

    square, batch, one, none, empty = lapack_samples((3, 3), (2, 4, 4), (1, 1), (0, 0), (0, 2, 2))
    return [
        solve(square, 3, 2),
        solve(batch, 2, 4, 1),
        solve(one, 1, 3),
        solve(none, 0, 2),
        solve(square, 3, 0),
        solve(empty, 0, 2, 1),
        solve(draw(3, 3, dtype="complex64"), 3, 2),
        solve(draw(2, 2, 2, dtype="complex128"), 2, 2, 2),
    ]


SOLVE = REGISTRY.register(
    OpSpec(
        name="solve",
        doc="The X of A X = B, by LU; not finite for singular matrices.",
        arity=2,
        infer=_solve_type,
        lower=ByDecomposition(),
        gradient=_solve_gradient,
        reference=_solve_reference,
        decomposition=_solve_decomposition,
        cost=_solve_cost,
        samples=_solve_samples,
        traits=Trait.COMPOSITE,
    )
)

# --- determinant ----------------------------------------------------------------------------------


def _determinant_type(call: OpCall) -> TensorType:
    x = require_square(call)
    return x.with_shape(x.shape[:-2])


def _parity(build: Builder, pivots: Value, like: Value) -> Value:
    """-1 for each row that was exchanged for another one, else 1, as numbers of the type `like`."""
    axis = pivots.type.rank - 1
    own = build.iota(dtype=I32, shape=pivots.type.shape, iota_dimension=axis)
    stays = build.compare(pivots, own, direction="EQ")
    return build.select(stays, build.full_like(like, 1), build.full_like(like, -1))


def _product(build: Builder, elements: Value) -> Value:
    return build.reduce_product(elements, axes=[elements.type.rank - 1])


def _determinant_decomposition(build: Builder, call: OpCall, x: Value) -> Value:
    factors, pivots, _ = build.lu(x)
    pivot_elements = diagonal(build, factors)
    return _product(build, build.multiply(pivot_elements, _parity(build, pivots, pivot_elements)))


def _determinant_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Recomputed:
    """The adjugate matrix, which is finite for matrices without an inverse.

    It is det(A) A⁻¹. A zero among the pivots of LU stands last if the rank is smaller by one; it
    cancels with the determinant, which is not multiplied into the last unknown. Where another pivot
    is zero, the adjugate is taken to be zero: exact for a rank that is smaller by two or more.
    """
    x = operands[0]
    factors, pivots, permutation = build.lu(x)
    elements = diagonal(build, factors)
    elements = build.multiply(elements, _parity(build, pivots, elements))
    shape, axis = elements.type.shape, elements.type.rank - 1
    size = shape[-1]
    total = _product(build, elements)
    places = build.iota(dtype=I32, shape=shape, iota_dimension=axis)
    later = _later_than_all(build, places, size, axis)
    is_last = build.compare(places, later, direction="EQ")
    one, zero = build.full_like(elements, 1), build.full_like(elements, 0)
    before = _product(build, build.select(is_last, one, elements))
    before = build.broadcast_in_dim(before, shape=shape, broadcast_dimensions=range(axis))
    lost = build.compare(before, zero, direction="EQ")
    inverse = build.divide(one, build.select(lost, one, before))
    square = factors.type.shape
    matrix_lost = along_rows(build, lost, square)
    row_is_last, column_is_last = (
        along_rows(build, is_last, square),
        along_columns(build, is_last, square),
    )
    corner = build.and_(row_is_last, column_is_last)
    factors = build.select(corner, along_rows(build, inverse, square), factors)
    eye = identity(build, factors.type)
    factors = build.select(matrix_lost, eye, factors)
    found = take_rows(build, eye, permutation)
    found = _substitute(build, factors, found, True, "NO_TRANSPOSE")
    batch = range(axis)
    whole = build.broadcast_in_dim(total, shape=square, broadcast_dimensions=batch)
    found = build.select(row_is_last, found, build.multiply(found, whole))
    found = _substitute(build, factors, found, False, "NO_TRANSPOSE")
    found = build.select(matrix_lost, build.full_like(found, 0), found)
    weight = build.broadcast_in_dim(ct[0], shape=square, broadcast_dimensions=batch)
    return Recomputed([total], [build.multiply(weight, transposed(build, found))])


def _later_than_all(build: Builder, places: Value, size: Dimension, axis: int) -> Value:
    """The last place along an axis."""
    if isinstance(size, int):
        return build.full_like(places, size - 1)
    last = build.subtract(build.dimension_size(places, axis=axis), build.full(1, I32))
    return build.broadcast_in_dim(last, shape=places.type.shape, broadcast_dimensions=())


def _determinant_reference(call: OpCall, x: Array) -> Any:
    return np.linalg.det(x)


def _determinant_samples() -> list[Sample]:
    shapes = ((4, 4), (2, 3, 3), (1, 1), (2, 2), (0, 0), (0, 2, 2), (2, 0, 0))
    made = [Sample((x,), rtol=1e-4) for x in lapack_samples(*shapes)]
    complex_matrices = [draw(4, 4, dtype="complex64"), draw(2, 2, 2, dtype="complex128")]
    return [*made, *[Sample((x,), rtol=1e-4) for x in complex_matrices]]


DETERMINANT = REGISTRY.register(
    OpSpec(
        name="determinant",
        doc="The determinants of square matrices, by LU; 1 for those without rows.",
        arity=1,
        infer=_determinant_type,
        lower=ByDecomposition(),
        gradient=_determinant_gradient,
        reference=_determinant_reference,
        decomposition=_determinant_decomposition,
        cost=cubic_cost(1),
        samples=_determinant_samples,
        traits=Trait.COMPOSITE,
    )
)

# --- pseudo_inverse -------------------------------------------------------------------------------


def _pseudo_inverse_type(call: OpCall) -> TensorType:
    x = require_matrices(call)
    smaller_size(call)
    *batch, rows, columns = x.shape
    return x.with_shape((*batch, columns, rows))


def _relative_cutoff(call: OpCall) -> float:
    """JAX's default: ten times what rounding does to a matrix of that size."""
    given: float | None = call.attributes["rcond"]
    if given is not None:
        return given
    type_ = call.types[0]
    rows, columns = type_.shape[-2:]
    larger = rows if at_least(rows, columns) else columns
    # Where the size is not known yet, that of the matrices on which it hardly matters.
    count = larger if isinstance(larger, int) else 1
    return 10 * count * float(np.finfo(type_.dtype.numpy).eps)


def _pseudo_inverse_decomposition(build: Builder, call: OpCall, x: Value) -> Value:
    left, values, right = build.svd(x, full_matrices=False)
    shape = values.type.shape
    axis = len(shape) - 1
    largest = build.reduce_max(values, axes=[axis])
    cutoff = build.multiply(largest, build.full_like(largest, _relative_cutoff(call)))
    cutoff = build.broadcast_in_dim(cutoff, shape=shape, broadcast_dimensions=range(axis))
    counts = build.compare(values, cutoff, direction="GT")
    one, zero = build.full_like(values, 1), build.full_like(values, 0)
    inverse = build.divide(one, build.select(counts, values, one))
    inverse = with_dtype(build, build.select(counts, inverse, zero), left.type.dtype)
    back = adjoint(build, right)
    scaled = build.multiply(back, along_columns(build, inverse, back.type.shape))
    return product(build, scaled, adjoint(build, left))


def _pseudo_inverse_gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    """Golub and Pereyra, SIAM Journal on Numerical Analysis 10, 1973.

    dP = -P dA P + P Pᴴ dAᴴ (1 - A P) + (1 - P A) dAᴴ Pᴴ P, for a rank that does not change.
    """
    a, p = operands[0], results[0]
    change = conjugate(build, ct[0])
    p_h, change_h = adjoint(build, p), adjoint(build, change)
    direct = build.negate(product(build, p_h, product(build, change, p_h)))
    back = product(build, change_h, product(build, p, p_h))
    outside_columns = build.subtract(back, product(build, a, product(build, p, back)))
    forth = product(build, product(build, p_h, p), change_h)
    outside_rows = build.subtract(forth, product(build, product(build, forth, p), a))
    total = build.add(build.add(direct, outside_columns), outside_rows)
    return (conjugate(build, total),)


def _pseudo_inverse_reference(call: OpCall, x: Array) -> Array:
    if x.size == 0:
        return np.zeros(call.result.shape, x.dtype)  # type: ignore[arg-type]
    return np.linalg.pinv(x, rcond=_relative_cutoff(call))


def _pseudo_inverse_samples() -> list[Sample]:
    def invert(x: Array, **attributes: float) -> Sample:
        return Sample((x,), attributes, x.size > 0, rtol=1e-4)

    shapes = ((3, 3), (4, 2), (2, 2, 3), (1, 1), (0, 2, 2))
    square, *others = lapack_samples(*shapes)
    return [
        invert(square),
        *[invert(x) for x in others],
        invert(square, rcond=1e-3),
        invert(draw(3, 2, dtype="complex64")),
        invert(draw(2, 2, 3, dtype="complex128")),
    ]


PSEUDO_INVERSE = REGISTRY.register(
    OpSpec(
        name="pseudo_inverse",
        doc="The Moore-Penrose inverse; singular values up to rcond times the largest count as "
        "zero, by default 10 × the larger size × the type's epsilon.",
        arity=1,
        attributes=Schema(rcond=Attribute(optional(FLOAT), None)),
        infer=_pseudo_inverse_type,
        lower=ByDecomposition(),
        gradient=_pseudo_inverse_gradient,
        reference=_pseudo_inverse_reference,
        decomposition=_pseudo_inverse_decomposition,
        cost=cubic_cost(12),
        samples=_pseudo_inverse_samples,
        traits=Trait.COMPOSITE,
    )
)

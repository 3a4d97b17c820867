"""Recipes of matrices: factorizations and systems, in batches, of what makes them well behaved."""

from __future__ import annotations

import numpy as np

from graphc.ir.node import Value
from tests.pipeline.formula_recipes import over_rows
from tests.pipeline.graph_sketch import Choices, NotApplicableError, Sketch, fit
from tests.pipeline.recipe_book import recipe


def _square(s: Sketch, c: Choices) -> Value:
    """Square matrices with a dominant diagonal of distinct numbers, perhaps in a batch."""
    x = s.pick(c, "float", lambda x: x.type.rank > 1 and x.type.is_static)
    size = x.type.shape[-1]
    if not isinstance(size, int) or not 0 < size < 5 or 0 in s.shape(x):
        raise NotApplicableError
    diagonal = s.array(np.diag(np.arange(size) * 2.0 + 4.0).astype(x.type.dtype.numpy))
    type_ = x.type.with_shape((*x.type.shape[:-2], size, size))
    small = s.multiply(s.tanh(fit(s, x, type_)), s.full(0.5, type_.dtype, type_.shape))
    return s.add(small, fit(s, diagonal, type_))


def _transposed(s: Sketch, a: Value) -> Value:
    rank = a.type.rank
    return s.transpose(a, permutation=[*range(rank - 2), rank - 1, rank - 2])


def _symmetric(s: Sketch, a: Value) -> Value:
    return s.multiply(s.add(a, _transposed(s, a)), s.full_like(a, 0.5))


@recipe
def factorization(s: Sketch, c: Choices) -> list[Value]:
    a = _square(s, c)
    name = c.of(("cholesky", "eigh", "qr", "svd", "lu"))
    if name == "cholesky":
        return [s.cholesky(_symmetric(s, a), lower=c.chance(2))]
    if name == "eigh":
        return _all(s.eigh(_symmetric(s, a)))
    if name == "svd":
        return _all(s.svd(a, compute_uv=c.chance(2)))
    return _all(getattr(s, name)(a))


def _all(made: Value | tuple[Value, ...]) -> list[Value]:
    return [made] if isinstance(made, Value) else list(made)


@recipe
def triangular_system(s: Sketch, c: Choices) -> Value:
    a = _square(s, c)
    columns = a.type.with_shape((*a.type.shape[:-1], 1 + c.below(3)))
    left = c.chance(2)
    b = fit(s, s.pick(c, "float"), columns)
    return s.triangular_solve(
        a,
        b if left else _transposed(s, b),
        left_side=left,
        lower=c.chance(2),
        transpose_a=c.of(("NO_TRANSPOSE", "TRANSPOSE")),
        unit_diagonal=False,
    )


@recipe
def covariance(s: Sketch, c: Choices) -> Value:
    """A positive matrix of columns that are there, and its Cholesky factor."""
    x = s.pick(c, "float", lambda x: x.type.rank == 2)
    if 0 in s.shape(x):
        raise NotApplicableError
    x = s.tanh(x)
    total = s.dot_general(x, x, lhs_contracting=(0,), rhs_contracting=(0,))
    ones = s.full(1, x.type.dtype, total.type.shape)
    rows, columns = (
        s.iota(dtype="int32", shape=total.type.shape, iota_dimension=axis) for axis in (0, 1)
    )
    identity = s.select(s.compare(rows, columns, direction="EQ"), ones, s.full_like(ones, 0))
    factor = s.cholesky(s.add(total, identity))
    diagonal = s.reduce_sum(s.multiply(factor, identity), axes=(1,))
    return factor if c.chance(2) else s.subtract(factor, over_rows(s, diagonal, factor, (1,)))

"""`lu`: a matrix as a lower and an upper triangular one, with rows exchanged.

The gradient is de Hoog, Anderssen and Lukas, "Differentiation of matrix functionals using
triangular factorization", Mathematics of Computation 80, 2011.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax import lax

from graphc.dtypes import I32
from graphc.ir.builder import Builder
from graphc.ir.op import OpCall, OpSpec, Sample, TracedLowering
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType, tensor_type
from graphc.opset.matrix_factorizations.matrices import (
    Array,
    Cotangents,
    Values,
    adjoint,
    conjugate,
    cubic_cost,
    extended,
    identity,
    keep,
    lapack_samples,
    part,
    product,
    put_back,
    require_matrices,
    smaller_size,
)
from graphc.opset.samples import draw


def _type(call: OpCall) -> Sequence[TensorType]:
    x = require_matrices(call)
    *batch, rows, _ = x.shape
    pivots = tensor_type(I32, (*batch, smaller_size(call)))
    return [x, pivots, tensor_type(I32, (*batch, rows))]


def _lower(call: OpCall, x: Any) -> Any:
    return lax.linalg.lu(x)


def _size(x: Array) -> Array:
    """What LAPACK takes for the size of a number when it looks for the largest."""
    return np.abs(x.real) + np.abs(x.imag) if x.dtype.kind == "c" else np.abs(x)


def _reference(call: OpCall, x: Array) -> list[Array]:
    """Gaussian elimination; each step exchanges a row for the one with the largest first number."""
    rows, columns = x.shape[-2:]
    steps = min(rows, columns)
    factors = x.copy()
    pivots = np.zeros((*x.shape[:-2], steps), np.int32)
    permutation = np.broadcast_to(np.arange(rows, dtype=np.int32), x.shape[:-1]).copy()
    for place in np.ndindex(x.shape[:-2]):
        a, order = factors[place], permutation[place]
        for step in range(steps):
            chosen = step + int(np.argmax(_size(a[step:, step])))
            pivots[(*place, step)] = chosen
            a[[step, chosen]] = a[[chosen, step]]
            order[[step, chosen]] = order[[chosen, step]]
            if a[step, step] != 0:
                a[step + 1 :, step] /= a[step, step]
            a[step + 1 :, step + 1 :] -= np.outer(a[step + 1 :, step], a[step, step + 1 :])
    return [factors, pivots, permutation]


def _gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    factors, permutation = results[0], results[2]
    rows, columns = factors.type.shape[-2:]
    size = smaller_size(call)
    change = conjugate(build, ct[0])
    lower = extended(build, keep(build, part(build, factors, -1, 0, size), "GT"), -1, rows)
    lower = build.add(lower, identity(build, lower.type))
    upper = extended(build, keep(build, part(build, factors, -2, 0, size), "LE"), -2, columns)
    if columns != size:  # below what there is of the upper triangle: an identity
        rest = build.subtract(
            identity(build, upper.type),
            extended(build, part(build, identity(build, upper.type), -2, 0, size), -2, columns),
        )
        upper = build.add(upper, rest)
    below = keep(build, product(build, adjoint(build, lower), change), "GT")
    above = keep(build, product(build, change, adjoint(build, upper)), "LE")
    inner = build.triangular_solve(
        lower,
        build.add(below, above),
        left_side=True,
        lower=True,
        transpose_a="ADJOINT",
        unit_diagonal=True,
    )
    inner = build.triangular_solve(
        upper, inner, left_side=False, lower=False, transpose_a="ADJOINT"
    )
    return (conjugate(build, put_back(build, inner, permutation, -2)),)


def _samples() -> list[Sample]:
    shapes = (
        (3, 3),
        (4, 2),
        (2, 4),
        (2, 2, 3),
        (2, 3, 3),
        (1, 1),
        (0, 0),
        (0, 2),
        (3, 0),
        (0, 2, 2),
    )
    made = [Sample((x,)) for x in lapack_samples(*shapes)]
    singular = np.array([[1, 2], [2, 4]], np.float32)
    return [
        *made,
        Sample((draw(3, 3, dtype="complex64"),)),
        Sample((draw(2, 4, 3, dtype="complex128"),)),
        Sample((draw(3, 4, dtype="complex64"),)),
        Sample((np.zeros((2, 3), np.float32),), differentiable=False),
        Sample((singular,), differentiable=False),
    ]


LU = REGISTRY.register(
    OpSpec(
        name="lu",
        doc="L and U of P A = L U in one matrix (the diagonal of ones of L is left out), the row "
        "that each step was exchanged for, and the rows of A in the order of P A.",
        arity=1,
        infer=_type,
        lower=TracedLowering(_lower),
        gradient=_gradient,
        reference=_reference,
        cost=cubic_cost(1),
        samples=_samples,
    )
)

"""`cholesky`: a positive definite matrix as a triangular one times its adjoint.

Source: StableHLO specification, cholesky; the gradient is Murray, "Differentiation of the Cholesky
decomposition", 2016, https://arxiv.org/abs/1602.07527.
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from jax import lax

from graphc.ir.attributes import TRUTH, Attribute, Schema
from graphc.ir.builder import Builder
from graphc.ir.node import Value
from graphc.ir.op import Cost, OpCall, OpSpec, Sample, TracedLowering
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.matrix_factorizations.matrices import (
    Array,
    Cotangents,
    Values,
    adjoint,
    conjugate,
    cubic_cost,
    identity,
    keep,
    product,
    require_square,
)
from graphc.opset.samples import draw


def _type(call: OpCall) -> TensorType:
    return require_square(call)


def _lower(call: OpCall, x: Any) -> Any:
    lower, symmetrize = call.attributes["lower"], call.attributes["symmetrize_input"]
    if lower:
        return lax.linalg.cholesky(x, symmetrize_input=symmetrize)
    mirrored = lax.conj(x.mT) if np.iscomplexobj(x) else x.mT
    found = lax.linalg.cholesky(mirrored, symmetrize_input=symmetrize).mT
    return lax.conj(found) if np.iscomplexobj(x) else found


def _reference(call: OpCall, x: Array) -> Array:
    triangle = np.tril if call.attributes["lower"] else np.triu
    mirrored = np.swapaxes(x, -1, -2).conj()
    if call.attributes["symmetrize_input"]:
        x = (x + mirrored) / 2
    elif not call.attributes["lower"]:
        x = mirrored  # NumPy reads the lower triangle
    found = np.full(x.shape, np.nan, x.dtype)
    for place in np.ndindex(x.shape[:-2]):
        with contextlib.suppress(np.linalg.LinAlgError):  # not positive definite: NaN
            found[place] = np.linalg.cholesky(x[place])
    found = found if call.attributes["lower"] else np.swapaxes(found, -1, -2).conj()
    return triangle(found)


def _gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    lower = call.attributes["lower"]
    factor = results[0] if lower else adjoint(build, results[0])
    change = conjugate(build, ct[0])
    change = keep(build, change if lower else adjoint(build, change), "GE")
    inner = keep(build, product(build, adjoint(build, factor), change), "GE")
    one = build.full_like(inner, 1)
    inner = build.divide(inner, build.add(one, identity(build, inner.type)))

    def solve(b: Value, left: bool) -> Value:
        transpose = "ADJOINT" if left else "NO_TRANSPOSE"
        return build.triangular_solve(factor, b, left_side=left, lower=True, transpose_a=transpose)

    found = solve(solve(inner, True), False)
    half = build.full_like(found, 0.5)
    found = build.multiply(half, build.add(found, adjoint(build, found)))
    if not call.attributes["symmetrize_input"]:  # an element read stands for its mirror image too
        twice = build.subtract(build.add(found, found), _diagonal(build, found))
        found = keep(build, twice, "GE" if lower else "LE")
    return (conjugate(build, found),)


def _diagonal(build: Builder, x: Value) -> Value:
    return build.multiply(x, identity(build, x.type))


def _cost(call: OpCall) -> Cost:
    whole = cubic_cost(1)(call)
    return Cost(whole.flops // 3, whole.bytes)


def positive_definite(*shape: int, dtype: str = "float32") -> Array:
    """Hermitian matrices with eigenvalues that are far from zero."""
    x = draw(*shape, shape[-1], low=-0.5, high=0.5, dtype=dtype)
    made = (x + np.swapaxes(x, -1, -2).conj()) / 2 + 2 * shape[-1] * np.eye(shape[-1])
    return made.astype(x.dtype)


def _samples() -> list[Sample]:
    def factor(
        x: Array, lower: bool = True, symmetrize: bool = True, differentiable: bool = True
    ) -> Sample:
        return Sample((x,), {"lower": lower, "symmetrize_input": symmetrize}, differentiable)

    indefinite = np.array([[[1, 2], [2, 1]], [[2, 1], [1, 2]]], np.float32)
    return [
        factor(positive_definite(3)),
        factor(positive_definite(3), lower=False),
        factor(positive_definite(3), symmetrize=False),
        factor(positive_definite(3), False, False),
        factor(positive_definite(3) + np.triu(draw(3, 3), 1), symmetrize=False),
        factor(positive_definite(3) + np.tril(draw(3, 3), -1), False, False),
        factor(positive_definite(2, 2, 3)),
        factor(positive_definite(3, dtype="complex64")),
        factor(positive_definite(3, dtype="complex128"), lower=False),
        factor(positive_definite(3, dtype="complex64"), False, False),
        factor(positive_definite(1)),
        factor(positive_definite(0)),
        factor(positive_definite(0, 2)),
        factor(indefinite, differentiable=False),
    ]


CHOLESKY = REGISTRY.register(
    OpSpec(
        name="cholesky",
        doc="The triangular factor: L of L Lᴴ, or U of Uᴴ U where not lower; NaN for a matrix that "
        "is not positive definite. Reads that triangle alone, or the mean of x and xᴴ where "
        "symmetrize_input.",
        arity=1,
        attributes=Schema(lower=Attribute(TRUTH, True), symmetrize_input=Attribute(TRUTH, False)),
        infer=_type,
        lower=TracedLowering(_lower),
        gradient=_gradient,
        reference=_reference,
        cost=_cost,
        samples=_samples,
    )
)

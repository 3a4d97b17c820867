"""`triangular_solve`: systems of equations with a triangular matrix.

Source: StableHLO specification, triangular_solve.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jax import lax

from graphc.ir.attributes import TRUTH, Attribute, Schema, choice
from graphc.ir.builder import Builder
from graphc.ir.op import Cost, OpCall, OpSpec, Sample, TracedLowering
from graphc.ir.registry import REGISTRY
from graphc.ir.types import TensorType
from graphc.opset.matrix_factorizations.matrices import (
    Array,
    Cotangents,
    Values,
    conjugate,
    keep,
    product,
    require_matrices,
    require_square,
    transposed,
)
from graphc.opset.samples import draw
from graphc.opset.type_rules import require_rank, require_same_dtype


def _type(call: OpCall) -> TensorType:
    a = require_square(call)
    require_matrices(call, 1)
    require_same_dtype(call)
    b = require_rank(call, 1, a.rank)
    common = b.rank - (2 if call.attributes["left_side"] else 1)
    for axis in range(a.rank - 2):
        call.require_equal(a.shape[axis], b.shape[axis], f"the sizes of axis {axis}")
    what = f"the sizes of the matrices and of axis {common} of operand 1"
    call.require_equal(a.shape[-1], b.shape[common], what)
    return b


def _lower(call: OpCall, a: Any, b: Any) -> Any:
    attributes = call.attributes
    return lax.linalg.triangular_solve(
        a,
        b,
        left_side=attributes["left_side"],
        lower=attributes["lower"],
        transpose_a=attributes["transpose_a"] != "NO_TRANSPOSE",
        conjugate_a=attributes["transpose_a"] == "ADJOINT",
        unit_diagonal=attributes["unit_diagonal"],
    )


def _reference(call: OpCall, a: Array, b: Array) -> Array:
    """Substitution, one unknown after the other."""
    attributes = call.attributes
    transpose: str = attributes["transpose_a"]
    lower: bool = attributes["lower"]
    if transpose != "NO_TRANSPOSE":
        a, lower = np.swapaxes(a, -1, -2), not lower
        a = a.conj() if transpose == "ADJOINT" else a
    if not attributes["left_side"]:  # X A = B is Aᵀ Xᵀ = Bᵀ
        a, b, lower = np.swapaxes(a, -1, -2), np.swapaxes(b, -1, -2), not lower
    x = np.zeros(b.shape, b.dtype)
    size = a.shape[-1]
    for i in range(size) if lower else reversed(range(size)):
        known = slice(0, i) if lower else slice(i + 1, size)
        rest = b[..., i, :] - (a[..., i : i + 1, known] @ x[..., known, :])[..., 0, :]
        x[..., i, :] = rest if attributes["unit_diagonal"] else rest / a[..., i, i, None]
    return x if attributes["left_side"] else np.swapaxes(x, -1, -2)


def _gradient(
    build: Builder, call: OpCall, operands: Values, results: Values, ct: Values
) -> Cotangents:
    a, x = operands[0], results[0]
    attributes = dict(call.attributes)
    transpose, left, lower = (attributes[n] for n in ("transpose_a", "left_side", "lower"))
    opposite = {"NO_TRANSPOSE": "TRANSPOSE"}.get(transpose, "NO_TRANSPOSE")
    matrix = conjugate(build, a) if transpose == "ADJOINT" else a
    b_ct = build.triangular_solve(matrix, ct[0], **{**attributes, "transpose_a": opposite})
    if not call.wants(0):
        return (None, b_ct)
    # Of op(A) X = B: op(A) changes B by op(dA) X.
    x_t = transposed(build, x)
    change = product(build, b_ct, x_t) if left else product(build, x_t, b_ct)
    if transpose != "NO_TRANSPOSE":
        change = transposed(build, change)
    if transpose == "ADJOINT":
        change = conjugate(build, change)
    strictly = attributes["unit_diagonal"]
    direction = ("GT" if strictly else "GE") if lower else ("LT" if strictly else "LE")
    return (build.negate(keep(build, change, direction)), b_ct)


def _cost(call: OpCall) -> Cost:
    a, b = call.types
    return Cost(b.size * a.shape[-1], a.byte_size + 2 * b.byte_size)


def _samples() -> list[Sample]:
    def solve(
        *shape: int, columns: int = 2, left: bool = True, lower: bool = True,
        transpose: str = "NO_TRANSPOSE", unit: bool = False, dtype: str = "float32",
    ) -> Sample:  # fmt: skip
        *batch, size = shape
        a = draw(*batch, size, size, dtype=dtype, low=-0.5, high=0.5)
        a = a + 1.5 * np.eye(size, dtype=a.dtype)
        b = draw(*batch, *((size, columns) if left else (columns, size)), dtype=dtype)
        attributes = {
            "left_side": left, "lower": lower, "transpose_a": transpose, "unit_diagonal": unit,
        }  # fmt: skip
        return Sample((a, b), attributes)

    ways = ("NO_TRANSPOSE", "TRANSPOSE", "ADJOINT")
    return [
        *[
            solve(3, left=left, lower=lower, transpose=transpose)
            for left in (True, False)
            for lower in (True, False)
            for transpose in ways
        ],
        *[
            solve(3, left=left, transpose=transpose, dtype="complex64")
            for left in (True, False)
            for transpose in ways
        ],
        solve(3, unit=True),
        solve(3, unit=True, left=False, lower=False, transpose="TRANSPOSE"),
        solve(2, 3, columns=4, lower=False),
        solve(2, 1, 2, left=False),
        solve(1, columns=1),
        solve(0),
        solve(3, columns=0),
        solve(0, 2),
        solve(2, dtype="complex128", lower=False, transpose="ADJOINT"),
    ]


TRIANGULAR_SOLVE = REGISTRY.register(
    OpSpec(
        name="triangular_solve",
        doc="The X of op(A) X = B, or of X op(A) = B, for triangular matrices A; their other "
        "triangle is not read.",
        arity=2,
        attributes=Schema(
            left_side=TRUTH,
            lower=TRUTH,
            transpose_a=Attribute(choice("NO_TRANSPOSE", "TRANSPOSE", "ADJOINT"), "NO_TRANSPOSE"),
            unit_diagonal=Attribute(TRUTH, False),
        ),
        infer=_type,
        lower=TracedLowering(_lower),
        gradient=_gradient,
        reference=_reference,
        cost=_cost,
        samples=_samples,
    )
)

"""Factorizations of matrices, and what is solved with them.

Matrices are the last two axes; all axes before are batches. The results are LAPACK's, as JAX's are,
in signs and phases too where the mathematics leaves them open. Gradients are JAX's formulas, made
of ops; where a factorization is not differentiable (equal eigenvalues, a rank that is not full)
they divide by zero as JAX's do.
"""

from graphc.opset.matrix_factorizations import (
    cholesky,
    eigenvalues,
    linear_systems,
    lu,
    qr,
    singular_values,
    triangular_solve,
)

__all__ = [
    "cholesky",
    "eigenvalues",
    "linear_systems",
    "lu",
    "qr",
    "singular_values",
    "triangular_solve",
]

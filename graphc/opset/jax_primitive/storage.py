"""Which JAX primitives a file may name: text of a file is data, and must not become code."""

from __future__ import annotations

from typing import Final

from graphc.errors import ModelFileError
from graphc.ir.graph import Graph

# Functions of arrays, with plain parameters, that compute and do nothing else.
_LISTED: Final = """
abs acos acosh add and approx_top_k argmax argmin asin asinh atan atan2 atanh bessel_i0e bessel_i1e
bitcast_convert_type broadcast_in_dim cbrt ceil cholesky clamp clz complex concatenate conj
conv_general_dilated convert_element_type copy cos cosh cumlogsumexp cummax cummin cumprod cumsum
digamma div dot_general dynamic_slice dynamic_update_slice eig eigh eq erf erf_inv erfc exp exp2
expm1 fft floor gather ge gt hessenberg householder_product igamma igamma_grad_a igammac imag
integer_pow iota is_finite le lgamma log log1p logistic lt lu max min mul ne neg nextafter not
optimization_barrier or pad polygamma population_count pow qr real reduce_and reduce_max reduce_min
reduce_or reduce_precision reduce_prod reduce_sum reduce_window_max reduce_window_min
reduce_window_sum reduce_xor regularized_incomplete_beta rem reshape rev rng_bit_generator round
rsqrt schur select_and_gather_add select_n shift_left shift_right_arithmetic shift_right_logical
sign sin sinh slice sort split sqrt square squeeze sub svd tan tanh threefry2x32 top_k transpose
triangular_solve tridiagonal tridiagonal_solve xor zeta
"""
STORABLE: Final = frozenset(_LISTED.split())


def require_storable(graph: Graph) -> None:
    """Check that a file may hold a graph: listed primitives only, with plain parameters only.

    Raises:
        ModelFileError: names the primitive and the user's line.
    """
    for node in graph.walk():
        if node.op.name not in ("jax_primitive", "jax_vjp"):
            continue
        name, parameters = node.attributes["primitive"], node.attributes["parameters"]
        if name not in STORABLE:
            raise ModelFileError(
                f"a file may not name the JAX primitive {name!r}",
                expected="a primitive that graphc.opset.jax_primitive.storage lists",
                origin=node.origin,
            )
        if not parameters.is_plain:
            raise ModelFileError(
                f"the JAX primitive {name!r} has parameters that are not plain data",
                given=parameters.text,
                expected="numbers, strings, element types, and tuples of them",
                origin=node.origin,
            )

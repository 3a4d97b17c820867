"""Gradients kept small before a step: by their own norm, by the norm of all, or by value.

Formulas are Keras's: a norm of 0 divides nothing, and a norm that is not finite makes every
gradient NaN under the global norm, so that a broken step shows.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphc.ops.arithmetic import add, multiply, square, subtract, true_divide
from graphc.ops.comparison import greater, maximum, minimum, where
from graphc.ops.exponential import sqrt
from graphc.ops.joining import stack
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.tensor import Tensor


def clip_by_norm(gradient: Tensor, limit: float) -> Tensor:
    """The gradient, made shorter where its Euclidean norm exceeds `limit`."""
    total = reduce_sum(square(gradient))
    is_positive = greater(total, 0)
    norm = where(is_positive, sqrt(where(is_positive, total, 1)), total)
    return true_divide(multiply(gradient, limit), maximum(norm, limit))


def clip_by_global_norm(gradients: Sequence[Tensor], limit: float) -> list[Tensor]:
    """Gradients, all made shorter by one factor where their common norm exceeds `limit`."""
    norm = sqrt(reduce_sum(stack([reduce_sum(square(gradient)) for gradient in gradients])))
    finite_scale = multiply(limit, minimum(true_divide(1.0, norm), 1.0 / limit))
    scale = add(finite_scale, subtract(norm, norm))
    return [multiply(gradient, scale) for gradient in gradients]

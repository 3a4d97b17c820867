"""How far vectors are from each other, and how far variables depend on each other."""

from __future__ import annotations

from typing import Any

from graphc.dimensions import equal
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import absolute, divide, square, subtract
from graphc.ops.comparison import clip, where
from graphc.ops.comparison import equal as equal_numbers
from graphc.ops.complex_numbers import complex as complex_of
from graphc.ops.complex_numbers import conjugate, imag, real
from graphc.ops.conversion import inexact, promoted
from graphc.ops.exponential import sqrt
from graphc.ops.linear_algebra import contract
from graphc.ops.reductions import mean
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import expand_dims
from graphc.ops.tensor import Tensor


def cdist(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The Euclidean distance of every vector of x from every vector of y.

    It is summed from differences, so near vectors keep their digits. The gradient of a distance of
    0 is 0.

    Args:
        x: f[…, m, d].
        y: f[…, n, d]; the leading axes are broadcast.
        name: of the result.

    Returns:
        f[…, m, n].

    Raises:
        ShapeError: an operand has less than two axes, or their last sizes differ.
    """
    left, right = promoted((x, y))
    left, right = inexact(left), inexact(right)
    if min(left.ndim, right.ndim) < 2 or equal(left.shape[-1], right.shape[-1]) is False:
        raise ShapeError(
            "cdist() takes rows of vectors of one size",
            given=f"{left.value.type} and {right.value.type}",
            expected="(…, m, d) and (…, n, d)",
            origin=capture_origin(),
        )
    differences = subtract(expand_dims(left, -2), expand_dims(right, -3))
    squares = reduce_sum(square(absolute(differences)), -1)
    same = equal_numbers(squares, 0.0)
    return where(same, 0.0, sqrt(where(same, 1.0, squares)), name=name or "cdist")


def corrcoef(x: Any, name: str | None = None) -> Tensor:
    """Pearson's correlation coefficients of variables.

    Args:
        x: numbers [variables, observations]; integers are cast to the default float. A vector is
            one variable.
        name: of the result.

    Returns:
        [variables, variables], between -1 and 1, a scalar for a vector; NaN for a variable that
        does not vary.

    Raises:
        ShapeError: x has neither one axis nor two.
    """
    tensor = inexact(x)
    if tensor.ndim not in (1, 2):
        raise ShapeError(
            "corrcoef() takes one row of observations for each variable",
            given=tensor.value.type,
            expected="two axes, or one",
            origin=capture_origin(),
        )
    centered = subtract(tensor, mean(tensor, -1, keepdims=True))
    lengths = sqrt(reduce_sum(square(absolute(centered)), -1, keepdims=True))
    unit = divide(centered, lengths)  # before the product, which could overflow
    last = [tensor.ndim - 1]
    found = contract(unit, conjugate(unit), (last, last))
    label = name or "corrcoef"
    if found.dtype.is_complex:
        return complex_of(clip(real(found), -1.0, 1.0), clip(imag(found), -1.0, 1.0), name=label)
    return clip(found, -1.0, 1.0, label)

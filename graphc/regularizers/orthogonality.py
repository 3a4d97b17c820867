"""A penalty on rows or columns of a matrix that point in like directions."""

from __future__ import annotations

from typing import Any, Literal

from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import absolute, divide, multiply, subtract
from graphc.ops.comparison import maximum, where
from graphc.ops.conversion import inexact
from graphc.ops.linear_algebra import matmul
from graphc.ops.matrices import eye
from graphc.ops.normalization import normalize
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import transpose
from graphc.ops.sizes import element_count
from graphc.ops.tensor import Tensor
from graphc.regularizers.regularizer import Regularizer, checked_factor


class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean of |cos| of the angles between all pairs of rows, or of columns.

    Args:
        factor: at least 0.
        mode: "rows" or "columns".

    Raises:
        GraphcError: an argument is none of these.
        ShapeError: what is penalized is no matrix.
    """

    def __init__(self, factor: float = 0.01, mode: Literal["rows", "columns"] = "rows") -> None:
        self.factor = checked_factor(factor, "factor")
        if mode not in ("rows", "columns"):
            raise GraphcError(
                f"there is no mode {mode!r} of an orthogonal regularizer",
                expected='"rows" or "columns"',
                origin=capture_origin(),
            )
        self.mode = mode

    def __call__(self, x: Any) -> Tensor:
        matrix = inexact(x)
        if matrix.ndim != 2:
            raise ShapeError(
                "only the rows or columns of a matrix can be orthogonal",
                given=matrix.value.type,
                expected="two axes",
                fix="reshape it in a function of your own that calls this regularizer",
                origin=capture_origin(),
            )
        rows = normalize(matrix if self.mode == "rows" else transpose(matrix), axis=1)
        cosines = matmul(rows, transpose(rows))
        others = where(eye(rows.shape[0], dtype="bool"), 0.0, absolute(cosines))
        count = element_count(rows, (0,), rows.dtype)
        # of one row there are no pairs, and no penalty
        pairs = maximum(multiply(count, subtract(count, 1)), 1)
        return multiply(divide(reduce_sum(others), pairs), self.factor, "orthogonal")

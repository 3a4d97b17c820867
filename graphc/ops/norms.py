"""Norms of vectors and matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import absolute, power, square
from graphc.ops.comparison import not_equal
from graphc.ops.conversion import cast_to, inexact
from graphc.ops.exponential import sqrt
from graphc.ops.factorizations import svd
from graphc.ops.reductions import Axis
from graphc.ops.reductions import max as reduce_max
from graphc.ops.reductions import min as reduce_min
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.shaping import expand_dims, moveaxis
from graphc.ops.sizes import as_axes
from graphc.ops.tensor import Tensor


def norm(
    x: Any,
    ord: Any = None,
    axis: Axis = None,
    keepdims: bool = False,
    name: str | None = None,
) -> Tensor:
    """The norm of vectors or matrices, a float.

    Args:
        x: numbers.
        ord: of vectors: 2 by default, any number, inf, -inf or 0 (how many are not 0); of matrices
            "fro" by default, "nuc" (the sum of the singular values), 2 or -2 (the largest, the
            smallest), 1, -1, inf or -inf (sums of columns or rows).
        axis: one axis for vectors, two for matrices; None takes all elements as one vector where
            `ord` is None, and else the axes of x.
        keepdims: whether to keep axes of size 1.
        name: of the result.

    Raises:
        ShapeError: there are neither one axis nor two.
        GraphcError: there is no such norm here.
    """
    tensor = inexact(x)
    axes = as_axes(axis, tensor)
    label = name or "norm"
    sizes = absolute(tensor)
    if ord is None or (ord == "fro" and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        return sqrt(reduce_sum(square(sizes), axes, keepdims), label)
    if len(axes) == 1:
        return _vector_norm(sizes, ord, axes, keepdims, label)
    if len(axes) != 2:
        raise ShapeError(
            "a norm is of vectors or of matrices",
            given=f"{tensor.value.type}, axes {axes}",
            expected="one axis or two",
            origin=capture_origin(),
        )
    if ord in ("nuc", 2, -2):
        return _spectral_norm(tensor, ord, axes, keepdims, label)
    if ord not in (1, -1, math.inf, -math.inf):
        raise GraphcError(
            f"there is no norm {ord!r} of matrices here",
            expected='"fro", "nuc", 1, -1, 2, -2, inf or -inf',
            origin=capture_origin(),
        )
    summed, chosen = axes if abs(ord) == 1 else axes[::-1]
    totals = reduce_sum(sizes, summed, keepdims=True)
    choose = reduce_max if ord > 0 else reduce_min
    if keepdims:
        return choose(totals, chosen, True, name=label)
    return choose(totals, (summed, chosen), name=label)


def _spectral_norm(
    tensor: Tensor, ord: Any, axes: Sequence[int], keepdims: bool, name: str
) -> Tensor:
    values = svd(moveaxis(tensor, axes, (-2, -1)), compute_uv=False)
    if ord == "nuc":
        found = reduce_sum(values, -1, name=name)
    else:
        found = (reduce_max if ord > 0 else reduce_min)(values, -1, name=name)
    return expand_dims(found, sorted(axes), name) if keepdims else found


def _vector_norm(
    sizes: Tensor,
    ord: Any,
    axes: Sequence[int],
    keepdims: bool,
    name: str,
) -> Tensor:
    if ord in (math.inf, -math.inf):
        return (reduce_max if ord > 0 else reduce_min)(sizes, axes, keepdims, name=name)
    if ord == 0:
        counted = cast_to(not_equal(sizes, 0), sizes.dtype)
        return reduce_sum(counted, axes, keepdims, name)
    if isinstance(ord, bool) or not isinstance(ord, (int, float)):
        raise GraphcError(
            f"there is no norm {ord!r} of vectors",
            expected="a number",
            origin=capture_origin(),
        )
    if ord == 1:
        return reduce_sum(sizes, axes, keepdims, name)
    return power(reduce_sum(power(sizes, ord), axes, keepdims), 1.0 / ord, name)

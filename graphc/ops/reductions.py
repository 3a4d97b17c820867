"""Sums, means, extrema and their like along axes.

`axis` is an integer, a sequence of integers, or None for all axes; `keepdims` leaves axes of size 1
in place of those that are reduced. Sizes may be known only when fed: a mean divides by
`dimension_size`. Floats of 16 bits are averaged in float32, as Keras does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from graphc.dimensions import Dimension
from graphc.dtypes import BF16, BOOL, F16, F32, I8, I16, I32, U8, U16, U32, DType, as_dtype
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import absolute, divide, multiply, square, subtract
from graphc.ops.broadcasting import apply, broadcast_to
from graphc.ops.comparison import isclose, maximum, minimum, not_equal, truth_of
from graphc.ops.conversion import cast_to, graph_of, inexact, promoted, to_tensor
from graphc.ops.exponential import sqrt
from graphc.ops.identities import named
from graphc.ops.shaping import ravel, reshape
from graphc.ops.sizes import as_axes, as_axis, element_count
from graphc.ops.tensor import Tensor

Axis = int | Sequence[int] | None

_SUMMED: Final[dict[DType, DType]] = {BOOL: I32, I8: I32, I16: I32, U8: U32, U16: U32}
_HALVES: Final = frozenset({F16, BF16})


def _tensor(x: Any) -> Tensor:
    return to_tensor(x, None, graph_of((x,)))


def _reduced(
    op_name: str, tensor: Tensor, axis: Axis, keepdims: bool, name: str | None, default: str
) -> Tensor:
    """A reduction that gives the element type of its operand."""
    axes = as_axes(axis, tensor)
    if not axes:
        return named(tensor, name)
    label = name or default
    reduced = apply(op_name, tensor, axes=axes, name=None if keepdims else label)
    return _kept(reduced, tensor, axes, label) if keepdims else reduced


def _kept(reduced: Tensor, tensor: Tensor, axes: Sequence[int], name: str | None) -> Tensor:
    """What was reduced, with axes of size 1 in place of those that went."""
    sizes = [1 if axis in axes else size for axis, size in enumerate(tensor.shape)]
    return apply("reshape", reduced, shape=sizes, name=name)


# -- sums and products -----------------------------------------------------------------------------


def sum(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The sum along axes; of truth values and narrow integers in 32 bits.

    Args:
        x: numbers, f[…] or integers.
        axis: along which; None for all.
        keepdims: whether to keep axes of size 1.
        name: of the result.

    Returns:
        A tensor without the axes, of the element type of x (int32 or uint32 for narrower ones).

    Raises:
        ShapeError: an axis does not exist.
    """
    tensor = _tensor(x)
    tensor = cast_to(tensor, _SUMMED.get(tensor.dtype, tensor.dtype))
    return _reduced("reduce_sum", tensor, axis, keepdims, name, "sum")


def prod(
    x: Any,
    axis: Axis = None,
    keepdims: bool = False,
    dtype: Any = None,
    name: str | None = None,
) -> Tensor:
    """The product along axes; element types as for `sum`, or `dtype`."""
    tensor = _tensor(x)
    wanted = _SUMMED.get(tensor.dtype, tensor.dtype) if dtype is None else as_dtype(dtype)
    return _reduced("reduce_product", cast_to(tensor, wanted), axis, keepdims, name, "prod")


def count_nonzero(x: Any, axis: Axis = None, name: str | None = None) -> Tensor:
    """How many elements are not 0: i32."""
    return sum(not_equal(_tensor(x), 0), axis, name=name or "count_nonzero")


# -- means -----------------------------------------------------------------------------------------


def _averaged(
    tensor: Tensor, dtype: DType, axis: Axis, keepdims: bool, name: str | None, default: str
) -> Tensor:
    """The mean of floats or complex numbers, given as `dtype`."""
    axes = as_axes(axis, tensor)
    if not axes:
        return named(cast_to(tensor, dtype), name)
    total = _reduced("reduce_sum", tensor, axes, keepdims, None, "sum")
    label = name or default
    is_cast = tensor.dtype is not dtype
    quotient = divide(total, element_count(tensor, axes, tensor.dtype), None if is_cast else label)
    return cast_to(quotient, dtype, label)


def _wide(x: Any) -> tuple[Tensor, DType]:
    """What to compute means in, and the element type of the result."""
    tensor = inexact(x)
    wide = cast_to(tensor, F32) if tensor.dtype in _HALVES else tensor
    return wide, tensor.dtype


def mean(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The mean along axes: of x's type, the default float for integers; NaN of no elements.

    Args:
        x: f[…] or complex numbers; integers are cast to the default float.
        axis: along which; None for all.
        keepdims: whether to keep axes of size 1.
        name: of the result.

    Raises:
        ShapeError: an axis does not exist.
    """
    tensor, dtype = _wide(x)
    return _averaged(tensor, dtype, axis, keepdims, name, "mean")


def average(x: Any, axis: Axis = None, weights: Any = None, name: str | None = None) -> Tensor:
    """The mean along axes, weighted.

    Args:
        x: numbers.
        axis: along which; None for all.
        weights: of the shape of x, or one per element of the one axis; all equal for None.
        name: of the result.

    Raises:
        ShapeError: the weights have another shape.
    """
    if weights is None:
        return mean(x, axis, name=name or "average")
    graph = graph_of((x, weights))
    tensor, heavy = promoted(
        (inexact(to_tensor(x, None, graph)), inexact(to_tensor(weights, None, graph)))
    )
    if heavy.ndim != tensor.ndim:
        axes = as_axes(axis, tensor)
        if len(axes) != 1 or heavy.ndim != 1:
            raise ShapeError(
                "weights have the shape of x, or are one per element of the axis",
                given=f"weights {heavy.value.type}, x {tensor.value.type}, axis {axis!r}",
                origin=capture_origin(),
            )
        sizes: list[Dimension] = [1] * tensor.ndim
        sizes[axes[0]] = heavy.shape[0]
        heavy = broadcast_to(reshape(heavy, sizes), tensor.shape)
    return divide(sum(multiply(tensor, heavy), axis), sum(heavy, axis), name or "average")


def _variance(x: Any, axis: Axis, keepdims: bool, name: str | None) -> tuple[Tensor, DType]:
    """The variance in the type that it is computed in, and the element type of the result."""
    tensor, dtype = _wide(x)
    center = _averaged(tensor, tensor.dtype, axis, True, None, "mean")
    distances = subtract(tensor, center)
    if tensor.dtype.is_complex:
        distances = absolute(distances)
        dtype = distances.dtype
    label = name if distances.dtype is dtype else None
    squares = square(distances)
    return _averaged(squares, squares.dtype, axis, keepdims, label, "var"), dtype


def var(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The variance along axes: the mean of the squared distances from the mean, a float."""
    variance, dtype = _variance(x, axis, keepdims, name)
    return cast_to(variance, dtype, name or "var")


def std(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The standard deviation along axes: the root of the variance, a float."""
    variance, dtype = _variance(x, axis, keepdims, None)
    label = name or "std"
    root = sqrt(variance, label if variance.dtype is dtype else None)
    return cast_to(root, dtype, label)


# -- extrema ---------------------------------------------------------------------------------------


def _extremum(
    which: str, x: Any, axis: Axis, keepdims: bool, initial: Any, name: str | None
) -> Tensor:
    tensor = _tensor(x)
    axes = as_axes(axis, tensor)
    if initial is None and 0 in [tensor.shape[each] for each in axes]:
        raise ShapeError(
            f"there is no {which} of no elements",
            given=f"{tensor.value.type}, axes {axes}",
            fix="say initial=, what the result is then",
            origin=capture_origin(),
        )
    if initial is None:
        return _reduced(f"reduce_{which}", tensor, axes, keepdims, name, which)
    found = _reduced(f"reduce_{which}", tensor, axes, keepdims, None, which)
    return (maximum if which == "max" else minimum)(found, initial, name or which)


def max(
    x: Any,
    axis: Axis = None,
    keepdims: bool = False,
    initial: Any = None,
    name: str | None = None,
) -> Tensor:
    """The maximum along axes; NaN where there is one.

    Args:
        x: numbers with an order, or truth values.
        axis: along which; None for all.
        keepdims: whether to keep axes of size 1.
        initial: a number that takes part in every maximum.
        name: of the result.

    Raises:
        ShapeError: an axis does not exist, or has no elements and there is no `initial`.
    """
    return _extremum("max", x, axis, keepdims, initial, name)


def min(
    x: Any,
    axis: Axis = None,
    keepdims: bool = False,
    initial: Any = None,
    name: str | None = None,
) -> Tensor:
    """The minimum along axes; see `max`."""
    return _extremum("min", x, axis, keepdims, initial, name)


def amax(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The maximum along axes; see `max`."""
    return max(x, axis, keepdims, name=name or "amax")


def amin(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The minimum along axes; see `max`."""
    return min(x, axis, keepdims, name=name or "amin")


def ptp(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """The distance from the minimum to the maximum along axes."""
    tensor = _tensor(x)
    return subtract(max(tensor, axis, keepdims), min(tensor, axis, keepdims), name or "ptp")


def argmax(
    x: Any, axis: int | None = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The first position of the maximum along an axis, i32; among all elements for None.

    Raises:
        ShapeError: the axis does not exist, or has no elements.
    """
    return _position("argmax", x, axis, keepdims, name)


def argmin(
    x: Any, axis: int | None = None, keepdims: bool = False, name: str | None = None
) -> Tensor:
    """The first position of the minimum along an axis, i32; see `argmax`."""
    return _position("argmin", x, axis, keepdims, name)


def _position(op_name: str, x: Any, axis: int | None, keepdims: bool, name: str | None) -> Tensor:
    tensor = _tensor(x)
    flat, along = (tensor, axis) if axis is not None else (ravel(tensor), 0)
    along = as_axis(along, flat.ndim, flat)
    label = name or op_name
    found = apply(op_name, flat, axis=along, name=None if keepdims else label)
    if not keepdims:
        return found
    return _kept(found, tensor, range(tensor.ndim) if axis is None else [along], label)


# -- logic -----------------------------------------------------------------------------------------


def all(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Whether all elements along axes are true (not 0): bool."""
    return _reduced("reduce_and", truth_of(x), axis, keepdims, name, "all")


def any(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """Whether any element along axes is true (not 0): bool."""
    return _reduced("reduce_or", truth_of(x), axis, keepdims, name, "any")


def allclose(
    x1: Any,
    x2: Any,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    equal_nan: bool = False,
    name: str | None = None,
) -> Tensor:
    """Whether all elements of x1 and x2 are close: bool[]; see `isclose`."""
    return all(isclose(x1, x2, rtol, atol, equal_nan), name=name or "allclose")


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False, name: str | None = None) -> Tensor:
    """log(sum(exp(x))) along axes, without overflow."""
    return _reduced("log_sum_exp", inexact(x), axis, keepdims, name, "logsumexp")

"""Floats and their bits: signs, exponents, neighbours, and numbers read as another type."""

from __future__ import annotations

from typing import Any

import ml_dtypes

from graphc.dtypes import BOOL, F16, I16, I32, I64, U8, DType, as_dtype, real_dtype
from graphc.errors import DTypeError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import add, multiply, subtract
from graphc.ops.broadcasting import aligned, apply, broadcast_shapes, broadcast_to
from graphc.ops.comparison import clip, left_shift, less, not_equal
from graphc.ops.complex_numbers import complex as complex_of
from graphc.ops.complex_numbers import imag, real
from graphc.ops.conversion import cast_to, graph_of, inexact, to_tensor
from graphc.ops.filling import filled_like
from graphc.ops.identities import named
from graphc.ops.indexing import getitem
from graphc.ops.joining import stack
from graphc.ops.shaping import reshape
from graphc.ops.tensor import Tensor

_INTEGERS = {2: I16, 4: I32, 8: I64}  # as wide as a float


def _real_float(tensor: Tensor, what: str) -> Tensor:
    if tensor.dtype.is_complex:
        raise DTypeError(
            f"{what}() takes real numbers",
            given=tensor.value.type,
            expected="floats or integers",
            fix="use it on ops.real and ops.imag",
            origin=capture_origin(),
        )
    return inexact(tensor)


def signbit(x: Any, name: str | None = None) -> Tensor:
    """Whether the sign is negative, that of -0.0 and of a NaN too: bool.

    Raises:
        DTypeError: complex numbers.
    """
    tensor = to_tensor(x, None, graph_of((x,)))
    name = name or "signbit"
    if tensor.dtype.kind in ("bool", "unsigned"):
        return cast_to(filled_like(tensor, 0), BOOL, name)
    if tensor.dtype.is_integer:
        return less(tensor, 0, name)
    tensor = _real_float(tensor, "signbit")
    if tensor.dtype.itemsize not in _INTEGERS:
        tensor = cast_to(tensor, F16)
    return less(apply("bitcast_convert", tensor, dtype=_INTEGERS[tensor.dtype.itemsize]), 0, name)


def nextafter(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """The float next to x1, of those that the type holds, on the way to x2.

    Raises:
        DTypeError: complex numbers.
    """
    left, right = (_real_float(tensor, "nextafter") for tensor in aligned((x1, x2)))
    return apply("next_after", left, right, name=name or "nextafter")


def ldexp(x1: Any, x2: Any, name: str | None = None) -> Tensor:
    """x1 times 2 to the power x2, exact but for overflow and what is below the normal numbers.

    Args:
        x1: floats; integers are cast to the default float.
        x2: integers.
        name: of the result.

    Raises:
        DTypeError: complex numbers, or exponents that are no integers.
    """
    graph = graph_of((x1, x2))
    base = _real_float(to_tensor(x1, None, graph), "ldexp")
    exponent = to_tensor(x2, None, graph)
    if not exponent.dtype.is_integer:
        raise DTypeError(
            "ldexp() takes whole exponents",
            given=exponent.value.type,
            expected="integers",
            fix="cast them with ops.cast, or multiply by ops.exp2(x2)",
            origin=capture_origin(),
        )
    shape = broadcast_shapes(base.shape, exponent.shape)
    base, exponent = broadcast_to(base, shape), broadcast_to(exponent, shape)
    # in four steps of one sign, so that no step overflows or vanishes before the result does
    limits: Any = ml_dtypes.finfo(base.dtype.numpy)
    whole = _INTEGERS[base.dtype.itemsize]
    farthest = 4 * (int(limits.maxexp) - 5)
    if exponent.dtype.itemsize < I32.itemsize:
        exponent = cast_to(exponent, I32)
    low = 0 if exponent.dtype.kind == "unsigned" else -farthest
    exponent = cast_to(clip(exponent, low, farthest), whole)
    quarter = apply("divide", exponent, filled_like(exponent, 4))
    rest = subtract(exponent, multiply(quarter, 3))
    step = _power_of_two(quarter, base.dtype)
    found = multiply(base, _power_of_two(rest, base.dtype))
    return multiply(multiply(multiply(found, step), step), step, name or "ldexp")


def _power_of_two(exponent: Tensor, dtype: DType) -> Tensor:
    """2 to a whole power that the type holds, from its bits."""
    limits: Any = ml_dtypes.finfo(dtype.numpy)
    biased = add(exponent, int(limits.maxexp) - 1)
    return apply("bitcast_convert", left_shift(biased, int(limits.nmant)), dtype=dtype)


def view(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """The same bits read as another element type, as `numpy.ndarray.view` reads them.

    Args:
        x: numbers, in C order.
        dtype: what to read them as; None for the type that they have.
        name: of the result.

    Returns:
        A tensor of the shape of x where both types are as wide; else the last axis is as many times
        longer or shorter as one type is wider than the other.

    Raises:
        DTypeError: strings.
        ShapeError: x has no axes to grow or shrink, or a size that does not divide.
    """
    tensor = to_tensor(x, None, graph_of((x,)))
    target = tensor.dtype if dtype is None else as_dtype(dtype)
    if tensor.dtype.is_host or target.is_host:
        raise DTypeError(
            "strings have no bits to view",
            given=f"{tensor.value.type} as {target}",
            origin=capture_origin(),
        )
    if target is tensor.dtype:
        return named(tensor, name)
    if tensor.dtype is BOOL:
        tensor = cast_to(tensor, U8)
    if tensor.dtype.is_complex:
        tensor = _merged(stack([real(tensor), imag(tensor)], -1))
    name = name or "view"
    if target is BOOL:
        return not_equal(_bits(tensor, U8), 0, name)
    if target.is_complex:
        pairs = _paired(_bits(tensor, real_dtype(target)), 2)
        return complex_of(getitem(pairs, (..., 0)), getitem(pairs, (..., 1)), name)
    return _bits(tensor, target, name)


def _bits(tensor: Tensor, target: DType, name: str | None = None) -> Tensor:
    """`view` between integers and floats."""
    if tensor.dtype is target:
        return named(tensor, name)
    if target.itemsize > tensor.dtype.itemsize:
        tensor = _paired(tensor, target.itemsize // tensor.dtype.itemsize)
        return apply("bitcast_convert", tensor, dtype=target, name=name)
    if target.itemsize == tensor.dtype.itemsize:
        return apply("bitcast_convert", tensor, dtype=target, name=name)
    if not tensor.ndim:
        raise _no_axis(tensor, target)
    return _merged(apply("bitcast_convert", tensor, dtype=target), name)


def _no_axis(tensor: Tensor, target: object) -> ShapeError:
    return ShapeError(
        "a view as a type of another width changes the last axis",
        given=f"{tensor.value.type} as {target}",
        expected="at least one axis",
        fix="reshape it to [1] first",
        origin=capture_origin(),
    )


def _merged(tensor: Tensor, name: str | None = None) -> Tensor:
    """The last two axes as one."""
    *outer, size, parts = tensor.shape
    return named(reshape(tensor, (*outer, size * parts)), name)


def _paired(tensor: Tensor, parts: int) -> Tensor:
    """The last axis in groups, along a new one."""
    if not tensor.ndim:
        raise _no_axis(tensor, f"a type that is {parts} times as wide")
    *outer, size = tensor.shape
    if isinstance(size, int) and size % parts:
        raise ShapeError(
            f"{size} elements along the last axis do not make groups of {parts}",
            given=tensor.value.type,
            expected=f"a multiple of {parts}",
            origin=capture_origin(),
        )
    return reshape(tensor, (*outer, size // parts, parts))

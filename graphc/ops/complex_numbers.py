"""Complex numbers and their parts."""

from __future__ import annotations

from typing import Any

from graphc.dtypes import F32, F64
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ops.arithmetic import multiply
from graphc.ops.broadcasting import aligned, binary, unary
from graphc.ops.comparison import equal
from graphc.ops.conversion import cast_to, graph_of, inexact, to_tensor
from graphc.ops.filling import filled_like
from graphc.ops.identities import named
from graphc.ops.joining import stack, unstack
from graphc.ops.tensor import Tensor
from graphc.ops.trigonometric import arctan2, cos, sin


def complex(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """Real + i imag: complex128 of float64, complex64 of anything else.

    Raises:
        DTypeError: an operand is complex already.
    """
    left, right = aligned((inexact(real), inexact(imag)))
    if left.dtype is not F64 and left.dtype.is_floating:
        left, right = cast_to(left, F32), cast_to(right, F32)
    return binary(REGISTRY["complex"], left, right, name or "complex")


def real(x: Any, name: str | None = None) -> Tensor:
    """The real part; a real number is its own."""
    tensor = to_tensor(x, None, graph_of((x,)))
    if not tensor.dtype.is_complex:
        return named(tensor, name)
    return unary(REGISTRY["real"], tensor, name or "real")


def imag(x: Any, name: str | None = None) -> Tensor:
    """The imaginary part; 0 of a real number."""
    tensor = to_tensor(x, None, graph_of((x,)))
    if not tensor.dtype.is_complex:
        return filled_like(tensor, 0, name)
    return unary(REGISTRY["imag"], tensor, name or "imag")


def conjugate(x: Any, name: str | None = None) -> Tensor:
    """The complex conjugate; a real number is its own."""
    tensor = to_tensor(x, None, graph_of((x,)))
    if not tensor.dtype.is_complex:
        return named(tensor, name)
    return unary(REGISTRY["conj"], tensor, name or "conjugate")


conj = conjugate


def angle(x: Any, name: str | None = None) -> Tensor:
    """The angle to the positive real axis, from -pi to pi: a float."""
    tensor = inexact(x)
    return arctan2(imag(tensor), real(tensor), name or "angle")


def isreal(x: Any, name: str | None = None) -> Tensor:
    """Whether the imaginary part is 0: bool."""
    return equal(imag(x), 0, name or "isreal")


def polar(abs_: Any, angle: Any, name: str | None = None) -> Tensor:
    """The complex number of an absolute value and an angle."""
    size, turn = aligned((inexact(abs_), inexact(angle)))
    return complex(multiply(size, cos(turn)), multiply(size, sin(turn)), name or "polar")


def view_as_complex(x: Any, name: str | None = None) -> Tensor:
    """Pairs along the last axis as complex numbers: f[…, 2] to complex[…].

    Raises:
        ShapeError: the last axis has not size 2.
    """
    tensor = inexact(x)
    if tensor.shape[-1:] != (2,):
        raise ShapeError(
            "view_as_complex() takes pairs",
            given=tensor.value.type,
            expected="a last axis of size 2",
            origin=capture_origin(),
        )
    first, second = unstack(tensor, axis=-1)
    return complex(first, second, name or "view_as_complex")


def view_as_real(x: Any, name: str | None = None) -> Tensor:
    """Complex numbers as pairs along a new last axis: complex[…] to f[…, 2]."""
    return stack([real(x), imag(x)], -1, name or "view_as_real")

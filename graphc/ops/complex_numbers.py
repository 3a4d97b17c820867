"""Complex numbers and their parts."""

from __future__ import annotations

from typing import Any

from graphc.dtypes import F32, F64
from graphc.ir.registry import REGISTRY
from graphc.ops.broadcasting import aligned, binary, unary
from graphc.ops.conversion import cast_to, graph_of, inexact, to_tensor
from graphc.ops.filling import filled_like
from graphc.ops.identities import named
from graphc.ops.tensor import Tensor
from graphc.ops.trigonometric import arctan2


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

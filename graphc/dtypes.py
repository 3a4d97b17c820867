"""Element types and their promotion.

A `DType` is interned: one object per name, compared by identity. Promotion is that of JAX without
weak types (https://docs.jax.dev/en/latest/type_promotion.html), which Keras 3 follows too: an
integer with a float takes the float's type, whatever their widths. Two element types never reach
XLA: `string` (Python `str` and `bytes`, folded and fetched on the host) and `token` (what an
operation without a value gives).
"""

from __future__ import annotations

from typing import Any, Literal

import ml_dtypes
import numpy as np

from graphc.errors import DTypeError

Kind = Literal["bool", "unsigned", "signed", "float", "complex", "host"]


class DType:
    """One element type.

    Attributes:
        name: NumPy's name ("float32").
        short: the name in the text form ("f32").
        numpy: the NumPy dtype that holds its elements.
        kind: the class it belongs to.
        itemsize: bytes per element.
        is_wide: whether JAX cuts it to half its bits unless its x64 flag is set.
    """

    __slots__ = ("is_wide", "itemsize", "kind", "name", "numpy", "short")

    def __init__(self, name: str, short: str, numpy_type: Any, kind: Kind) -> None:
        self.name = name
        self.short = short
        self.numpy: np.dtype[Any] = np.dtype(numpy_type)
        self.kind: Kind = kind
        self.itemsize: int = self.numpy.itemsize if kind != "host" else 0
        self.is_wide: bool = self.itemsize >= (16 if kind == "complex" else 8)

    @property
    def is_floating(self) -> bool:
        return self.kind == "float"

    @property
    def is_complex(self) -> bool:
        return self.kind == "complex"

    @property
    def is_integer(self) -> bool:
        return self.kind == "signed" or self.kind == "unsigned"

    @property
    def is_inexact(self) -> bool:
        """Whether it has a gradient: floats and complex numbers."""
        return self.kind == "float" or self.kind == "complex"

    @property
    def is_host(self) -> bool:
        """Whether its values never reach XLA."""
        return self.kind == "host"

    def __repr__(self) -> str:
        return self.name

    def __eq__(self, other: object) -> bool:
        """Equal to itself, and to whatever names it: "float32", np.float32, np.dtype."""
        if self is other:
            return True
        if isinstance(other, DType) or other is None:
            return False
        try:
            return self is as_dtype(other)
        except DTypeError:
            return False

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> tuple[Any, ...]:
        return (as_dtype, (self.name,))


_TABLE: tuple[tuple[str, str, Any, Kind], ...] = (
    ("bool", "bool", np.bool_, "bool"),
    ("uint8", "u8", np.uint8, "unsigned"),
    ("uint16", "u16", np.uint16, "unsigned"),
    ("uint32", "u32", np.uint32, "unsigned"),
    ("uint64", "u64", np.uint64, "unsigned"),
    ("int8", "i8", np.int8, "signed"),
    ("int16", "i16", np.int16, "signed"),
    ("int32", "i32", np.int32, "signed"),
    ("int64", "i64", np.int64, "signed"),
    ("float8_e4m3fn", "f8e4m3fn", ml_dtypes.float8_e4m3fn, "float"),
    ("float8_e5m2", "f8e5m2", ml_dtypes.float8_e5m2, "float"),
    ("bfloat16", "bf16", ml_dtypes.bfloat16, "float"),
    ("float16", "f16", np.float16, "float"),
    ("float32", "f32", np.float32, "float"),
    ("float64", "f64", np.float64, "float"),
    ("complex64", "c64", np.complex64, "complex"),
    ("complex128", "c128", np.complex128, "complex"),
    ("string", "string", np.object_, "host"),
    ("token", "token", np.object_, "host"),
)

ALL: tuple[DType, ...] = tuple(DType(*row) for row in _TABLE)
_BY_NAME: dict[str, DType] = {dtype.name: dtype for dtype in ALL}
_BY_SHORT: dict[str, DType] = {dtype.short: dtype for dtype in ALL}
_BY_NUMPY: dict[Any, DType] = {dtype.numpy: dtype for dtype in ALL if dtype.kind != "host"}

(BOOL, U8, U16, U32, U64, I8, I16, I32, I64) = ALL[:9]
(F8E4M3FN, F8E5M2, BF16, F16, F32, F64, C64, C128, STRING, TOKEN) = ALL[9:]


def as_dtype(given: object) -> DType:
    """The element type that `given` names.

    Args:
        given: a `DType`, a name ("float32", "f32"), a NumPy dtype or scalar type, or Python's
            `bool` (bool), `int` (int32), `float` (float32), `complex` (complex64), `str`, `bytes`.

    Raises:
        DTypeError: it names none.
    """
    if isinstance(given, DType):
        return given
    if isinstance(given, str):
        found = _BY_NAME.get(given) or _BY_SHORT.get(given)
        if found is not None:
            return found
    elif given is str or given is bytes:
        return STRING
    elif given is int or given is float or given is complex:
        return I32 if given is int else F32 if given is float else C64
    elif given is not None:
        try:
            dtype: np.dtype[Any] = np.dtype(given)  # type: ignore[call-overload]
        except TypeError:
            dtype = np.dtype(object)
        found = _BY_NUMPY.get(dtype)
        if found is not None:
            return found
        if dtype.kind in "SU":
            return STRING
    raise DTypeError(
        "this is not an element type",
        given=repr(given),
        expected="one of " + ", ".join(dtype.name for dtype in ALL),
    )


def is_short_name(text: str) -> bool:
    """Whether `text` is a name of the text form ("f32")."""
    return text in _BY_SHORT


def _promote_integers(left: DType, right: DType, default_float: DType) -> DType:
    if left.kind == right.kind:
        return left if left.itemsize >= right.itemsize else right
    signed, unsigned = (left, right) if left.kind == "signed" else (right, left)
    if signed.itemsize > unsigned.itemsize:
        return signed
    wider = {1: I16, 2: I32, 4: I64}.get(unsigned.itemsize)
    return default_float if wider is None else wider


def _promote_floats(left: DType, right: DType) -> DType:
    if 1 in (left.itemsize, right.itemsize):
        raise DTypeError(
            "8-bit floats are not promoted implicitly",
            given=f"{left} with {right}",
            fix="cast one of them with ops.cast",
        )
    if left.itemsize == right.itemsize:  # bfloat16 with float16: neither holds the other
        return F32
    return left if left.itemsize > right.itemsize else right


def promote(left: DType, right: DType, default_float: DType = F32) -> DType:
    """The element type of an operation on `left` and `right`.

    Args:
        left: one operand's element type.
        right: the other's.
        default_float: what 64-bit unsigned with signed integers give, as in JAX: no integer holds
            both.

    Raises:
        DTypeError: host types, or 8-bit floats with another type.
    """
    if left is right:
        return left
    if left.is_host or right.is_host:
        raise DTypeError("strings and tokens do not mix with numbers", given=f"{left} with {right}")
    order = ("bool", "integer", "float", "complex")

    def rank(dtype: DType) -> int:
        return order.index("integer" if dtype.is_integer else dtype.kind)

    low, high = sorted((left, right), key=rank)
    if rank(low) == rank(high):
        if low.is_integer:
            return _promote_integers(low, high, default_float)
        return C128 if low.is_complex else _promote_floats(low, high)
    if high is C64 and low is F64:
        return C128
    return high


def real_dtype(dtype: DType) -> DType:
    """The element type of the absolute value: float32 for complex64."""
    return {C64: F32, C128: F64}.get(dtype, dtype)

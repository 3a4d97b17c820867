"""The value of a constant: a read-only array with exact text and a content hash.

Text, exact for every bit: a number alone (`1.5`, `true`, `"Hello"`) is a scalar, or all elements
when the type has more than one; `[1.0, 2.0]` lists up to 16 elements in row-major order; anything
larger is named by its content: `sha256:…`. A literal that was read from such text without its
bytes is *detached*: it prints the same, and cannot be computed with.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from graphc.dtypes import STRING, TOKEN, DType, as_dtype, is_short_name
from graphc.errors import DTypeError
from graphc.ir.lexing import split_list
from graphc.ir.types import TensorType, tensor_type

_INLINE_ELEMENTS: Final = 16
_LARGEST_IN_TEXT: Final = 2**31  # bytes: text is data, and may not ask for all memory
_DIGEST: Final = re.compile("sha256:([0-9a-f]{32})")
_STRING: Final = re.compile(r'b?"(?:[^"\\]|\\.)*"')
_KEPT_IN_KEY: Final = 64  # bytes: below, the key holds the elements; above, their hash


class Literal:
    """An array that cannot change.

    Attributes:
        type: element type and shape.
        key: equal exactly when type and every bit are equal.

    Its array may be a view of one element, repeated; see `is_repeated`.
    """

    __slots__ = ("__weakref__", "_array", "_digest", "_key", "type")

    def __init__(self, type_: TensorType, array: np.ndarray[Any, Any] | None, digest: str) -> None:
        self.type = type_
        self._array = array
        self._digest = digest
        self._key: Any = None

    @property
    def key(self) -> Any:
        """What tells it from others; made when asked for, as most large arrays never are."""
        if self._key is None:
            array = self._array
            if array is not None and self.type.dtype is STRING:
                self._key = (self.type, tuple(array.ravel().tolist()))
            elif array is not None and array.nbytes <= _KEPT_IN_KEY:
                self._key = (self.type, array.tobytes())
            else:
                self._key = (self.type, self.digest)
        return self._key

    @property
    def is_detached(self) -> bool:
        """Whether only the content hash is known, not the elements."""
        return self._array is None

    @property
    def array(self) -> np.ndarray[Any, Any]:
        """The elements, read-only.

        Raises:
            DTypeError: the literal was read from text that holds only its hash.
        """
        if self._array is None:
            raise DTypeError(
                "this constant was read from text that names it by its content hash only",
                given=f"sha256:{self._digest}",
                fix="hand the arrays over: parse(text, constants=[array, ...])",
            )
        return self._array

    @property
    def digest(self) -> str:
        """SHA-256 of type and content, in hexadecimal, 32 digits."""
        if not self._digest:
            assert self._array is not None
            self._digest = content_digest(self.type, self._array)
        return self._digest

    @property
    def scalar(self) -> Any:
        """The element of a one-element literal, else None."""
        if self._array is None or self._array.size != 1:
            return None
        return (
            self._array.reshape(()).item() if self.type.dtype is STRING else self._array.ravel()[0]
        )


def content_digest(type_: TensorType, array: np.ndarray[Any, Any]) -> str:
    """The hash that names a large constant in text."""
    digest = hashlib.sha256(str(type_).encode())
    if type_.dtype is STRING:
        digest.update("\0".join(map(_format_string, array.ravel().tolist())).encode())
    else:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:32]


def literal_of(array: np.ndarray[Any, Any], type_: TensorType) -> Literal:
    """A literal of an array that nobody else will write to."""
    array.flags.writeable = False
    return Literal(type_, array, "")


def is_repeated(array: Any) -> bool:
    """Whether an array is one element in memory, shown many times: `np.broadcast_to(0, shape)`."""
    return type(array) is np.ndarray and array.size > 1 and not any(array.strides)


def stacked(arrays: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """One array with these as its rows; where all are one number, it is that, shown many times."""
    first = arrays[0]
    if all(is_repeated(array) or array.size == 1 for array in arrays):
        numbers = {array[(0,) * array.ndim].tobytes() for array in arrays}
        if len(numbers) == 1:
            return np.broadcast_to(first[(0,) * first.ndim], (len(arrays), *first.shape))
    return np.stack(arrays)


def as_literal(given: Any, dtype: DType | None = None) -> Literal:
    """A literal of a copy of whatever NumPy takes, strings and bytes included.

    Raises:
        DTypeError: it is not an array of one element type, or not of the one that is asked for.
    """
    if isinstance(given, Literal):
        return given
    if isinstance(given, (str, bytes)):
        if dtype is not None and dtype is not STRING:
            raise DTypeError("a string is not a number", given=repr(given)[:200], expected=dtype)
        array = np.array(given, dtype=object)
        return literal_of(array, tensor_type(STRING, ()))
    if is_repeated(given):
        number = as_literal(given[(0,) * given.ndim], dtype)
        return literal_of(
            np.broadcast_to(number.array, given.shape), number.type.with_shape(given.shape)
        )
    try:
        array = np.array(given, dtype=None if dtype is None else dtype.numpy, order="C")
    except (ValueError, TypeError, OverflowError) as problem:
        raise DTypeError(str(problem), given=repr(given)[:200], expected=dtype) from None
    if array.dtype.kind in "SUO" and not (dtype is not None and dtype is not STRING):
        items = np.array(given, dtype=object)
        if not all(isinstance(item, (str, bytes)) for item in items.ravel().tolist()):
            raise DTypeError(
                "a constant holds numbers or strings in a rectangular shape",
                given=repr(given)[:200],
                expected="what numpy.asarray makes an array of numbers of, or strings",
            )
        return literal_of(items, tensor_type(STRING, items.shape))
    return literal_of(array, tensor_type(as_dtype(array.dtype), array.shape))


def _format_string(item: str | bytes) -> str:
    if isinstance(item, bytes):
        return (
            repr(item)
            if repr(item)[1] == '"'
            else 'b"' + repr(item)[2:-1].replace('"', '\\"') + '"'
        )
    return json.dumps(item)


def _format_element(item: Any, dtype: DType) -> str:
    if dtype is STRING:
        return _format_string(item)
    if dtype.kind == "bool":
        return "true" if item else "false"
    if dtype.is_integer:
        return str(int(item))
    if dtype.is_complex:
        part = np.float32 if dtype.itemsize == 8 else np.float64
        real, imaginary = str(part(item.real)), str(part(item.imag))
        return f"({real}, {imaginary})"
    return str(item if dtype.itemsize >= 4 else float(item))


def _parse_element(text: str, dtype: DType) -> Any:
    if dtype is STRING:
        if not _STRING.fullmatch(text):
            raise ValueError(f"expected a string in double quotes, got {text!r}")
        return ast.literal_eval(text) if text.startswith("b") else json.loads(text)
    if dtype.kind == "bool":
        return {"true": True, "false": False}[text]
    if dtype.is_integer:
        return int(text)
    if dtype.is_complex:
        real, imaginary = text.removeprefix("(").removesuffix(")").split(",")
        return complex(float(real), float(imaginary))
    return dtype.numpy.type(text) if dtype.itemsize >= 4 else float(text)


def _round_trips(array: np.ndarray[Any, Any], dtype: DType) -> bool:
    """Whether text keeps every bit: false for a NaN with a payload or a sign."""
    if not dtype.is_inexact:
        return True
    with np.errstate(invalid="ignore"):  # a signalling NaN is data too
        if not np.isnan(array).any():
            return True
        texts = [_format_element(item, dtype) for item in array.ravel()]
        again = np.array([_parse_element(text, dtype) for text in texts], dtype=dtype.numpy)
    return again.tobytes() == array.tobytes()


def format_literal(literal: Literal) -> str:
    """The text of a literal: type and value, `f32[2] [1.0, 2.0]`."""
    type_ = literal.type
    if literal.is_detached:
        return f"{type_} sha256:{literal.digest}"
    array = literal.array
    flat = array.ravel()
    if flat.size == 0:
        return f"{type_} []"
    if flat.size <= _INLINE_ELEMENTS and _round_trips(flat, type_.dtype):
        texts = [_format_element(item, type_.dtype) for item in flat]
        return f"{type_} {texts[0]}" if flat.size == 1 else f"{type_} [{', '.join(texts)}]"
    repeats = type_.dtype is not STRING and flat.tobytes() == flat[:1].tobytes() * flat.size
    if repeats and _round_trips(flat[:1], type_.dtype):
        return f"{type_} {_format_element(flat[0], type_.dtype)}"
    return f"{type_} sha256:{literal.digest}"


def parse_literal(text: str) -> Literal:
    """The inverse of `format_literal`; a hash gives a detached literal.

    Raises:
        ValueError: it is not such text.
    """
    head, bracket, rest = text.partition("]")
    name, opening, sizes = head.partition("[")
    if not (bracket and opening and is_short_name(name)):
        raise ValueError(f"expected a type and a value, got {text!r}")
    shape = tuple(int(size) for size in sizes.split(",") if size.strip())
    type_ = tensor_type(as_dtype(name), shape)
    if type_.dtype is TOKEN:
        raise ValueError("a token has no value")
    value = rest.strip()
    if value.startswith("sha256:"):
        named = _DIGEST.fullmatch(value)
        if named is None:
            raise ValueError(f"expected sha256: and 32 hexadecimal digits, got {value!r}")
        return Literal(type_, None, named[1])
    count = math.prod(shape)
    if count * type_.dtype.numpy.itemsize > _LARGEST_IN_TEXT:
        raise ValueError(f"a constant of {count} elements is more than text may ask for")
    texts = split_list(value) if value.startswith("[") else [value]
    array = np.empty(len(texts), dtype=type_.dtype.numpy)
    try:
        array[:] = [_parse_element(item, type_.dtype) for item in texts]
    except (KeyError, SyntaxError, OverflowError, TypeError) as error:
        raise ValueError(f"not a {type_.dtype}: {error}") from None
    if array.size == 1 and not value.startswith("["):
        array = np.repeat(array, count)
    return literal_of(array.reshape(shape), type_)

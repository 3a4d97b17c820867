"""The type of a value: element type and shape, interned, compared with `is`."""

from __future__ import annotations

from typing import Any, Final, cast

import numpy as np

from graphc.dimensions import Dim, Dimension, Shape, format_dimension, product, substitute
from graphc.dtypes import TOKEN, DType, as_dtype
from graphc.errors import ShapeError


class TensorType:
    """Element type and shape of a tensor. Made by `tensor_type`, never directly.

    Attributes:
        dtype: the element type.
        shape: sizes, each an `int` or a symbolic `Dim`.
        is_static: whether every size is an `int`.
    """

    __slots__ = ("aval", "dtype", "is_static", "shape")

    def __init__(self, dtype: DType, shape: Shape) -> None:
        self.dtype = dtype
        self.shape = shape
        self.is_static = all(isinstance(size, int) for size in shape)
        self.aval: Any = None  # what the lowering engine derives from the type, kept with it

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> Dimension:
        """Number of elements."""
        return product(self.shape)

    @property
    def byte_size(self) -> Dimension:
        return product(self.shape) * self.dtype.itemsize

    def with_shape(self, shape: Shape) -> TensorType:
        return tensor_type(self.dtype, shape)

    def with_dtype(self, dtype: DType) -> TensorType:
        return tensor_type(dtype, self.shape)

    def substituted(self, bindings: dict[str, int]) -> TensorType:
        """This type with symbols replaced by sizes."""
        if self.is_static:
            return self
        return tensor_type(self.dtype, tuple(substitute(size, bindings) for size in self.shape))

    def __str__(self) -> str:
        return f"{self.dtype.short}[{', '.join(format_dimension(size) for size in self.shape)}]"

    def __repr__(self) -> str:
        return str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return (tensor_type, (self.dtype, self.shape))


# What a caller's shape may hold: NumPy gives sizes of its own.
_WHOLES: Final = cast("tuple[type[Any], ...]", (int, np.integer))
_LARGEST_SIZE: Final = 2**63 - 1
_INTERNED: Final[dict[tuple[DType, Shape], TensorType]] = {}


def tensor_type(dtype: DType, shape: Shape) -> TensorType:
    """The one type with this element type and shape.

    Raises:
        ShapeError: a size is neither an `int` of at least 0 that 64 bits hold, nor a `Dim`.
    """
    found = _INTERNED.get((dtype, shape))
    if found is not None:
        return found
    sizes: list[Dimension] = []
    for size in shape:
        if isinstance(size, Dim):
            sizes.append(size)
        elif isinstance(size, _WHOLES) and not isinstance(size, bool) and size >= 0:
            if size > _LARGEST_SIZE:
                raise ShapeError("this size is too large", expected=f"at most {_LARGEST_SIZE}")
            sizes.append(int(size))
        else:
            raise ShapeError(
                "this is not a shape",
                given=repr(tuple(shape)),
                expected="sizes that are whole numbers of at least 0, or symbolic dimensions",
            )
    normal = tuple(sizes)
    return _INTERNED.setdefault((dtype, normal), TensorType(dtype, normal))


def as_type(dtype: object, shape: Shape = ()) -> TensorType:
    """`tensor_type` for whatever names an element type: `as_type("float32", (2, 3))`."""
    return tensor_type(as_dtype(dtype), tuple(shape))


def type_of_array(array: np.ndarray[Any, Any]) -> TensorType:
    """The type of a NumPy array."""
    return tensor_type(as_dtype(array.dtype), array.shape)


TOKEN_TYPE: Final = tensor_type(TOKEN, ())

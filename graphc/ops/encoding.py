"""Classes as vectors of zeros and ones."""

from __future__ import annotations

from typing import Any

from graphc.dtypes import DType, as_dtype
from graphc.errors import DTypeError, GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.broadcasting import apply
from graphc.ops.comparison import equal
from graphc.ops.conversion import floatx, graph_of, to_tensor
from graphc.ops.creation import iota
from graphc.ops.reductions import any as reduce_any
from graphc.ops.shaping import expand_dims, moveaxis
from graphc.ops.sizes import as_size
from graphc.ops.tensor import Tensor


def _matches(x: Any, num_classes: Any) -> Tensor:
    """Which class each element is: bool[…, num_classes]; none for one outside."""
    tensor = to_tensor(x, None, graph_of((x,)))
    if not tensor.dtype.is_integer:
        raise DTypeError(
            "classes are integers",
            given=tensor.value.type,
            fix='ops.cast(x, "int32")',
            origin=capture_origin(),
        )
    classes = iota(as_size(num_classes), tensor.dtype)
    return equal(expand_dims(tensor, -1), classes)


def _converted(mask: Tensor, dtype: Any, name: str) -> Tensor:
    wanted: DType = floatx() if dtype is None else as_dtype(dtype)
    return apply("convert", mask, dtype=wanted, name=name)


def _refuse_sparse(sparse: bool, what: str) -> None:
    if sparse:
        raise GraphcError(
            f"{what} makes dense tensors only: XLA has no sparse ones",
            given="sparse=True",
            fix="leave it out; take() of a table of weights needs no zeros and ones",
            origin=capture_origin(),
        )


def one_hot(
    x: Any,
    num_classes: Any,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """1 at the position of each class, 0 elsewhere; all 0 for a class outside.

    Args:
        x: integers of any shape.
        num_classes: size of the new axis.
        axis: where the new axis is in the result.
        dtype: of the result; the default float.
        sparse: accepted for Keras's sake, as False.
        name: of the result.

    Raises:
        DTypeError: the classes are no integers.
        GraphcError: a sparse result is asked for.
    """
    _refuse_sparse(sparse, "one_hot()")
    mask = _matches(x, num_classes)
    mask = moveaxis(mask, -1, axis) if axis not in (-1, mask.ndim - 1) else mask
    return _converted(mask, dtype, name or "one_hot")


def multi_hot(
    inputs: Any,
    num_classes: Any = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
    name: str | None = None,
) -> Tensor:
    """1 at the positions of all classes along an axis, 0 elsewhere.

    Args:
        inputs: integers [..., classes of one sample].
        num_classes: size of the axis in the result; there is no default.
        axis: along which the classes of a sample are.
        dtype: of the result; the default float.
        sparse: accepted for Keras's sake, as False.
        name: of the result.

    Raises:
        DTypeError: the classes are no integers.
        GraphcError: a sparse result is asked for, or num_classes is missing.
    """
    _refuse_sparse(sparse, "multi_hot()")
    if num_classes is None:
        raise GraphcError("multi_hot() needs num_classes=", origin=capture_origin())
    mask = _matches(inputs, num_classes)
    along = axis if axis >= 0 else mask.ndim - 1 + axis
    found = reduce_any(mask, along)
    found = moveaxis(found, -1, axis) if axis not in (-1, found.ndim - 1) else found
    return _converted(found, dtype, name or "multi_hot")

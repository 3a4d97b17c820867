"""Where graphs begin: constants and placeholders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.dtypes import as_dtype
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ir.registry import REGISTRY
from graphc.ir.types import tensor_type
from graphc.ops.broadcasting import broadcast_to
from graphc.ops.conversion import constant_tensor, default_dtype, to_tensor
from graphc.ops.dataflow import get_default_graph
from graphc.ops.tensor import Tensor


def constant(
    value: Any, dtype: Any = None, shape: Sequence[int] | None = None, name: str | None = None
) -> Tensor:
    """A fixed array, number or string.

    Args:
        value: what NumPy makes an array of; `str` and `bytes` stay on the host.
        dtype: cast it; Python numbers are int32 and `floatx()` by default, arrays keep their type.
        shape: repeat a single number to this shape, or reshape an array of as many elements.
        name: "constant" by default.

    Raises:
        DTypeError: the numbers do not fit `dtype`.
        ShapeError: the elements do not fill `shape`.
    """
    wanted = default_dtype(value) if dtype is None else as_dtype(dtype)
    given = value
    if shape is not None:
        array = np.asarray(value)
        if array.size == 1:
            given = np.broadcast_to(array.reshape(()), tuple(shape))
        elif array.size == np.prod(shape, dtype=int):
            given = array.reshape(tuple(shape))
        else:
            raise ShapeError(
                "the elements do not fill the shape",
                given=f"{array.size} elements",
                expected=f"1 or {int(np.prod(shape, dtype=int))} for shape {tuple(shape)}",
                origin=capture_origin(),
            )
    return constant_tensor(get_default_graph(), given, wanted, name or "constant")


def placeholder(
    dtype: Any, shape: Sequence[int | str | None] | None = None, name: str | None = None
) -> Tensor:
    """A tensor that every run feeds.

    Args:
        dtype: element type.
        shape: sizes; `None` for one that each run may choose, a name ("batch") for one that all
            placeholders with that name share.
        name: "placeholder" by default.

    Raises:
        ShapeError: the number of axes is not given.
    """
    if shape is None:
        raise ShapeError(
            "a placeholder needs a number of axes",
            given="shape=None",
            expected="one entry per axis; None for sizes that are known only when fed",
            fix="for a scalar write shape=[], for a matrix shape=[None, None]",
            origin=capture_origin(),
        )
    graph = get_default_graph()
    if graph.parent is not None:
        raise GraphcError(
            "a placeholder cannot be made inside a branch or a loop body",
            fix="make it before, and use it inside",
            origin=capture_origin(),
        )
    try:
        type_ = tensor_type(as_dtype(dtype), graph.dimensions(shape))
    except GraphcError as error:
        raise error.at(capture_origin()) from None
    return graph.add_input(type_, name or "placeholder", "feed")


def placeholder_with_default(
    input: Any,
    shape: Sequence[int] | None = None,
    name: str | None = None,
) -> Tensor:
    """A tensor that a run may feed; without a feed it is `input`."""
    tensor = to_tensor(input)
    if shape is not None:
        tensor = broadcast_to(tensor, tensor.graph.dimensions(shape))
    op = REGISTRY["after"]
    return tensor.graph.add(op, (tensor,), name=name or "placeholder_with_default")[0]

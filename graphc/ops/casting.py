"""Element types: asking for them, and casting from one to another."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.dtypes import BOOL, DType, as_dtype
from graphc.errors import DTypeError, GraphcError
from graphc.ir.origin import capture_origin
from graphc.ops.broadcasting import apply
from graphc.ops.comparison import clip, finite_limits, truth_of
from graphc.ops.context import is_building
from graphc.ops.conversion import cast_to, constant_tensor, default_dtype, graph_of, to_tensor
from graphc.ops.gathering import known_array
from graphc.ops.identities import named
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable


def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """The tensor with another element type.

    A fraction is cut off; NaN becomes the integer 0, and what is too large for an integer the
    nearest one; an integer is taken modulo the range of a narrower one; a complex number becomes
    its real part; what is not 0 becomes True.

    Raises:
        DTypeError: `dtype` is none, or is no type of numbers.
    """
    wanted = _dtype(dtype)
    tensor = to_tensor(x, None, graph_of((x,)))
    if tensor.dtype is wanted:
        return named(tensor, name)
    if wanted is BOOL and tensor.dtype.is_complex:  # the op would ask the real part alone
        return named(truth_of(tensor), name or "cast")
    return apply("convert", tensor, dtype=wanted, name=name or "cast")


def _dtype(given: Any) -> DType:
    try:
        return as_dtype(given)
    except DTypeError as problem:
        raise problem.at(capture_origin()) from None


def saturate_cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """The tensor with another element type; what is out of its range becomes its nearest limit."""
    tensor = to_tensor(x, None, graph_of((x,)))
    wanted, given = _dtype(dtype), tensor.dtype
    if wanted.is_integer and given.is_integer:
        mine, theirs = np.iinfo(given.numpy), np.iinfo(wanted.numpy)
        low, high = max(mine.min, theirs.min), min(mine.max, theirs.max)
        if (low, high) != (mine.min, mine.max):
            tensor = clip(tensor, int(low), int(high))
    elif wanted.is_floating and given.is_floating and wanted.itemsize <= given.itemsize:
        low_limit, high_limit = finite_limits(wanted)
        tensor = clip(tensor, low_limit, high_limit) if wanted is not given else tensor
    return cast(tensor, wanted, name or "saturate_cast")


def convert_to_tensor(
    x: Any,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    name: str | None = None,
) -> Tensor:
    """A tensor of the default graph: a constant, unless it is a tensor or variable already.

    Args:
        x: numbers, arrays, strings, tensors, variables.
        dtype: of the result; see `graphc.constant` for what it is by default.
        sparse: accepted for Keras's sake, as None or False.
        ragged: likewise.
        name: of the result.

    Raises:
        DTypeError: the numbers do not fit `dtype`.
        GraphcError: a sparse or ragged tensor is asked for.
    """
    if sparse or ragged:
        raise GraphcError(
            f"XLA has no {'sparse' if sparse else 'ragged'} tensors",
            fix="leave the argument out; a ragged batch is a dense one with a mask",
            origin=capture_origin(),
        )
    wanted = None if dtype is None else as_dtype(dtype)
    graph = graph_of((x,))
    if isinstance(x, (Tensor, Variable, list, tuple)):
        tensor = to_tensor(x, wanted, graph)
        return cast(tensor, wanted, name) if wanted is not None else named(tensor, name)
    made = constant_tensor(graph, x, wanted or default_dtype(x), name or "constant")
    return made if wanted is None else cast_to(made, wanted)


def array(x: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """A tensor of x: see `convert_to_tensor`."""
    return convert_to_tensor(x, dtype, name=name)


def convert_to_numpy(x: Any) -> np.ndarray[Any, Any]:
    """An array of x: numbers, arrays, tensors, variables, in the session of their graph.

    Raises:
        GraphcError: x is a tensor inside of what is being built: it has no value there.
        FeedError: x needs something that is fed.
    """
    if isinstance(x, Tensor) and (known := known_array(x)) is not None:
        return np.array(known)
    if isinstance(x, (Variable, Tensor)):
        if is_building():
            raise GraphcError(
                f"{x.name!r} has no value before the graph runs",
                given=repr(x),
                expected="numbers, an array, or a constant of the graph",
                fix="compute with graphc.ops here; read values outside, by .numpy() or session.run",
                origin=capture_origin(),
            )
        return np.asarray(x.numpy())
    wanted = default_dtype(x)
    return np.asarray(x, None if wanted is None else wanted.numpy)


def dtype(x: Any) -> str:
    """The name of the element type of x: "float32"."""
    own = getattr(x, "dtype", None)
    if own is not None:
        return as_dtype(own).name
    found = default_dtype(x)
    return (found or as_dtype(np.asarray(x).dtype)).name


def is_tensor(x: Any) -> bool:
    """Whether x is a tensor of a graph."""
    return isinstance(x, Tensor)

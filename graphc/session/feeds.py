"""What is fed: checked against the placeholder, converted, and asked for the sizes of symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from graphc.dimensions import Dim, format_dimension, solve, substitute
from graphc.dtypes import STRING, DType, as_dtype
from graphc.errors import DTypeError, FeedError
from graphc.ir.node import Value
from graphc.ir.op import Constraint
from graphc.ir.origin import Origin, capture_origin
from graphc.ops.conversion import TensorLike
from graphc.ops.tensor import Tensor

_SAME_KIND = ("bool", "unsigned", "signed", "float", "complex")


def convert_feed(given: Any, value: Value, name: str) -> Any:
    """An array of exactly the fed value's element type, and of a shape that fits it.

    NumPy's "same kind" casts are made (float64 to float32, int64 to int32 when every number fits,
    integers to floats); a cast that would lose a kind (floats to integers) is an error.

    Raises:
        FeedError: neither element type nor shape fits; says the placeholder's line.
    """
    type_ = value.type
    kind = type(given)
    if kind is np.ndarray and given.dtype == type_.dtype.numpy and given.shape == type_.shape:
        return given
    if isinstance(given, jax.Array):
        array: Any = given
        if array.dtype != type_.dtype.numpy:
            array = _cast(np.asarray(given), type_.dtype, value, name)
    elif isinstance(given, (Tensor, TensorLike)):
        raise _error(
            name, value, "is a tensor of the graph, and no array", repr(given),
            "feed what session.run gives for it, or build the graph on it",
        )  # fmt: skip
    else:
        array = _as_array(given, type_.dtype, value, name)
        if array.dtype != type_.dtype.numpy:
            array = _cast(array, type_.dtype, value, name)
    _check_shape(array.shape, value, name)
    return array


def _as_array(given: Any, dtype: DType, value: Value, name: str) -> np.ndarray[Any, Any]:
    if dtype is STRING:
        return np.array(given, dtype=object)
    try:
        array = np.asarray(given)
    except ValueError as problem:
        raise _error(name, value, "is no rectangular array", repr(given)[:200]) from problem
    if array.dtype == object or array.dtype.kind in "SU":
        raise _error(name, value, "holds what is no number", repr(given)[:200])
    return array


def _cast(
    array: np.ndarray[Any, Any], dtype: DType, value: Value, name: str
) -> np.ndarray[Any, Any]:
    try:
        source = as_dtype(array.dtype)
    except DTypeError:
        raise _error(name, value, "has an element type without a meaning", array.dtype) from None
    if _SAME_KIND.index(source.kind) > _SAME_KIND.index(dtype.kind) and not (
        source.is_integer and dtype.is_integer
    ):
        raise _error(
            name, value, f"is {source}, and casting it to {dtype} would lose values",
            f"{source}{list(array.shape)}", "cast it with .astype(...) where that is meant",
        )  # fmt: skip
    made = array.astype(dtype.numpy)
    if dtype.is_integer and source.is_integer and not np.array_equal(made, array):
        raise _error(name, value, f"has numbers that do not fit into {dtype}", source)
    return made


def _check_shape(shape: tuple[int, ...], value: Value, name: str) -> None:
    expected = value.type.shape
    fits = len(shape) == len(expected) and all(
        isinstance(size, Dim) or size == given for size, given in zip(expected, shape, strict=True)
    )
    if not fits:
        raise _error(name, value, "has the wrong shape", f"shape {shape}")


def _error(name: str, value: Value, problem: str, given: Any, fix: str | None = None) -> FeedError:
    return FeedError(
        f"the feed of {name!r} {problem}",
        given=given,
        expected=value.type,
        fix=fix,
        origin=value.node.origin,
    )


def require_feeds(feed_dict: Any) -> Mapping[Any, Any]:
    """Refuse a `feed_dict` that is no dictionary."""
    if type(feed_dict) is dict or isinstance(feed_dict, Mapping):
        return feed_dict
    raise FeedError(
        "feed_dict is a dictionary from tensors to arrays",
        given=f"{repr(feed_dict)[:200]} ({type(feed_dict).__name__})",
        expected="{x: array}",
        origin=capture_origin(),
    )


def require_feed_list(feed_list: Any) -> Sequence[Any]:
    """Refuse a `feed_list` that is one tensor."""
    if not isinstance(feed_list, (Tensor, TensorLike, str)):
        return feed_list
    raise FeedError(
        "feed_list is a list of tensors",
        given=repr(feed_list),
        expected="one for each argument of the callable",
        fix="put it into a list: [x]",
        origin=capture_origin(),
    )


def bind_sizes(
    values: Sequence[Value],
    arrays: Sequence[Any],
    constraints: dict[Constraint, Origin],
) -> dict[str, int]:
    """The sizes of symbols, read off the shapes that were fed.

    Raises:
        FeedError: two feeds disagree about a symbol, or an equation that the graph recorded while
            it was built does not hold; says the line that recorded it.
    """
    sizes: dict[str, int] = {}
    pending: list[tuple[Any, int, Value]] = []
    for value, array in zip(values, arrays, strict=True):
        for size, given in zip(value.type.shape, array.shape, strict=True):
            if isinstance(size, Dim):
                pending.append((size, given, value))
    for size, given, _ in sorted(pending, key=lambda item: len(str(item[0]))):
        solved = solve(substitute(size, sizes), given)
        if solved is not None:
            sizes.setdefault(*solved)
    for size, given, value in pending:
        if substitute(size, sizes) != given:
            raise FeedError(
                f"feeds disagree about the size {format_dimension(size)}",
                given=f"{given} for {value.node.name!r}",
                expected=f"{format_dimension(substitute(size, sizes))}, as another feed has it",
                fix="feed arrays of matching sizes",
                origin=value.node.origin,
            )
    check_constraints(sizes, constraints)
    return sizes


def check_constraints(sizes: dict[str, int], constraints: dict[Constraint, Origin]) -> None:
    """Check recorded equations whose symbols have sizes.

    Raises:
        FeedError: one does not hold; carries the line that recorded it.
    """
    for constraint, origin in constraints.items():
        left, right = substitute(constraint.left, sizes), substitute(constraint.right, sizes)
        if isinstance(left, int) and isinstance(right, int) and left != right:
            raise FeedError(
                "the sizes that were fed do not fit together",
                given=f"{constraint.left} is {left}, {constraint.right} is {right}",
                expected=f"{constraint}, which this line of the graph needs",
                origin=origin,
            )

"""`x[...]`: NumPy's indexing, basic and advanced.

Slices cut and reverse, integers and index arrays gather, and one reshape at the end drops axes and
puts new ones in.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from graphc.dimensions import Dim, Dimension, equal
from graphc.dtypes import BOOL, I32
from graphc.errors import DTypeError, GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.broadcasting import apply, broadcast_shapes
from graphc.ops.conversion import TensorLike, constant_tensor, graph_of, to_tensor
from graphc.ops.gathering import (
    counted_from_start,
    element_at,
    gather_at,
    index_tensor,
    known_array,
)
from graphc.ops.identities import named
from graphc.ops.sizes import size_of_value
from graphc.ops.slices import Cut, IndexRangeError, Step, cut_of_point, cut_of_slice, note_cuts
from graphc.ops.tensor import Tensor
from graphc.ops.undoing import undone_on_failure

_WHOLE: Final = slice(None)


@dataclass(frozen=True)
class _Point:
    """One position along an axis, which the result has not."""

    at: Dimension


@dataclass(frozen=True)
class _Positions:
    """Computed positions, or several.

    Attributes:
        tensor: integers.
        size: what the size of the axis must be, for positions that come from a mask.
    """

    tensor: Tensor
    size: int | None = None


_Item = _Point | _Positions | slice | None


@undone_on_failure
def getitem(x: Any, key: Any, name: str | None = None) -> Tensor:
    """x[key], as NumPy does it.

    Args:
        x: any tensor.
        key: integers (from the end where negative), slices with any step, `None` for a new axis,
            `...`, arrays or tensors of integers (broadcast together, as in NumPy), arrays of truth
            values. Along an axis whose size is known only when fed, the bounds of a slice must lie
            inside. A computed index outside is moved to the nearest one inside.
        name: of the result.

    Raises:
        IndexRangeError: (a `ShapeError` and `IndexError`) an index is known to be outside, or there
            are more than axes.
        ShapeError: a slice whose size is not known while the graph is built.
        DTypeError: a mask that is computed, or an index that is no integer.
    """
    tensor = to_tensor(x, None, graph_of((x,)))
    items, dots = _expanded(tensor, key if isinstance(key, tuple) else (key,))
    if any(isinstance(item, _Positions) for item in items):
        return _advanced(tensor, items, dots, name)
    return _basic(tensor, items, name)


get_item = getitem


def iterate(x: Any) -> Iterator[Tensor]:
    """The parts of a tensor along its first axis: what `for part in x` gives.

    Raises:
        ShapeError: their number is not known while the graph is built.
    """
    tensor = to_tensor(x, None, graph_of((x,)))
    size = tensor.shape[0] if tensor.shape else None
    if not isinstance(size, int):
        raise ShapeError(
            "a loop over a tensor needs the number of parts while the graph is built",
            given=tensor.value.type,
            fix="use ops.map or ops.scan over the axis" if tensor.shape else "it is a scalar",
            origin=capture_origin(),
        )
    return iter([getitem(tensor, number) for number in range(size)])


# -- reading the key -------------------------------------------------------------------------------


def _expanded(tensor: Tensor, key: Sequence[Any]) -> tuple[list[_Item], int | None]:
    """One item per axis, and `None` for each new one; and before which item `...` stood."""
    items: list[Any] = [item for given in key for item in _items_of(tensor, given)]
    taken = sum(item is not None and item is not Ellipsis for item in items)
    if taken > tensor.ndim:
        raise IndexRangeError(
            f"there are {taken} indices for {tensor.ndim} axes",
            given=tensor.value.type,
            origin=capture_origin(),
        )
    places = [place for place, item in enumerate(items) if item is Ellipsis]
    if len(places) > 1:
        raise GraphcError("an index has one ... at most", origin=capture_origin())
    place = places[0] if places else len(items)
    rest = [_WHOLE] * (tensor.ndim - taken)
    items = [*items[:place], *rest, *items[place + 1 :]]
    axes = [item for item in items if item is not None]
    for axis, item in enumerate(axes):
        if isinstance(item, _Positions) and item.size is not None:
            _check_mask(tensor, axis, item.size)
    return items, places[0] if places else None


def _items_of(tensor: Tensor, given: Any) -> list[Any]:
    """Points, positions, slices, `None` and `...` for what a user wrote between two commas."""
    if given is None or given is Ellipsis or isinstance(given, slice):
        return [given]
    if isinstance(given, (bool, np.bool_)):
        raise DTypeError(
            "a single truth value is no index",
            given=repr(given),
            fix="choose with ops.where, or with Python's if; x == y compares identity, "
            "ops.equal(x, y) compares numbers",
            origin=capture_origin(),
        )
    if isinstance(given, (int, np.integer)):
        return [_Point(operator.index(given))]
    if isinstance(given, Dim):
        return [_Point(given)]
    if not isinstance(given, Tensor) and isinstance(given, TensorLike):
        given = given.as_tensor(graph_of((tensor, given)))
    if isinstance(given, Tensor):
        size = size_of_value(given.value)
        if size is not None:
            return [_Point(size)]
        known = known_array(given)
        if given.dtype is BOOL and known is not None:
            return _items_of_mask(tensor, known)
        if given.dtype is BOOL:
            raise _computed_mask(given)
        return [_Positions(index_tensor(given, tensor))]
    array = _array_of(given)
    if array.dtype == bool:
        return _items_of_mask(tensor, array)
    if array.ndim == 0 and array.dtype.kind in "iu":
        return [_Point(int(array))]
    return [_Positions(index_tensor(array, tensor))]


def _array_of(given: Any) -> np.ndarray[Any, Any]:
    if isinstance(given, (list, tuple)):
        if any(isinstance(item, (Tensor, TensorLike)) for item in given):
            raise GraphcError(
                "a list that holds tensors is no index",
                given=repr(given),
                fix="join them with ops.stack",
                origin=capture_origin(),
            )
        if not given:
            return np.zeros(0, np.int32)
    try:
        array = np.asarray(given)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "iub":
        raise DTypeError(
            "this is no index",
            given=repr(given),
            expected="integers, slices, None, ..., or arrays of integers or truth values",
            origin=capture_origin(),
        )
    return array.astype(np.int32) if array.dtype == np.int64 and _is_small(array) else array


def _is_small(array: np.ndarray[Any, Any]) -> bool:
    return bool((np.abs(array) < 2**31).all())


def _items_of_mask(tensor: Tensor, mask: np.ndarray[Any, Any]) -> list[Any]:
    """The positions of the true elements of a mask: one array per axis of it."""
    if mask.ndim == 0:
        return _items_of(tensor, bool(mask))
    graph = graph_of((tensor,))
    return [
        _Positions(constant_tensor(graph, positions.astype(np.int32), I32), size)
        for positions, size in zip(np.nonzero(mask), mask.shape, strict=True)
    ]


def _computed_mask(mask: Tensor) -> DTypeError:
    return DTypeError(
        "a mask that is computed cannot select elements: their number would not be known",
        given=repr(mask),
        expected="an array of truth values that is known while the graph is built",
        fix="keep the shape: ops.where(mask, x, 0), or ops.sum(ops.where(mask, x, 0))",
        origin=capture_origin(),
    )


def _check_mask(tensor: Tensor, axis: int, size: int) -> None:
    if equal(tensor.shape[axis], size) is not True:
        raise IndexRangeError(
            f"the mask has {size} elements along axis {axis}",
            given=tensor.value.type,
            expected="the size of the axis, known while the graph is built",
            origin=capture_origin(),
        )


# -- points, slices and new axes -------------------------------------------------------------------


def _basic(tensor: Tensor, items: Sequence[_Item], name: str | None) -> Tensor:
    """Points, slices and new axes."""
    cuts: list[Cut] = []
    kept: list[int | None] = []  # what the axes of the result were; None is new
    for item in items:
        axis = len(cuts)
        if item is None:
            kept.append(None)
        elif isinstance(item, _Point):
            cuts.append(cut_of_point(tensor, axis, item.at))
        else:
            assert isinstance(item, slice)
            cuts.append(cut_of_slice(item, tensor.shape[axis]))
            kept.append(axis)
    steps: list[Step] = []
    note_cuts(tensor, cuts, steps)
    result = tensor
    for number, (op_name, attributes) in enumerate(steps):
        is_last = number == len(steps) - 1 and kept == list(range(tensor.ndim))
        label = (name or "getitem") if is_last else None
        result = apply(op_name, result, name=label, **attributes)
    if kept == list(range(tensor.ndim)):
        return result if steps else named(tensor, name)
    shape = [1 if axis is None else result.shape[axis] for axis in kept]
    return apply("reshape", result, shape=shape, name=name or "getitem")


# -- positions -------------------------------------------------------------------------------------


def _advanced(tensor: Tensor, items: Sequence[_Item], dots: int | None, name: str | None) -> Tensor:
    """Positions and points, which NumPy takes as positions beside others, slices and new axes."""
    by_axis = [item for item in items if item is not None]
    cuts = [
        cut_of_slice(item if isinstance(item, slice) else _WHOLE, tensor.shape[axis])
        for axis, item in enumerate(by_axis)
    ]
    steps: list[Step] = []
    note_cuts(tensor, cuts, steps)
    result = tensor
    for op_name, attributes in steps:
        result = apply(op_name, result, **attributes)
    axes = [axis for axis, item in enumerate(by_axis) if not isinstance(item, slice)]
    positions = [_positions_tensor(result, axis, by_axis[axis]) for axis in axes]
    has_new = any(item is None for item in items)
    if all(position.ndim == 0 for position in positions):
        label = None if has_new else name or "getitem"
        return _with_new_axes(element_at(result, axes, positions, label), items, (0, 0, 0), name)
    batch = len(broadcast_shapes(*[position.shape for position in positions]))
    places = [place for place, item in enumerate(items) if isinstance(item, (_Point, _Positions))]
    together = places[-1] - places[0] == len(places) - 1
    if dots is not None and places[0] < dots <= places[-1]:
        together = False  # as in NumPy, also where the ... stands for no axes
    before = sum(isinstance(item, slice) for item in items[: places[0]]) if together else 0
    label = None if has_new else name or "getitem"
    found = gather_at(result, axes, positions, before, "clip", label)
    return _with_new_axes(found, items, (places[0] if together else 0, before, batch), name)


def _positions_tensor(tensor: Tensor, axis: int, item: _Item) -> Tensor:
    if isinstance(item, _Positions):
        return counted_from_start(item.tensor, tensor, axis)
    assert isinstance(item, _Point)
    start = cut_of_point(tensor, axis, item.at).start
    if isinstance(start, int):
        return constant_tensor(graph_of((tensor,)), start, I32)
    raise ShapeError(
        "beside computed positions an integer needs an axis whose size is known",
        given=f"{item.at} for axis {axis} of {tensor.value.type}",
        fix="index twice: x[integers][positions]",
        origin=capture_origin(),
    )


def _with_new_axes(
    found: Tensor, items: Sequence[_Item], group: tuple[int, int, int], name: str | None
) -> Tensor:
    """The result with an axis of size 1 for each `None`.

    Args:
        found: the axes of slices, and among them those of the positions.
        items: the key.
        group: before which item the axes of the positions stand, how many axes of `found` are
            before them, and how many they are.
        name: of the result.
    """
    if not any(item is None for item in items):
        return found
    place, before, count = group
    sizes = iter([*found.shape[:before], *found.shape[before + count :]])
    shape: list[Dimension] = []
    for number, item in enumerate([*items, _WHOLE]):
        if number == place:
            shape.extend(found.shape[before : before + count])
        if number < len(items) and not isinstance(item, (_Point, _Positions)):
            shape.append(1 if item is None else next(sizes))
    return apply("reshape", found, shape=shape, name=name or "getitem")

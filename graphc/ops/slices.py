"""Slices and single positions along an axis, as what the op `slice` takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphc.dimensions import Dim, Dimension
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.sizes import as_size
from graphc.ops.tensor import Tensor

Step = tuple[str, dict[str, Any]]
"""An op with one operand that is still to be applied, and its attributes."""


class IndexRangeError(ShapeError, IndexError):
    """An index that is known to lie outside."""


@dataclass(frozen=True)
class Cut:
    """The part of an axis that a slice takes: a forward slice, reversed afterwards or not."""

    start: Dimension
    limit: Dimension
    stride: int = 1
    is_reversed: bool = False


def cut_of_slice(given: slice, size: Dimension) -> Cut:
    """A slice of an axis of some size.

    Raises:
        ShapeError: a bound is not known, or the step is 0 or not known.
    """
    start, stop, step = (
        None if bound is None else as_size(bound, "the bound of a slice")
        for bound in (given.start, given.stop, given.step)
    )
    step = 1 if step is None else step
    if not isinstance(step, int) or step == 0:
        raise ShapeError(
            "the step of a slice is an integer, and not 0",
            given=repr(given),
            origin=capture_origin(),
        )
    if not isinstance(size, int) or isinstance(start, Dim) or isinstance(stop, Dim):
        return _symbolic_cut(start, stop, step, size)
    taken = range(*slice(start, stop, step).indices(size))
    if not taken:
        return Cut(0, 0)
    low, high = sorted((taken[0], taken[-1]))
    return Cut(low, high + 1, abs(step) if len(taken) > 1 else 1, step < 0 and len(taken) > 1)


def _symbolic_cut(
    start: Dimension | None, stop: Dimension | None, step: int, size: Dimension
) -> Cut:
    start, stop = _from_start(start, size), _from_start(stop, size)
    if step > 0:
        return Cut(0 if start is None else start, size if stop is None else stop, step)
    last = size - 1 if start is None else start
    before = -1 if stop is None else stop
    count = (last - before - step - 1) // -step
    return Cut(last + (count - 1) * step, last + 1, -step, True)


def _from_start(bound: Dimension | None, size: Dimension) -> Dimension | None:
    return size + bound if isinstance(bound, int) and bound < 0 else bound


def cut_of_point(tensor: Tensor, axis: int, at: Dimension) -> Cut:
    """One position along an axis, from the end where negative.

    Raises:
        IndexRangeError: it is known to lie outside.
    """
    size = tensor.shape[axis]
    if isinstance(at, int) and isinstance(size, int) and not -size <= at < size:
        raise IndexRangeError(
            f"index {at} is outside",
            given=f"axis {axis} of {tensor.value.type}",
            expected=f"an index from {-size} to {size - 1}" if size else "no index at all",
            origin=capture_origin(),
        )
    start = _from_start(at, size)
    assert start is not None
    return Cut(start, start + 1)


def note_cuts(tensor: Tensor, cuts: Sequence[Cut], steps: list[Step]) -> None:
    """Note the ops that cut a tensor."""
    is_whole = all(
        cut.start == 0 and cut.limit == size and cut.stride == 1
        for cut, size in zip(cuts, tensor.shape, strict=True)
    )
    if not is_whole:
        attributes = {
            "start_indices": [cut.start for cut in cuts],
            "limit_indices": [cut.limit for cut in cuts],
            "strides": [cut.stride for cut in cuts],
        }
        steps.append(("slice", attributes))
    turned = [axis for axis, cut in enumerate(cuts) if cut.is_reversed]
    if turned:
        steps.append(("reverse", {"dimensions": turned}))

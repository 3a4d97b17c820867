"""Prefixes of tensors, combined by any associative function: `associative_scan`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphc.dimensions import Dimension
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.bodies import (
    flatten,
    line_of,
    require_same_structure,
    require_same_type,
    unflatten,
)
from graphc.ops.broadcasting import apply
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.joining import concatenate, stack
from graphc.ops.shaping import flip
from graphc.ops.sizes import as_axis
from graphc.ops.tensor import Tensor
from graphc.ops.undoing import undone_on_failure
from graphc.ops.variable import Variable


@undone_on_failure
def associative_scan(
    f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """All prefixes of `elems`, combined by an associative function, in log₂(n) rounds.

    The first is elems[0], the second f(elems[0], elems[1]), and so on. Source: Blelloch, "Prefix
    sums and their applications", 1990: pairs are combined, their prefixes are found in the same
    way, and those in between follow from these.

    Args:
        f: combines two of the same structure along `axis`, element by element of that axis; called
            about 2 log₂(n) times while the graph is built.
        elems: tensors in any nesting, of one size along `axis`, which must be known.
        reverse: whether to begin at the end.
        axis: along which.

    Returns:
        The structure, shapes and element types of `elems`.

    Raises:
        ShapeError: the sizes differ, or are not known while the graph is built; `f` changes a
            shape.
        DTypeError: `f` changes an element type.
        GraphcError: `f` changes the structure, or there is no tensor.
    """
    leaves, tree = flatten(elems)
    if not leaves:
        raise GraphcError("associative_scan() needs a tensor", origin=capture_origin())
    graph = graph_of([leaf for leaf in leaves if isinstance(leaf, (Tensor, Variable))])
    tensors = [to_tensor(leaf, None, graph) for leaf in leaves]
    axes = [as_axis(axis, tensor.ndim, tensor) for tensor in tensors]
    sizes = {tensor.shape[place] for tensor, place in zip(tensors, axes, strict=True)}
    count = next(iter(sizes))
    if len(sizes) != 1 or not isinstance(count, int):
        raise ShapeError(
            "associative_scan() needs one size along its axis, known while the graph is built",
            given=", ".join(str(tensor.value.type) for tensor in tensors),
            fix="give the placeholder a size, or use ops.scan, which takes any number of slices",
            origin=capture_origin(),
        )

    def combine(left: list[Tensor], right: list[Tensor]) -> list[Tensor]:
        made, other = flatten(f(unflatten(tree, left), unflatten(tree, right)))
        line = line_of(f)
        require_same_structure("what f takes and gives", other, tree, line, "elems")
        found = [to_tensor(leaf, t.dtype) for leaf, t in zip(made, left, strict=True)]
        for position, (result, operand) in enumerate(zip(found, left, strict=True)):
            require_same_type(
                f"elements {position} that f takes and gives",
                *(result.value.type, operand.value.type, line, "elems"),
            )
        return found

    given = _flipped(tensors, axes) if reverse else tensors
    found = _prefixes(combine, given, axes, count)
    return unflatten(tree, _flipped(found, axes) if reverse else found)


def _flipped(tensors: Sequence[Tensor], axes: Sequence[int]) -> list[Tensor]:
    return [flip(tensor, axis=place) for tensor, place in zip(tensors, axes, strict=True)]


def _prefixes(
    combine: Callable[[list[Tensor], list[Tensor]], list[Tensor]],
    tensors: list[Tensor],
    axes: Sequence[int],
    count: int,
) -> list[Tensor]:
    if count < 2:
        return tensors
    pairs = count // 2
    firsts = _every_second(tensors, axes, 0, 2 * pairs)
    seconds = _every_second(tensors, axes, 1, 2 * pairs)
    odd = _prefixes(combine, combine(firsts, seconds), axes, pairs)  # prefixes 1, 3, 5, …
    head = [_part(t, place, 0, 1) for t, place in zip(tensors, axes, strict=True)]
    later = _every_second(tensors, axes, 2, count)
    even = head
    if count > 2:
        before = [_part(t, place, 0, (count - 1) // 2) for t, place in zip(odd, axes, strict=True)]
        rest = combine(before, later)
        even = [
            concatenate(both, axis=place) for *both, place in zip(head, rest, axes, strict=True)
        ]
    return [_woven(e, o, place, pairs) for e, o, place in zip(even, odd, axes, strict=True)]


def _part(tensor: Tensor, axis: int, start: int, limit: int, stride: int = 1) -> Tensor:
    rank = tensor.ndim
    starts, strides = [0] * rank, [1] * rank
    limits: list[Dimension] = list(tensor.shape)
    starts[axis], limits[axis], strides[axis] = start, limit, stride
    return apply("slice", tensor, start_indices=starts, limit_indices=limits, strides=strides)


def _every_second(
    tensors: Sequence[Tensor], axes: Sequence[int], start: int, limit: int
) -> list[Tensor]:
    limit = max(start, limit)
    return [
        _part(tensor, place, start, limit, 2) for tensor, place in zip(tensors, axes, strict=True)
    ]


def _woven(even: Tensor, odd: Tensor, axis: int, pairs: int) -> Tensor:
    """even[0], odd[0], even[1], …; there are as many even ones as odd ones, or one more."""
    both = stack([_part(even, axis, 0, pairs), odd], axis=axis + 1)
    shape = list(odd.shape)
    shape[axis] = 2 * pairs
    woven = apply("reshape", both, shape=shape)
    if even.shape[axis] == pairs:
        return woven
    return concatenate([woven, _part(even, axis, pairs, pairs + 1)], axis=axis)

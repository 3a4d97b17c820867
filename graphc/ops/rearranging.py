"""`rearrange`: reshapes and transposes written as a pattern, "b (h p) c -> b h (p c)"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from graphc.dimensions import Dimension, equal, exact_quotient, product
from graphc.errors import GraphcError, ShapeError
from graphc.ir.origin import capture_origin
from graphc.ops.conversion import graph_of, to_tensor
from graphc.ops.shaping import reshape, transpose
from graphc.ops.sizes import as_size
from graphc.ops.tensor import Tensor

_PART: Final = re.compile(r"\s*(?:\(([^()]*)\)|(\.\.\.|\w+))")

Group = tuple[str, ...]
"""The names of what one axis is made of; the axes that "..." stands for are named "...0" and on."""


def rearrange(tensor: Any, pattern: str, **axes_lengths: Any) -> Tensor:
    """The tensor with axes split, reordered and joined as a pattern says.

    Args:
        tensor: any tensor.
        pattern: names for the axes on the left, and the same names in the order of the result on
            the right: "b h w c -> b (h w) c". Names in parentheses are one axis, the last name
            counting fastest. "1" is an axis of size 1; "..." stands for any number of axes.
        axes_lengths: sizes of named axes; in each pair of parentheses on the left all but one.

    Returns:
        A tensor of the same element type.

    Raises:
        GraphcError: the pattern cannot be read, or its sides have not the same names.
        ShapeError: sizes do not fit the pattern.

    Source: Rogozhnikov 2022, "Einops", https://openreview.net/forum?id=oapKSVM2bcj.
    """
    given = to_tensor(tensor, None, graph_of((tensor,)))
    sides = pattern.split("->")
    if len(sides) != 2:
        raise _unreadable(pattern, "it needs one arrow")
    left, right = (_groups(side, pattern) for side in sides)
    left, right = _with_axes(left, right, given, pattern)
    names = [name for group in left for name in group]
    wanted = [name for group in right for name in group]
    if len(set(names)) != len(names) or sorted(names) != sorted(wanted):
        raise _unreadable(pattern, "both sides need the same names, each once")
    for name in axes_lengths:
        if name not in names:
            raise _unreadable(pattern, f"a size is given for {name!r}, which it has not")
    lengths = {name: as_size(size, f"the size {name}") for name, size in axes_lengths.items()}
    sizes: dict[str, Dimension] = {}
    for group, size in zip(left, given.shape, strict=True):
        sizes.update(_sizes_of(group, size, lengths, given, pattern))
    split = reshape(given, tuple(sizes[name] for name in names))
    moved = transpose(split, [names.index(name) for name in wanted])
    joined = tuple(product(tuple(sizes[name] for name in group)) for group in right)
    return reshape(moved, joined, "rearrange")


def _unreadable(pattern: str, problem: str) -> GraphcError:
    return GraphcError(
        f"rearrange() cannot follow its pattern: {problem}",
        given=repr(pattern),
        expected='names on both sides of an arrow, such as "b h w c -> b (h w) c"',
        origin=capture_origin(),
    )


def _groups(side: str, pattern: str) -> list[Group]:
    return [tuple(names.split()) for names in _parts(side.strip(), pattern)]


def _parts(side: str, pattern: str) -> Iterator[str]:
    place = 0
    while place < len(side):
        found = _PART.match(side, place)
        if found is None:
            raise _unreadable(pattern, f"{side[place:].strip()!r} is no name")
        inside, alone = found.groups()
        names = alone if inside is None else inside
        for name in names.split():
            if not (name.isidentifier() or name == "1" or (name == "..." and inside is None)):
                raise _unreadable(pattern, f"{name!r} is no name")
        yield " ".join(name for name in names.split() if name != "1")
        place = found.end()


def _with_axes(
    left: list[Group], right: list[Group], tensor: Tensor, pattern: str
) -> tuple[list[Group], list[Group]]:
    """Both sides with the axes that "..." stands for."""
    dots: Group = ("...",)
    if left.count(dots) > 1 or left.count(dots) != right.count(dots):
        raise _unreadable(pattern, '"..." stands once on both sides, or on none')
    more = tensor.ndim - len(left) + left.count(dots)
    if more < 0 or (dots not in left and more):
        raise ShapeError(
            f"the pattern has {len(left) - left.count(dots)} axes",
            given=f"{tensor.value.type}, {pattern!r}",
            expected=f"{tensor.ndim} axes on the left side",
            origin=capture_origin(),
        )
    axes: list[Group] = [(f"...{number}",) for number in range(more)]
    left, right = (
        [each for group in side for each in (axes if group == dots else [group])]
        for side in (left, right)
    )
    return left, right


def _sizes_of(
    group: Sequence[str],
    size: Dimension,
    lengths: dict[str, Dimension],
    tensor: Tensor,
    pattern: str,
) -> dict[str, Dimension]:
    """The sizes of the names that an axis is split into."""
    known = {name: lengths[name] for name in group if name in lengths}
    unknown = [name for name in group if name not in lengths]
    rest = product(tuple(known.values()))
    if len(unknown) > 1:
        raise ShapeError(
            f"the sizes of {' and '.join(map(repr, unknown))} do not follow",
            given=f"{tensor.value.type}, {pattern!r}",
            fix=f"say {unknown[-1]}=",
            origin=capture_origin(),
        )
    if unknown:
        if rest != 1 and isinstance(rest, int) and isinstance(size, int):
            found = size // rest if rest and size % rest == 0 else None
        else:
            found = exact_quotient(size, rest)
            # Whether it divides is known when the sizes are: reshape() records it as an equation.
            found = size // rest if found is None and rest != 0 else found
        if found is not None:
            return {**known, unknown[0]: found}
    elif equal(rest, size) is not False:
        return known
    raise ShapeError(
        f"an axis of size {size} does not split into ({' '.join(group)})",
        given=f"{tensor.value.type}, {pattern!r}, "
        + ", ".join(f"{name}={length}" for name, length in known.items()),
        origin=capture_origin(),
    )

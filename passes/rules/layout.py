"""Reshapes, transposes and broadcasts of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from graphc.dimensions import Dimension
from graphc.ir.node import Value
from graphc.rewriting.match import Match
from graphc.rewriting.rules import NOT_NEEDED, Equation, RuleCollector
from graphc.rewriting.terms import Captured, Tensor, attribute, op, variables

_rules = RuleCollector("layout")
_x = variables("x")[0]
_AXES: Final = attribute("axes")
_INNER: Final = attribute("inner")

Shape = Sequence[Dimension]


def _is_same_type(match: Match) -> str | None:
    return None if match["x"].type is match.type else NOT_NEEDED


# --- reshape --------------------------------------------------------------------------------------


@_rules.equation("exact", _is_same_type)
def reshape_to_same(x: Tensor) -> Equation:
    """A reshape to the shape that x has."""
    return op.reshape(x), x


@_rules.rewrite("exact", op.reshape(op.reshape(_x)))
def reshape_of_reshape(match: Match) -> Value:
    """The last of two reshapes decides."""
    return match.build.reshape(match["x"], shape=match.type.shape)


# --- transpose ------------------------------------------------------------------------------------


def _keeps_order(match: Match) -> str | None:
    permutation: Sequence[int] = match.attribute("axes")
    return None if list(permutation) == sorted(permutation) else NOT_NEEDED


@_rules.equation("exact", _keeps_order)
def transpose_to_same(x: Tensor, axes: Captured) -> Equation:
    """A transpose that moves no axis."""
    return op.transpose(x, permutation=axes), x


def _composed(match: Match) -> tuple[int, ...]:
    inner: Sequence[int] = match.attribute("inner")
    return tuple(inner[axis] for axis in match.attribute("axes"))


@_rules.rewrite("exact", op.transpose(op.transpose(_x, permutation=_INNER), permutation=_AXES))
def transpose_of_transpose(match: Match) -> Value:
    """Two transposes are one, or none."""
    permutation = _composed(match)
    if list(permutation) == sorted(permutation):
        return match["x"]
    return match.build.transpose(match["x"], permutation=permutation)


def _moves_only_ones(match: Match) -> str | None:
    shape = match["x"].type.shape
    moved = [axis for axis in match.attribute("axes") if shape[axis] != 1]
    return None if moved == sorted(moved) else NOT_NEEDED


@_rules.rewrite("exact", op.transpose(_x, permutation=_AXES), check=_moves_only_ones)
def transpose_of_unit_axes(match: Match) -> Value:
    """A transpose that moves axes of size 1 alone is a reshape."""
    return match.build.reshape(match["x"], shape=match.type.shape)


# --- broadcast ------------------------------------------------------------------------------------


@_rules.equation("exact", _is_same_type)
def broadcast_to_same(x: Tensor) -> Equation:
    """A broadcast to the shape that x has."""
    return op.broadcast_in_dim(x), x


@_rules.rewrite(
    "exact",
    op.broadcast_in_dim(
        op.broadcast_in_dim(_x, broadcast_dimensions=_INNER), broadcast_dimensions=_AXES
    ),
)
def broadcast_of_broadcast(match: Match) -> Value:
    """Two broadcasts are one."""
    return match.build.broadcast_in_dim(
        match["x"], shape=match.type.shape, broadcast_dimensions=_composed_broadcast(match)
    )


def _composed_broadcast(match: Match) -> tuple[int, ...]:
    outer: Sequence[int] = match.attribute("axes")
    return tuple(outer[axis] for axis in match.attribute("inner"))


def repeats(shape: Shape, axes: Sequence[int], result: Shape) -> bool:
    """Whether a broadcast may repeat elements, not only add axes of size 1."""
    sizes = dict(zip(axes, shape, strict=True))
    return any(sizes.get(axis, 1) == 1 and size != 1 for axis, size in enumerate(result))


def _adds_only_ones(match: Match) -> str | None:
    sizes = match["x"].type.shape
    return NOT_NEEDED if repeats(sizes, match.attribute("axes"), match.type.shape) else None


@_rules.rewrite("exact", op.broadcast_in_dim(_x, broadcast_dimensions=_AXES), check=_adds_only_ones)
def broadcast_of_unit_axes(match: Match) -> Value:
    """A broadcast that only adds axes of size 1 is a reshape."""
    return match.build.reshape(match["x"], shape=match.type.shape)


def inserted_axes(shape: Shape, result: Shape) -> tuple[int, ...] | None:
    """Where each axis went when a reshape only inserted axes of size 1; None where it did more."""
    places: list[int] = []
    for place, size in enumerate(result):
        if len(places) < len(shape) and shape[len(places)] == size:
            places.append(place)
        elif size != 1:
            return None
    return tuple(places) if len(places) == len(shape) else None


def _inserts_axes(match: Match) -> str | None:
    places = inserted_axes(match["x"].type.shape, match["reshaped"].type.shape)
    return "the reshape does more than insert axes of size 1" if places is None else None


@_rules.rewrite(
    "exact",
    op.broadcast_in_dim(op.reshape(_x).named("reshaped"), broadcast_dimensions=_AXES),
    check=_inserts_axes,
)
def broadcast_of_inserted_axes(match: Match) -> Value:
    """Axes of size 1 need not be inserted to be repeated."""
    places = inserted_axes(match["x"].type.shape, match["reshaped"].type.shape)
    assert places is not None
    axes: Sequence[int] = match.attribute("axes")
    return match.build.broadcast_in_dim(
        match["x"],
        shape=match.type.shape,
        broadcast_dimensions=tuple(axes[place] for place in places),
    )


@_rules.rewrite(
    "exact",
    op.transpose(op.broadcast_in_dim(_x, broadcast_dimensions=_INNER), permutation=_AXES),
)
def transpose_of_broadcast(match: Match) -> Value:
    """What is small is transposed, then repeated."""
    permutation: Sequence[int] = match.attribute("axes")
    places = [permutation.index(axis) for axis in match.attribute("inner")]
    order = sorted(range(len(places)), key=places.__getitem__)
    x = match["x"]
    if order != list(range(len(places))):
        x = match.build.transpose(x, permutation=order)
    return match.build.broadcast_in_dim(
        x, shape=match.type.shape, broadcast_dimensions=sorted(places)
    )


LAYOUT = _rules.rule_set()

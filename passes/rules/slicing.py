"""Parts of tensors: slices, pads, pieces joined, and order reversed."""

from __future__ import annotations

from typing import Any, Final

from graphc.dimensions import Dimension, at_least
from graphc.ir.node import Value
from graphc.rewriting.match import Match
from graphc.rewriting.rules import NOT_NEEDED, Equation, RuleCollector
from graphc.rewriting.terms import Captured, Tensor, attribute, op, variables

_rules = RuleCollector("slicing")
_x = variables("x")[0]

_BOUNDS: Final = {
    "start_indices": attribute("start"),
    "limit_indices": attribute("limit"),
    "strides": attribute("stride"),
}
_INNER_BOUNDS: Final = {
    "start_indices": attribute("inner_start"),
    "limit_indices": attribute("inner_limit"),
    "strides": attribute("inner_stride"),
}


def _is_same_type(match: Match) -> str | None:
    return None if match["x"].type is match.type else NOT_NEEDED


# --- slice ----------------------------------------------------------------------------------------


@_rules.equation("exact", _is_same_type)
def slice_of_everything(x: Tensor) -> Equation:
    """A slice that leaves nothing out."""
    return op.slice(x), x


def _composed_slice(match: Match) -> dict[str, list[Any]] | None:
    """The bounds of one slice in place of two; None where sizes are not known well enough."""
    starts: list[Dimension] = []
    limits: list[Dimension] = []
    strides: list[int] = []
    names = ("inner_start", "inner_limit", "inner_stride", "start", "limit", "stride")
    columns = [match.attribute(name) for name in names]
    for first, last, step, start, limit, stride in zip(*columns, strict=True):
        begin, end = first + start * step, first + limit * step
        if step != 1:
            if not (isinstance(begin, int) and isinstance(end, int) and isinstance(last, int)):
                return None
            end = min(end, last)
            begin = min(begin, end)  # what starts after the last element is empty
        starts.append(begin)
        limits.append(end)
        strides.append(step * stride)
    return {"start_indices": starts, "limit_indices": limits, "strides": strides}


def _bounds_are_known(match: Match) -> str | None:
    return None if _composed_slice(match) else "the sizes of a strided slice are not known yet"


@_rules.rewrite(
    "exact", op.slice(op.slice(_x, **_INNER_BOUNDS), **_BOUNDS), check=_bounds_are_known
)
def slice_of_slice(match: Match) -> Value:
    """Two slices are one."""
    return match.build.slice(match["x"], **(_composed_slice(match) or {}))


def _piece_for(match: Match) -> tuple[Value, Dimension] | None:
    """The piece of a concatenation that a slice lies in, and where the piece starts."""
    along: int = match.attribute("along")
    start, limit = match.attribute("start")[along], match.attribute("limit")[along]
    offset: Dimension = 0
    for piece in match.operands(match["joined"]):
        end = offset + piece.type.shape[along]
        if at_least(start, offset) and at_least(end, limit):
            return piece, offset
        offset = end
    return None


def _lies_in_a_piece(match: Match) -> str | None:
    return None if _piece_for(match) else "the slice takes from more than one piece"


@_rules.rewrite(
    "exact",
    op.slice(op("concatenate", ..., dimension=attribute("along")).named("joined"), **_BOUNDS),
    check=_lies_in_a_piece,
)
def slice_of_concatenation(match: Match) -> Value:
    """What is taken from one piece is taken from it before the pieces are joined."""
    found = _piece_for(match)
    assert found is not None
    piece, offset = found
    along: int = match.attribute("along")
    starts, limits = list(match.attribute("start")), list(match.attribute("limit"))
    starts[along], limits[along] = starts[along] - offset, limits[along] - offset
    if piece.type is match.type:
        return piece
    return match.build.slice(
        piece, start_indices=starts, limit_indices=limits, strides=match.attribute("stride")
    )


def _takes_repeated_axes(match: Match) -> str | None:
    whole, sizes = match["broadcast"].type.shape, match["x"].type.shape
    for size, axis in zip(sizes, match.attribute("axes"), strict=True):
        if size != 1 and match.type.shape[axis] != whole[axis]:
            return "the slice takes from an axis that is not repeated"
    return None


@_rules.rewrite(
    "exact",
    op.slice(
        op.broadcast_in_dim(_x, broadcast_dimensions=attribute("axes")).named("broadcast"),
        **_BOUNDS,
    ),
    check=_takes_repeated_axes,
)
def slice_of_broadcast(match: Match) -> Value:
    """What is repeated is repeated fewer times."""
    return match.build.broadcast_in_dim(
        match["x"], shape=match.type.shape, broadcast_dimensions=match.attribute("axes")
    )


# --- pad ------------------------------------------------------------------------------------------


def _pads_nothing(match: Match) -> str | None:
    sides = (*match.attribute("low"), *match.attribute("high"), *match.attribute("interior"))
    return NOT_NEEDED if any(side != 0 for side in sides) else None


@_rules.equation("exact", _pads_nothing)
def pad_with_nothing(
    x: Tensor, y: Tensor, low: Captured, high: Captured, interior: Captured
) -> Equation:
    """A pad that adds nothing."""
    return op.pad(x, y, low=low, high=high, interior=interior), x


# --- concatenate ----------------------------------------------------------------------------------


def _is_alone(match: Match) -> str | None:
    along: int = match.attribute("along")
    pieces = match.operands()
    filled = [piece for piece in pieces if piece.type.shape[along] != 0]
    return NOT_NEEDED if len(filled) > 1 and len(filled) == len(pieces) else None


@_rules.rewrite("exact", op("concatenate", ..., dimension=attribute("along")), check=_is_alone)
def concatenate_of_one(match: Match) -> Value:
    """Empty pieces go; one piece alone is the result."""
    along: int = match.attribute("along")
    pieces = match.operands()
    filled = [piece for piece in pieces if piece.type.shape[along] != 0] or [pieces[0]]
    if len(filled) == 1:
        return filled[0]
    return match.build.concatenate(*filled, dimension=along)


def _flattened(match: Match) -> list[Value]:
    along: int = match.attribute("along")
    found: list[Value] = []
    for piece in match.operands():
        node = piece.node
        is_inner = node.op.name == "concatenate" and node.attributes["dimension"] == along
        if is_inner and match.editor.has_one_use(piece):
            found += match.operands(piece)
        else:
            found.append(piece)
    return found


def _has_inner(match: Match) -> str | None:
    pieces = match.operands()
    if not any(piece.node.op is match.node.op for piece in pieces):
        return NOT_NEEDED
    return NOT_NEEDED if len(_flattened(match)) == len(pieces) else None


@_rules.rewrite("exact", op("concatenate", ..., dimension=attribute("along")), check=_has_inner)
def concatenate_of_concatenation(match: Match) -> Value:
    """Pieces of pieces are joined at once."""
    return match.build.concatenate(*_flattened(match), dimension=match.attribute("along"))


# --- reverse --------------------------------------------------------------------------------------


def _reverses_nothing(match: Match) -> str | None:
    shape = match["x"].type.shape
    return NOT_NEEDED if any(shape[axis] != 1 for axis in match.attribute("axes")) else None


@_rules.equation("exact", _reverses_nothing)
def reverse_of_nothing(x: Tensor, axes: Captured) -> Equation:
    """Axes of one element have one order."""
    return op.reverse(x, dimensions=axes), x


@_rules.equation("exact")
def reverse_twice(x: Tensor, axes: Captured) -> Equation:
    """The order reversed twice is the order."""
    return op.reverse(op.reverse(x, dimensions=axes), dimensions=axes), x


# --- dynamic_slice --------------------------------------------------------------------------------


def _starts(match: Match) -> list[int] | None:
    """The start indices of a dynamic slice, moved to where the slice fits; None if not known."""
    x, *indices = match.operands()
    starts: list[int] = []
    for size, taken, index in zip(x.type.shape, match.attribute("sizes"), indices, strict=True):
        splat = match.scope.splat(index)
        if splat is None or not (isinstance(size, int) and isinstance(taken, int)):
            return None
        starts.append(max(0, min(int(splat.scalar), size - taken)))
    return starts


def _starts_are_known(match: Match) -> str | None:
    return NOT_NEEDED if _starts(match) is None else None


@_rules.rewrite(
    "exact", op("dynamic_slice", ..., slice_sizes=attribute("sizes")), check=_starts_are_known
)
def dynamic_slice_at_constants(match: Match) -> Value:
    """A slice whose place is known is static."""
    starts = _starts(match) or []
    limits = [start + size for start, size in zip(starts, match.attribute("sizes"), strict=True)]
    return match.build.slice(
        match.operands()[0],
        start_indices=starts,
        limit_indices=limits,
        strides=[1] * len(starts),
    )


SLICING = _rules.rule_set()

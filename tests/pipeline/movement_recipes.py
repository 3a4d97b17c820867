"""Recipes that move elements: layouts, parts, places that are computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from graphc.dimensions import Dimension, product
from graphc.dtypes import F64, I32
from graphc.ir.node import Value
from graphc.ir.types import TensorType, tensor_type
from tests.pipeline.graph_sketch import Choices, NotApplicableError, Sketch, fit
from tests.pipeline.recipe_book import recipe

Attributes = dict[str, Any]

# --- attributes that fit a value -----------------------------------------------------------------


def reshape_attributes(s: Sketch, c: Choices, x: Value) -> Attributes:
    """Another shape of as many elements."""
    shape = x.type.shape
    form = c.of(("insert an axis", "flatten", "drop axes", "merge two axes", "split an axis"))
    if form == "insert an axis":
        place = c.below(len(shape) + 1)
        return {"shape": (*shape[:place], 1, *shape[place:])}
    if form == "drop axes":
        return {"shape": [size for size in shape if size != 1]}
    if form == "merge two axes" and len(shape) > 1:
        place = c.below(len(shape) - 1)
        merged = shape[place] * shape[place + 1]
        return {"shape": (*shape[:place], merged, *shape[place + 2 :])}
    places = [i for i, size in enumerate(shape) if isinstance(size, int) and size % 2 == 0]
    if form == "split an axis" and places:
        place = c.of(places)
        size: Any = shape[place]
        return {"shape": (*shape[:place], size // 2, 2, *shape[place + 1 :])}
    return {"shape": (product(shape),)}


def transpose_attributes(s: Sketch, c: Choices, x: Value) -> Attributes:
    """An order of axes, the opposite one first."""
    axes = list(range(x.type.rank))
    return {"permutation": [axes.pop(-1 - c.below(len(axes))) for _ in range(x.type.rank)]}


def broadcast_attributes(s: Sketch, c: Choices, x: Value) -> Attributes:
    """More axes, and more than one element where there was one; now and then neither."""
    new: Dimension = c.of([2, 1, 3, *s.symbols])
    shape = [new if size == 1 and c.chance(2) else size for size in x.type.shape]
    axes = list(range(len(shape)))
    for _ in range(c.below(3)):
        place = c.below(len(shape) + 1)
        shape.insert(place, c.of([new, 1, 2]))
        axes = [axis + (axis >= place) for axis in axes]
    return {"shape": shape, "broadcast_dimensions": axes}


def reverse_attributes(s: Sketch, c: Choices, x: Value) -> Attributes:
    """Some axes, the last ones first."""
    return {"dimensions": [axis for axis in range(x.type.rank) if not c.chance(2)]}


def slice_attributes(s: Sketch, c: Choices, x: Value) -> Attributes:
    """Bounds that hold for the sizes that the axes have here."""
    bounds: list[tuple[Dimension, Dimension, int]] = []
    for size in x.type.shape:
        known = s.size(size)
        start = min(c.below(3), known)
        back = min(c.below(2), known - start)
        bounds.append((start, size - back, 1 + c.below(2)))
    starts, limits, strides = zip(*bounds, strict=True) if bounds else ((), (), ())
    return {"start_indices": starts, "limit_indices": limits, "strides": strides}


def pad_attributes(s: Sketch, c: Choices, x: Value) -> Attributes:
    """Edges and holes; an edge may cut elements off that are there."""
    edges: list[tuple[int, int, int]] = []
    for size in s.shape(x):
        low, high, interior = c.below(4) - 1, c.below(3) - 1, c.below(2)
        cut = min(low, 0) + min(high, 0)
        edges.append((low, high, interior) if size + cut >= 0 else (0, 0, interior))
    low, high, interior = zip(*edges, strict=True) if edges else ((), (), ())
    return {"low": low, "high": high, "interior": interior}


MOVES: Final[dict[str, Callable[[Sketch, Choices, Value], Attributes]]] = {
    "reshape": reshape_attributes,
    "transpose": transpose_attributes,
    "broadcast_in_dim": broadcast_attributes,
    "reverse": reverse_attributes,
    "slice": slice_attributes,
    "pad": pad_attributes,
}


def move(s: Sketch, c: Choices, name: str, x: Value) -> Value:
    """One of the moves of `x`."""
    operands = [x, s.number(c.below(2), x.type.dtype)] if name == "pad" else [x]
    return getattr(s, name)(*operands, **MOVES[name](s, c, x))


@recipe
def moves(s: Sketch, c: Choices) -> Value:
    """One move, or several in a row, perhaps with a function between."""
    x = s.pick(c, "any")
    for _ in range(1 + c.below(3)):
        x = move(s, c, c.of(list(MOVES)), x)
        if c.chance(4) and x.type.dtype.is_floating:
            x = getattr(s, c.of(("tanh", "negate", "exponential_minus_one")))(s.bounded(x))
    return x


# --- several operands -----------------------------------------------------------------------------


def _numbers_like(s: Sketch, c: Choices, type_: TensorType) -> Value:
    """A constant: one number everywhere, or where sizes are known two in turn."""
    if not type_.is_static or c.chance(2):
        return s.full(1, type_.dtype, type_.shape)
    count: Any = type_.size
    return s.array((np.arange(count) % 2).reshape(type_.shape).astype(type_.dtype.numpy))


@recipe
def concatenate(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "any", lambda x: x.type.rank > 0)
    axis = c.below(x.type.rank)
    is_constant = x.type.is_static and c.chance(4)
    pieces = [_numbers_like(s, c, x.type)] if is_constant else [x]
    for _ in range(c.below(4)):
        shape = list(x.type.shape)
        shape[axis] = c.of((1, shape[axis], 0, 2))
        type_ = x.type.with_shape(tuple(shape))
        form = "constant" if is_constant else c.of(("another", "constant", "joined"))
        if form == "constant":
            piece = _numbers_like(s, c, type_)
        else:
            piece = fit(s, s.pick(c, "any"), type_)
            piece = s.concatenate(piece, piece, dimension=axis) if form == "joined" else piece
        pieces.insert(c.below(len(pieces) + 1), piece)
    joined = s.concatenate(*pieces, dimension=axis)
    return s.slice(joined, **slice_attributes(s, c, joined)) if c.chance(2) else joined


def _start(s: Sketch, c: Choices) -> Value:
    """A whole scalar, known when compiling or only when running."""
    if c.chance(2):
        return s.number(c.below(4) - 1, I32)
    return fit(s, s.pick(c, "whole"), tensor_type(I32, ()))


@recipe
def dynamic_slice(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "any", lambda x: 0 < x.type.rank < 3)
    starts = [_start(s, c) for _ in x.type.shape]
    sizes = [size if c.chance(2) else min(1, s.size(size)) for size in x.type.shape]
    part = s.dynamic_slice(x, *starts, slice_sizes=sizes)
    if c.chance(2):
        return part
    update = fit(s, s.pick(c, "any"), part.type)
    return s.dynamic_update_slice(x, update, *starts)


def _positions(s: Sketch, c: Choices) -> Value:
    """Positions in one axis: i32[count, 1]."""
    if c.chance(3):
        return s.array([[0], [2], [1], [2]][: 1 + c.below(4)], I32)
    whole = s.pick(c, "whole", lambda x: x.type.rank == 1)
    return s.reshape(whole, shape=(*whole.type.shape, 1))


def _has_rows(s: Sketch, x: Value) -> bool:
    return x.type.rank in (1, 2) and s.shape(x)[0] > 0


@recipe
def gather(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "any", lambda x: _has_rows(s, x))
    mode = c.of(("clip", "fill"))
    return s.gather(
        x,
        _positions(s, c),
        offset_dims=tuple(range(1, x.type.rank)),
        collapsed_slice_dims=(0,),
        start_index_map=(0,),
        slice_sizes=(1, *x.type.shape[1:]),
        mode=mode,
        fill_value=1.0 if mode == "fill" else None,
    )


@recipe
def scatter(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "float", lambda x: _has_rows(s, x))
    positions = _positions(s, c)
    rows = (positions.type.shape[0], *x.type.shape[1:])
    return s.scatter(
        x,
        positions,
        fit(s, s.pick(c, "float"), x.type.with_shape(rows)),
        update_window_dims=tuple(range(1, x.type.rank)),
        inserted_window_dims=(0,),
        scatter_dims_to_operand_dims=(0,),
        update_computation="add",
        mode=c.of(("clip", "fill")),
    )


@recipe
def counting(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "any", lambda x: x.type.rank > 0)
    axis = c.below(x.type.rank)
    if c.chance(2):
        size = s.dimension_size(x, axis=axis)
        return s.convert(size, dtype=F64) if c.chance(2) else size
    return s.iota(dtype=c.of((I32, F64)), shape=x.type.shape, iota_dimension=axis)


@recipe
def back_and_forth(s: Sketch, c: Choices) -> Value:
    """Moves that cancel, with something between."""
    x = s.pick(c, "float", lambda x: x.type.rank > 0)
    shape, rank = x.type.shape, x.type.rank
    form = c.of(("transpose", "reshape", "reverse", "pad"))
    if form == "transpose":
        order = [*range(1, rank), 0]
        back = [rank - 1, *range(rank - 1)]
        return s.transpose(s.sine(s.transpose(x, permutation=order)), permutation=back)
    if form == "reshape":
        return s.reshape(s.negate(s.reshape(x, shape=(product(shape),))), shape=shape)
    if form == "reverse":
        axes = tuple(range(rank))
        turned = s.reverse(x, dimensions=axes)
        return s.reverse(s.tanh(turned) if c.chance(2) else turned, dimensions=axes)
    if any(size == 0 for size in s.shape(x)):
        raise NotApplicableError
    one, none = [1] * rank, [0] * rank
    padded = s.pad(x, s.number(0, x.type.dtype), low=one, high=none, interior=none)
    limits = [size + 1 for size in shape]
    return s.slice(padded, start_indices=one, limit_indices=limits, strides=one)

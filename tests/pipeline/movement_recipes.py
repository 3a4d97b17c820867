"""Recipes that move elements: layouts, parts, places that are computed."""

from __future__ import annotations

from graphc.dimensions import Dimension, product
from graphc.dtypes import F64, I32
from graphc.ir.node import Value
from graphc.ir.types import tensor_type
from tests.pipeline.graph_sketch import Choices, NotApplicableError, Sketch, fit
from tests.pipeline.recipe_book import recipe


@recipe
def reshape(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "any")
    shape = x.type.shape
    form = c.of(("insert an axis", "flatten", "drop axes", "merge two axes", "split an axis"))
    if form == "insert an axis":
        place = c.below(len(shape) + 1)
        return s.reshape(x, shape=(*shape[:place], 1, *shape[place:]))
    if form == "drop axes":
        return s.reshape(x, shape=[size for size in shape if size != 1])
    if form == "merge two axes" and len(shape) > 1:
        place = c.below(len(shape) - 1)
        merged = shape[place] * shape[place + 1]
        return s.reshape(x, shape=(*shape[:place], merged, *shape[place + 2 :]))
    if form == "split an axis":
        places = [i for i, size in enumerate(shape) if isinstance(size, int) and size % 2 == 0]
        if places:
            place = c.of(places)
            return s.reshape(x, shape=(*shape[:place], shape[place] // 2, 2, *shape[place + 1 :]))
    return s.reshape(x, shape=(product(shape),))


@recipe
def transpose(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "any", lambda x: x.type.rank > 1)
    axes = list(range(x.type.rank))
    permutation = [axes.pop(-1 - c.below(len(axes))) for _ in range(x.type.rank)]
    return s.transpose(x, permutation=permutation)


@recipe
def broadcast(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "any", lambda x: x.type.rank < 4)
    new: Dimension = c.of([2, 1, 3, *s.symbols])
    shape = [new if size == 1 and c.chance(2) else size for size in x.type.shape]
    axes = list(range(len(shape)))
    for _ in range(c.below(2) if shape != list(x.type.shape) else 1 + c.below(2)):
        place = c.below(len(shape) + 1)
        shape.insert(place, c.of([new, 1, 2]))
        axes = [axis + (axis >= place) for axis in axes]
    return s.broadcast_in_dim(x, shape=shape, broadcast_dimensions=axes)


@recipe
def reverse(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "any", lambda x: x.type.rank > 0)
    return s.reverse(x, dimensions=[i for i in range(x.type.rank) if not c.chance(2)])


@recipe
def concatenate(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "any", lambda x: x.type.rank > 0)
    axis = c.below(x.type.rank)
    pieces = [x]
    for _ in range(c.below(3)):
        shape = list(x.type.shape)
        shape[axis] = c.of((1, shape[axis], 0, 2))
        piece = fit(s, s.pick(c, "any"), x.type.with_shape(tuple(shape)))
        pieces.insert(c.below(len(pieces) + 1), piece)
    joined = s.concatenate(*pieces, dimension=axis)
    if not c.chance(2):
        return joined
    starts, limits = [0] * x.type.rank, list(joined.type.shape)
    limits[axis] = pieces[0].type.shape[axis]
    strides = [1] * x.type.rank
    return s.slice(joined, start_indices=starts, limit_indices=limits, strides=strides)


def _cut(s: Sketch, c: Choices, size: Dimension) -> tuple[Dimension, Dimension, int]:
    """Bounds of a slice of one axis, which hold for the size that the axis has here."""
    known = s.size(size)
    start = min(c.below(3), known)
    back = min(c.below(2), known - start)
    return start, size - back, 1 + c.below(2)


@recipe
def slice_(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "any", lambda x: x.type.rank > 0)
    for _ in range(1 + c.below(2)):
        cuts = [_cut(s, c, size) for size in x.type.shape]
        starts, limits, strides = zip(*cuts, strict=True)
        x = s.slice(x, start_indices=starts, limit_indices=limits, strides=strides)
    return x


@recipe
def pad(s: Sketch, c: Choices) -> Value:
    x = s.pick(c, "any", lambda x: x.type.rank > 0)
    edges: list[tuple[int, int, int]] = []
    for size in s.shape(x):
        low, high, interior = c.below(4) - 1, c.below(3) - 1, c.below(2)
        negative = min(low, 0) + min(high, 0)
        edges.append((low, high, interior) if size + negative >= 0 else (0, 0, interior))
    low, high, interior = zip(*edges, strict=True)
    padding = s.number(0 if c.chance(2) else 1, x.type.dtype)
    return s.pad(x, padding, low=low, high=high, interior=interior)


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
    rank = x.type.rank
    mode = c.of(("clip", "fill"))
    return s.gather(
        x,
        _positions(s, c),
        offset_dims=tuple(range(1, rank)),
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
    updates = fit(s, s.pick(c, "float"), x.type.with_shape(rows))
    return s.scatter(
        x,
        positions,
        updates,
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
    form = c.of(("transpose", "reshape", "reverse", "insert", "pad"))
    if form == "transpose":
        order = [*range(1, rank), 0]
        back = [rank - 1, *range(rank - 1)]
        return s.transpose(s.sine(s.transpose(x, permutation=order)), permutation=back)
    if form == "reshape":
        return s.reshape(s.negate(s.reshape(x, shape=(product(shape),))), shape=shape)
    if form == "reverse":
        axes = tuple(range(rank))
        return s.reverse(s.tanh(s.reverse(x, dimensions=axes)), dimensions=axes)
    if form == "insert":
        moved = s.tanh(s.reshape(x, shape=(1, *shape)))
        return s.broadcast_in_dim(
            moved, shape=(2, *shape), broadcast_dimensions=tuple(range(rank + 1))
        )
    if any(size == 0 for size in s.shape(x)):
        raise NotApplicableError
    one, none = [1] * rank, [0] * rank
    padded = s.pad(x, s.number(0, x.type.dtype), low=one, high=none, interior=none)
    limits = [size + 1 for size in shape]
    return s.slice(padded, start_indices=one, limit_indices=limits, strides=one)

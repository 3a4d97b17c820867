"""Attention and its gradient as loops over blocks of queries.

A block is the op itself, of fewer queries, which XLA gets written out. Order and distance depend on
the places of queries, so a block takes them as its mask: the op hides keys alike for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Final

from graphc.dtypes import I32
from graphc.ir.builder import Builder
from graphc.ir.node import Node, Value
from graphc.ir.op import OpCall
from graphc.opset.attention.signature import as_type, computed_in, find_extras, seen_by_place
from passes.attention_legalization.block_plan import filled_up
from passes.attention_legalization.named_loops import Named, scan
from passes.attention_legalization.query_blocks import Segment, has_order

_ORDER: Final = ("query", "key", "value", "bias", "mask", "ct")
_OF_KEYS: Final = frozenset(("key", "value", "for_key", "for_value"))
_QUERY_AXES: Final = {
    **{"query": 1, "bias": 2, "mask": 2, "ct": 1, "place": 0},
    **{"result": 1, "for_query": 1, "for_bias": 2},
}


def by_query_blocks(
    build: Builder, node: Node, operands: Sequence[Value], segments: Sequence[Segment]
) -> list[Value]:
    """What a node gives, by one loop for each segment.

    Args:
        build: makes the nodes.
        node: an attention or attention_gradient whose sizes are numbers and not 0.
        operands: what it takes.
        segments: all its queries.
    """
    named = _by_name(node, operands)
    if has_order(node):
        queries = named["query"].type.shape[1]
        named["place"] = build.iota(dtype=I32, shape=(queries,), iota_dimension=0)
    names = _result_names(named)
    sums: Named = {}
    for name, old in zip(names, node.outputs, strict=True):
        if not _is_cut(name, old):
            sums[name] = build.full(0, computed_in(old.type.dtype), old.type.shape)
    parts: dict[str, list[Value]] = {}
    for segment in segments:
        found = _loop(build, node, named, sums, segment)
        for name in sums:
            # one segment adds to what the others gave: sums of each would all be there at once
            sums[name] = _put_back(build, sums[name], found.pop(name), segment)
        for name, part in found.items():
            parts.setdefault(name, []).append(part)
    results: list[Value] = []
    for name, old in zip(names, node.outputs, strict=True):
        whole = sums[name] if name in sums else _concatenated(build, name, parts[name])
        results.append(as_type(build, whole, old.type.dtype))
    return results


def _by_name(node: Node, operands: Sequence[Value]) -> Named:
    is_gradient = node.op.name == "attention_gradient"
    types = tuple([value.type for value in operands])
    extras = find_extras(OpCall(node.op, types, node.attributes), len(types) - is_gradient)
    given = {"query", "key", "value"}
    given |= {name for name, position in extras._asdict().items() if position is not None}
    if is_gradient:
        given.add("ct")
    return dict(zip([name for name in _ORDER if name in given], operands, strict=True))


def _result_names(named: Named) -> list[str]:
    if "ct" not in named:
        return ["result"]
    return [f"for_{name}" for name in ("query", "key", "value", "bias") if name in named]


def _is_cut(name: str, x: Value) -> bool:
    """Whether each block has a part of its own: x has queries, and is not the same for all."""
    return name in _QUERY_AXES and x.type.shape[_QUERY_AXES[name]] != 1


def _loop(build: Builder, node: Node, named: Named, sums: Named, segment: Segment) -> Named:
    """What a segment gives: its part of what is cut, and the sums that it goes on with."""
    slices: Named = {}
    invariants: Named = {}
    for name, value in named.items():
        if _is_cut(name, value):
            slices[name] = _split(build, name, value, segment)
        else:
            invariants[name] = _read_part(build, name, value, segment)
    found = scan(
        build,
        lambda build, names: _block(build, node, names, segment.keys),
        segment.blocks,
        carries={name: _read_part(build, name, sums[name], segment) for name in sums},
        slices=slices,
        invariants=invariants,
    )
    return {
        name: value if name in sums else _join(build, name, value, segment)
        for name, value in found.items()
    }


def _block(build: Builder, node: Node, names: Named, keys: range) -> Named:
    """One block: results of its own, and the carries with those added that it shares."""
    taken = dict(names)
    if "place" in names:
        taken["mask"] = _mask(build, node, names, keys)
    attributes = {**node.attributes, "is_causal": False, "local_window_size": None}
    make = build.attention_gradient if "ct" in names else build.attention
    made = make(*[taken[name] for name in _ORDER if name in taken], **attributes)
    found: Named = dict(zip(_result_names(names), made if "ct" in names else [made], strict=True))
    for name in found:
        if name in names:
            more = as_type(build, found[name], names[name].type.dtype)
            found[name] = build.add(names[name], more)
    return found


def _mask(build: Builder, node: Node, names: Named, keys: range) -> Value:
    """Where the queries of a block see keys, with the mask that was given: bool[…, T, S]."""
    place, attributes = names["place"], node.attributes
    plane = (place.type.shape[0], len(keys))
    query = build.broadcast_in_dim(place, shape=plane, broadcast_dimensions=(0,))
    key = build.iota(dtype=I32, shape=plane, iota_dimension=1)
    if keys.start:
        key = build.add(key, build.full_like(key, keys.start))
    is_causal, window = attributes["is_causal"], attributes["local_window_size"]
    seen = seen_by_place(build, query, key, is_causal, window)
    given = names.get("mask")
    shape = (1, 1, *plane) if given is None else (*given.type.shape[:2], *plane)
    conditions = [build.broadcast_in_dim(x, shape=shape, broadcast_dimensions=(2, 3)) for x in seen]
    if given is not None:
        conditions.append(
            build.broadcast_in_dim(given, shape=shape, broadcast_dimensions=(0, 1, 2, 3))
        )
    return reduce(build.and_, conditions)


# --- parts --------------------------------------------------------------------------------------


def _split(build: Builder, name: str, x: Value, segment: Segment) -> Value:
    """The queries of a segment in blocks: […, queries, …] as [blocks, …, block, …]."""
    axis, whole = _QUERY_AXES[name], segment.blocks * segment.block
    x = _part(build, x, axis, segment.queries)
    # what fills the last block up sees a key: weights of one that saw none might not be numbers
    filler = segment.queries.start if name == "place" else name == "mask"
    x = filled_up(build, x, {axis: whole}, filler)
    sizes = x.type.shape
    x = build.reshape(x, shape=(*sizes[:axis], segment.blocks, segment.block, *sizes[axis + 1 :]))
    others = [other for other in range(x.type.rank) if other != axis]
    return build.transpose(x, permutation=(axis, *others))


def _join(build: Builder, name: str, x: Value, segment: Segment) -> Value:
    """The inverse of `_split`."""
    axis = _QUERY_AXES[name]
    x = build.transpose(x, permutation=(*range(1, axis + 1), 0, *range(axis + 1, x.type.rank)))
    sizes = x.type.shape
    whole = segment.blocks * segment.block
    x = build.reshape(x, shape=(*sizes[:axis], whole, *sizes[axis + 2 :]))
    return _part(build, x, axis, range(len(segment.queries)))


def _part(build: Builder, x: Value, axis: int, places: range) -> Value:
    """Some places of an axis."""
    sizes = x.type.shape
    if len(places) == sizes[axis]:
        return x
    starts = [0] * len(sizes)
    starts[axis] = places.start
    limits = (*sizes[:axis], places.stop, *sizes[axis + 1 :])
    return build.slice(x, start_indices=starts, limit_indices=limits, strides=[1] * len(sizes))


def _read_part(build: Builder, name: str, x: Value, segment: Segment) -> Value:
    """Of what belongs to keys, that of the keys that a segment reads; all of anything else."""
    return _part(build, x, 1, segment.keys) if name in _OF_KEYS else x


def _put_back(build: Builder, whole: Value, part: Value, segment: Segment) -> Value:
    """An array with another in place of what `_read_part` gives of it."""
    if part.type == whole.type:
        return part
    zero, start = build.full(0, I32), build.full(segment.keys.start, I32)
    return build.dynamic_update_slice(whole, part, zero, start, zero, zero)


def _concatenated(build: Builder, name: str, parts: Sequence[Value]) -> Value:
    return parts[0] if len(parts) == 1 else build.concatenate(*parts, dimension=_QUERY_AXES[name])

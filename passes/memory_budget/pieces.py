"""Computing a part of a graph in pieces: a loop that makes a piece of each result at a time.

What is cut is read and written in place, a piece at a time; what is a sum grows with each piece
(the same idea as gradients of small batches that are added up). Between the nodes of the part only
one piece of each value is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graphc.dtypes import I32
from graphc.ir.attributes import Attributes
from graphc.ir.builder import Builder, GraphBuilder
from graphc.ir.editor import UNCHANGED, ChainedMap, GraphEditor, ValueMap
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.registry import OpRegistry
from graphc.ir.types import tensor_type
from passes.hidden_branches import always_after, can_anchor
from passes.memory_budget.axis_cuts import Cut, cuts_of, piece_attributes
from passes.memory_budget.piece_groups import PieceGroup, find_group, is_repeated
from passes.memory_budget.recomputation import RULE

_MOST_LOOPS: Final = 32


@dataclass(eq=False)
class InPieces:
    """A graph in which parts are computed in pieces.

    Attributes:
        graph: the very same graph where nothing is worth it.
        values: where the values of the graph before are.
        loops: those over pieces, of regions too.
        refused: for each graph, regions too, why nothing more is.
    """

    graph: Graph
    values: ValueMap = UNCHANGED
    loops: list[Node] = field(default_factory=list[Node])
    refused: list[str] = field(default_factory=list[str])


def in_pieces(graph: Graph, most: int, registry: OpRegistry) -> InPieces:
    """A graph, and what its nodes run, with what is large computed in at most so many pieces.

    Sums over pieces are rounded otherwise than sums over all; everything else stays what it is.
    """
    made = _regions_in_pieces(graph, most, registry)
    while True:
        group = find_group(made.graph, most)
        if isinstance(group, str) or len(made.loops) >= _MOST_LOOPS:
            made.refused.append(str(group))
            return made
        editor = GraphEditor(made.graph, registry)
        made.loops.append(place_group(editor, group))
        made.graph, then = editor.freeze()
        made.values = ChainedMap(made.values, then)


def _regions_in_pieces(graph: Graph, most: int, registry: OpRegistry) -> InPieces:
    made = InPieces(graph)
    editor: GraphEditor | None = None
    for node in graph.nodes:
        inner = [in_pieces(region, most, registry) for region in node.regions]
        made.refused += [reason for each in inner for reason in each.refused]
        loops = [loop for each in inner for loop in each.loops]
        if not loops:
            continue
        made.loops += loops
        editor = editor or GraphEditor(graph, registry)
        regions = tuple([each.graph for each in inner])
        with editor.build.located(node.origin, node.name):
            copy = editor.build.make(node.op, editor.operands(node), node.attributes, regions)
        for old, new in zip(node.outputs, copy.outputs, strict=True):
            editor.replace(old, new)
    if editor is not None:
        made.graph, made.values = editor.freeze()
    return made


def place_group(editor: GraphEditor, group: PieceGroup) -> Node:
    """Put a loop over pieces in the place of a group; gives the loop."""
    build = editor.build
    first = next(iter(group.cuts))
    with build.located(first.origin.with_rule(RULE), first.name):
        made = _make_loop(build, group)
    for old, new in zip(group.outputs, made, strict=True):
        editor.replace(old, new)
    return made[0].node


def _make_loop(build: Builder, group: PieceGroup) -> Sequence[Value]:
    body = _Body(build, group)
    results = [body.result(place, value) for place, value in enumerate(group.outputs)]
    region = body.build.finish(results)
    zero = _late_zero(build, group, list(body.operands))
    first = [
        build.broadcast_in_dim(
            build.convert(zero, dtype=v.type.dtype), shape=v.type.shape, broadcast_dimensions=()
        )
        for v in group.outputs
    ]
    numbers = build.iota(dtype=I32, shape=(group.count,), iota_dimension=0)
    made = build.scan(
        *first, numbers, *body.operands,
        regions=(region,), carries=len(first), invariants=len(body.operands), length=group.count,
        reverse=False,
    )  # fmt: skip
    return [made] if isinstance(made, Value) else made


def _late_zero(build: Builder, group: PieceGroup, operands: Sequence[Value]) -> Value:
    """A zero that is not there before the last operand is, so that no result is begun earlier."""
    places = {node: place for place, node in enumerate(group.graph.nodes)}
    anchors = [value for value in operands if can_anchor(value)]
    zero = build.full(0, I32)
    if not anchors:
        return zero
    last = max(anchors, key=lambda value: places[value.node])
    return build.select(always_after(build, last), zero, build.full(1, I32))


class _Body:
    """The body of a loop over pieces: a piece of what each node gives, made when it is asked for.

    Attributes:
        build: makes it; its inputs are the results so far, the number of the piece, the operands.
        operands: what the loop reads whole.
    """

    def __init__(self, build: Builder, group: PieceGroup) -> None:
        self.build = GraphBuilder(build.registry, build.origin, build.name)
        self.operands: dict[Value, Value] = {}
        self._group = group
        self._made: dict[tuple[Value, int | None], Value] = {}
        self._so_far = [self.build.input(v.type, f"result{i}") for i, v in enumerate(group.outputs)]
        self._number = self.build.input(tensor_type(I32, ()), "piece")
        for node in group.cuts:
            self._compute(node)

    def result(self, place: int, value: Value) -> Value:
        """A result with one piece more."""
        axis, so_far = self._group.axis_of(value), self._so_far[place]
        piece = self._made[value, axis]
        if axis is None:
            return self.build.add(so_far, piece)
        starts = self._starts(piece.type.shape, axis)
        return self.build.dynamic_update_slice(so_far, piece, *starts)

    def _compute(self, node: Node) -> None:
        cut = self._group.cuts[node]
        self._make(node, cut, piece_attributes(node, cut, self._group.count))

    def _make(self, node: Node, cut: Cut, attributes: Attributes) -> None:
        operands = tuple(map(self._piece, node.inputs, cut.operands))
        with self.build.located(node.origin, node.name):
            made = self.build.make(node.op, operands, attributes)
        self._made |= {
            (old, axis): new
            for old, axis, new in zip(node.outputs, cut.results, made.outputs, strict=True)
        }

    def _piece(self, value: Value, axis: int | None) -> Value:
        """A piece of a value along an axis; all of it without one."""
        key, node = (value, axis), value.node
        if key not in self._made and is_repeated(node):
            if axis is None:
                self._make(node, Cut((None,) * len(node.inputs), (None,)), node.attributes)
            else:
                for cut in cuts_of(node):
                    if cut.results == (axis,):
                        self._make(node, cut, piece_attributes(node, cut, self._group.count))
        if key not in self._made:
            self._made[key] = self._cut_out(value, axis)
        return self._made[key]

    def _cut_out(self, value: Value, axis: int | None) -> Value:
        if value not in self.operands:
            self.operands[value] = self.build.input(value.type, f"operand{len(self.operands)}")
        whole = self.operands[value]
        if axis is None:
            return whole
        sizes: list[Any] = list(whole.type.shape)
        sizes[axis] //= self._group.count
        return self.build.dynamic_slice(whole, *self._starts(sizes, axis), slice_sizes=tuple(sizes))

    def _starts(self, sizes: Sequence[Any], axis: int) -> list[Value]:
        zero = self.build.full(0, I32)
        start = self.build.multiply(self._number, self.build.full(sizes[axis], I32))
        return [start if place == axis else zero for place in range(len(sizes))]

"""Initial values of several shapes out of one hash.

What a weight draws is a function of its key and of positions, element by element, so the words of
all weights are one array: rows of equal length, each of one key from some position on. XLA compiles
the hash once, where a loop for each shape has its own; the rest, from words to numbers of a
distribution, is soon compiled. The rows are made by a loop over blocks of them: XLA would write the
hash into all that reads its result if it stood outside.

CPU seconds of a program of initial values, passes and XLA and its one run together, and MiB beside
its results (two cores that were busy, JAX 0.10, the medians of three):

    network                      a loop for each shape   one hash
    gated and plain layers, 16          0.60, 6.0        0.37, 22
    encoder with decoder, 16            0.84, 56         0.74, 56
    Transformer, 12                     0.55, 12.5       0.47, 36.5
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np

from graphc.dtypes import F32, U32
from graphc.ir.builder import Builder, GraphBuilder
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.op import Trait
from graphc.ir.types import tensor_type
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.pipeline import Pipeline
from graphc.rewriting.rules import Numerics
from graphc.rewriting.splats import splat_of
from graphc.rewriting.stream_keys import STREAM_KEYS, StreamKeys

_BLOCK: Final = 65_536
"""Words that an iteration of the loop makes: enough for two cores, little beside the weights."""
_WIDTHS: Final = (1024, 512, 256, 128, 64, 32, 16)
_WASTE: Final = 1.125
"""How many words, at most, there may be for each that is drawn: the last row of a draw is filled
up. Where no width keeps to it, the narrowest is taken.
"""


class _Weight(NamedTuple):
    """A value that is drawn, and then computed element by element.

    Attributes:
        draw: the node that draws.
        row: of the keys that are fed.
        size: how many numbers it draws.
        chain: what is done to the numbers, in order.
        kind: equal for weights that differ in their keys alone.
    """

    draw: Node
    row: int
    size: int
    chain: tuple[Node, ...]
    kind: object


@dataclass(frozen=True)
class FlatDraws(GraphPass):
    """Draws the fetches of a program of initial values together; on the CPU.

    Attributes:
        counts: for each result, of how many fetches it has a row, or None; see `PackedFetches`,
            which finds the results as they are made here.
        most: bytes of words that may lie beside the results while they are made.
    """

    name: ClassVar[str] = "flat_draws"
    effect_on_numbers: ClassVar[Numerics] = "exact"
    idempotent: ClassVar[bool] = True

    counts: tuple[int | None, ...] = ()
    most: int = 64 * 2**20

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        keys = [v for v in graph.inputs if v.node.attributes["name"] == STREAM_KEYS]
        if context.platform != "cpu" or context.memory is not None or not keys:
            return PassResult.unchanged(graph)
        editor = GraphEditor(graph, context.registry)
        packs = self._packs(editor)
        shapes = {pack[0].draw.attributes for _, pack in packs}
        if len(shapes) < 2:  # a loop is as good
            return PassResult.unchanged(graph)
        sizes = [pack[0].size for _, pack in packs for _ in pack]
        width = _width_of_rows(sizes)
        words = sum([_rows(size, width) * width for size in sizes])
        if U32.itemsize * words > self.most:
            reason = f"{U32.itemsize * words:,} bytes of words beside the weights are too many"
            context.trace.refuse(self.name, "draw", reason)
            return PassResult.unchanged(graph)
        weights = [weight for _, pack in packs for weight in pack]
        editor.build.origin, editor.build.name = weights[0].draw.origin.with_rule(self.name), ""
        table = _draw_words(editor.build, keys[0], weights, width)
        context.trace.fire(self.name, "draw", table.node)
        start = 0
        for values, pack in packs:
            rows = _rows(pack[0].size, width)
            _write_pack(editor, table, start, rows, values, pack)
            start += rows * len(pack)
        return PassResult.of(editor, {"draws": len(weights), "words": words})

    def _packs(self, editor: GraphEditor) -> list[tuple[list[Value], list[_Weight]]]:
        """The results whose rows differ in their keys alone, and that nothing else reads."""
        fetches = iter(editor.graph.fetches)
        found: list[tuple[list[Value], list[_Weight]]] = []
        taken: set[Node] = set()
        for count in self.counts:
            values = [next(fetches) for _ in range(count or 1)]
            pack = [weight for value in values if (weight := _weight_of(editor, value))]
            draws = {weight.draw for weight in pack}
            is_whole = len(draws) == len(values) and taken.isdisjoint(draws)
            if is_whole and len({weight.kind for weight in pack}) == 1:
                taken |= draws
                found.append((values, pack))
        return found


def _rows(size: int, width: int) -> int:
    return -(-size // width)


def _width_of_rows(sizes: Sequence[int]) -> int:
    """How many words a row has: many, but so that the last row of each draw is well filled."""
    for width in _WIDTHS:
        if sum([_rows(size, width) for size in sizes]) * width <= _WASTE * sum(sizes):
            return width
    return _WIDTHS[-1]


def _weight_of(editor: GraphEditor, value: Value) -> _Weight | None:
    """What a value is drawn by; None where it is no chain of elementwise nodes on one draw."""
    chain: list[Node] = []
    kind: list[object] = []
    shape = value.type.shape
    node = value.node
    while node.op.name not in _FROM_WORDS:
        if not node.op.has(Trait.ELEMENTWISE) or len(node.outputs) > 1:
            return None
        operands = [_splat(editor, operand, shape) for operand in node.inputs]
        if operands.count(None) != 1:
            return None
        chain.append(node)
        kind.append((node.op, node.attributes, tuple(operands)))
        value = node.inputs[operands.index(None)]
        if value.type.shape != shape or not editor.has_one_use(value):
            return None
        node = value.node
    row = _row_of_key(node.inputs[0])
    size = int(value.type.size) if value.type.is_static else 0
    if row is None or not size or node.attributes["dtype"] is not F32:
        return None
    kind.append((node.op, node.attributes))
    return _Weight(node, row, size, tuple(chain[::-1]), tuple(kind))


def _splat(editor: GraphEditor, value: Value, shape: Any) -> tuple[bytes, Any, bool] | None:
    """The number that an operand holds everywhere, its type, and whether it is a scalar."""
    splat = splat_of(value, editor)
    if splat is None or value.type.shape not in ((), shape):
        return None
    array = np.asarray(splat.scalar, value.type.dtype.numpy)
    return array.tobytes(), value.type.dtype, value.type.shape != shape


def _row_of_key(key: Value) -> int | None:
    """The row of the keys that are fed that a key is."""
    if key.node.op.name != "reshape":
        return None
    cut = key.node.inputs[0].node
    if cut.op.name != "dynamic_slice" or cut.inputs[0].node.op.name != "input":
        return None
    keys, row, first = (value.node for value in cut.inputs)
    if keys.attributes["name"] != STREAM_KEYS or {row.op.name, first.op.name} != {"constant"}:
        return None
    return None if first.attributes["value"].array else int(row.attributes["value"].array)


def _draw_words(build: Builder, keys: Value, weights: Sequence[_Weight], width: int) -> Value:
    """The words of all weights, each from a row of its own on: u32[rows, width]."""
    counts = [_rows(weight.size, width) for weight in weights]
    total = sum(counts)
    length = max(2, _rows(total * width, _BLOCK))  # one iteration would be no loop to XLA
    block = _rows(total, length)
    places = np.zeros(length * block, np.int32)
    starts = np.zeros(length * block, np.uint32)
    places[:total] = np.repeat([weight.row for weight in weights], counts)
    starts[:total] = np.concatenate([np.arange(count) * width for count in counts])
    of_rows = build.gather(
        keys,
        build.array(places[:, None]),
        offset_dims=(1,),
        collapsed_slice_dims=(0,),
        start_index_map=(0,),
        slice_sizes=(1, 2),
        mode="clip",
    )
    body = GraphBuilder(build.registry)
    given = (
        body.input(tensor_type(U32, (block, 2)), "keys"),
        body.input(tensor_type(U32, (block,)), "starts"),
    )
    region = body.finish([body.random_words(*given, width=width)])
    made = build.scan(
        build.reshape(of_rows, shape=(length, block, 2)),
        build.array(starts.reshape(length, block)),
        regions=(region,),
        carries=0,
        invariants=0,
        length=length,
        reverse=False,
    )
    return build.reshape(made, shape=(length * block, width))


def _write_pack(
    editor: GraphEditor,
    table: Value,
    start: int,
    rows: int,
    values: Sequence[Value],
    pack: Sequence[_Weight],
) -> None:
    """Let values be rows of one array that is made of their words.

    Args:
        editor: of the graph.
        table: the words.
        start: the first row of the words.
        rows: how many there are for each value.
        values: what is replaced.
        pack: how each is drawn.
    """
    build, count = editor.build, len(pack)
    first, shape = pack[0], values[0].type.shape
    whole_shape = shape if count == 1 else (count, *shape)
    size, width = first.size, int(table.type.shape[1])
    with build.located(values[0].node.origin.with_rule(FlatDraws.name), values[0].node.name):
        words = build.rows(table, start, start + rows * count)
        if rows * width != size:
            words = build.reshape(words, shape=(count, rows * width))
            words = build.slice(
                words, start_indices=(0, 0), limit_indices=(count, size), strides=(1, 1)
            )
        whole = _FROM_WORDS[first.draw.op.name](build, build.reshape(words, shape=whole_shape))
        for node in first.chain:
            operands = [_operand(editor, value, whole, shape) for value in node.inputs]
            whole = build.make(node.op, tuple(operands), node.attributes).output
    for row, value in enumerate(values):
        with build.located(value.node.origin.with_rule(FlatDraws.name), value.node.name):
            own = whole
            if count > 1:
                own = build.reshape(build.rows(whole, row, row + 1), shape=shape)
        editor.replace(value, own)


def _operand(editor: GraphEditor, value: Value, whole: Value, shape: Any) -> Value:
    """What an operand of a node on one weight is where the node is on all of a pack."""
    splat = splat_of(value, editor)
    if splat is None:
        return whole
    shape = whole.type.shape if value.type.shape == shape else ()
    return editor.build.full(splat.scalar, value.type.dtype, shape)


# -- from words to numbers, as `jax.random` has it -------------------------------------------------


def _uniform(build: Builder, words: Value) -> Value:
    """In [0, 1): the 23 upper bits are the mantissa of a number in [1, 2), less one."""
    mantissa = build.shift_right_logical(words, build.full_like(words, np.uint32(9)))
    one = build.full_like(words, np.float32(1).view(np.uint32))
    spread = build.bitcast_convert(build.or_(mantissa, one), dtype=F32)
    return build.subtract(spread, build.full_like(spread, np.float32(1)))


def _normal(build: Builder, words: Value) -> Value:
    """The quantile function of the normal distribution at numbers spread over (-1, 1)."""
    low = np.nextafter(np.float32(-1), np.float32(0))
    unit = _uniform(build, words)
    width = build.full_like(unit, np.float32(1) - low)
    least = build.full_like(unit, low)
    spread = build.maximum(least, build.add(build.multiply(unit, width), least))
    root = build.full_like(unit, np.float32(math.sqrt(2)))
    return build.multiply(root, build.erf_inv(spread))


_FROM_WORDS: Final = {"random_uniform": _uniform, "random_normal": _normal}


def with_flat_draws(pipeline: Pipeline, counts: Sequence[int | None]) -> Pipeline:
    """A pipeline that draws results of so many fetches each together; as it is without fed keys."""
    if StreamKeys.name not in pipeline.pass_names:
        return pipeline
    return pipeline.after(StreamKeys.name, FlatDraws(tuple(counts)))

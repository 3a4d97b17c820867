"""The pass that leaves padding out: of the samples of a batch only the first so many count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from graphc.dimensions import Dim, Dimension
from graphc.dtypes import I32, DType
from graphc.errors import GraphcError
from graphc.ir.builder import Builder
from graphc.ir.editor import ValueMap
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.rewriting.batch_rows.examination import Examination, examine
from graphc.rewriting.batch_rows.row_axes import RowAxes
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.pipeline import Pipeline, Stage
from graphc.rewriting.rules import Numerics

MASKED = "masked"


@dataclass(frozen=True)
class BatchMasking(GraphPass):
    """Makes a step on a full batch one on its first samples, for any number of them.

    Sums and extrema over samples leave the others out, and the number of samples is the fed one.
    The gradient of what is left out is zero, so this comes before differentiation. What is computed
    for the other samples must be harmless: they are copies of samples that count.

    Attributes:
        batch: the symbol that stands for the size of a batch.
        samples: the name of the feed, i32[], that says how many count.
    """

    name: ClassVar[str] = "batch_masking"
    required: ClassVar[bool] = True
    effect_on_numbers: ClassVar[Numerics] = "reassociates"

    batch: Dim
    samples: str

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        found = examine(graph, self.batch)
        if found.refusals:
            raise GraphcError(
                "a step that mixes samples cannot leave some out",
                given="; ".join(map(str, found.refusals)),
            )
        (samples,) = [v for v in graph.inputs if v.node.attributes["name"] == self.samples]
        masker = _Masker(found, samples, RowAxes(self.batch), context)
        made = masker.copy(graph)
        details = {"masked": len(found.masks), "sizes": len(found.sizes)}
        return PassResult(made, True, ValueMap(rebuilt=masker.rebuilt), details)


class _Masker:
    """Copies a graph in its order, by which additions to a variable are ordered."""

    def __init__(
        self, found: Examination, samples: Value, axes: RowAxes, context: PassContext
    ) -> None:
        self.nodes: list[Node] = []
        self.rebuilt: dict[Node, Node] = {}
        self._found, self._samples, self._axes = found, samples, axes
        self._build = Builder(self.nodes.append, context.registry)
        self._counts: dict[Dimension, Value] = {}

    def copy(self, graph: Graph) -> Graph:
        inputs = [value.node for value in graph.inputs]
        known = set(inputs)
        self.nodes += inputs
        for node in graph.nodes:
            if node not in known:
                self._copy_node(node)
        outputs = [self._moved(value) for value in graph.outputs]
        return Graph(graph.inputs, outputs, self.nodes, graph.update_names, graph.constraints)

    def _copy_node(self, node: Node) -> None:
        operands = [self._moved(value) for value in node.inputs]
        with self._build.located(node.origin, node.name):
            if node in self._found.sizes:
                axis: int = node.attributes["axis"]
                self.rebuilt[node] = self._count(node.inputs[0].type.shape[axis]).node
                return
            for mask in self._found.masks.get(node, ()):
                operands[mask.operand] = self._masked(operands[mask.operand], mask.filling)
        if tuple(operands) == node.inputs:
            self.nodes.append(node)
            return
        types = tuple([value.type for value in node.outputs])
        made = Node(
            node.op, tuple(operands), node.attributes, types, node.regions, node.name, node.origin
        )
        self.rebuilt[node] = made
        self.nodes.append(made)

    def _moved(self, value: Value) -> Value:
        node = self.rebuilt.get(value.node)
        return value if node is None else node.outputs[value.index]

    def _count(self, size: Dimension) -> Value:
        """How many rows count along an axis of this size; i32[]."""
        found = self._counts.get(size)
        if found is None:
            each = self._axes.rows_per_sample(size)
            assert each is not None, "the examination found such sizes alone"
            found = self._build.multiply(self._samples, self._build.full(each, I32))
            self._counts[size] = found
        return found

    def _masked(self, value: Value, filling: str) -> Value:
        build, shape = self._build, value.type.shape
        axis = self._axes.of(value)
        assert axis is not None, "only what holds samples is masked"
        rows = build.iota(dtype=I32, shape=shape, iota_dimension=axis)
        count = build.broadcast_in_dim(
            self._count(shape[axis]), shape=shape, broadcast_dimensions=()
        )
        counts = build.compare(rows, count, direction="LT")
        return build.select(counts, value, build.full_like(value, _number(filling, value)))


def _number(filling: str, value: Value) -> Any:
    dtype: DType = value.type.dtype
    if filling in ("zero", "one"):
        return filling == "one"
    kind = dtype.numpy
    if kind.kind == "b":
        return filling in ("every_bit", "highest")
    if filling == "every_bit":
        return np.invert(np.zeros((), kind))
    sign = -1 if filling == "lowest" else 1
    if dtype.is_inexact:
        return sign * np.inf
    limits = np.iinfo(kind)
    return limits.min if sign < 0 else limits.max


def with_batch_masking(pipeline: Pipeline, masking: BatchMasking) -> Pipeline:
    """A pipeline that begins with a stage "masked"."""
    return Pipeline((Stage(MASKED, (masking,)), *pipeline.stages))

"""Keys of streams that the host makes: one input with a row for each.

On the device a key costs a hash of two words. That is nothing where a program runs often, but XLA
takes as long to compile it as to compile a hash of a million, and a program of initial values does
little else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from graphc.dtypes import U32
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from graphc.ir.types import tensor_type
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.pipeline import Pipeline
from graphc.rewriting.rules import Numerics

STREAM_KEYS: Final = "graphc/stream_keys"
"""The name of the input: u32[streams, 2]."""


def streams_of(graph: Graph) -> tuple[int, ...]:
    """The streams that a graph as it was built draws from, outside its loops and branches."""
    nodes = [node for node in graph.nodes if node.op.name == "random_key"]
    return tuple(dict.fromkeys(node.attributes["stream"] for node in nodes))


def takes_stream_keys(graph: Graph) -> bool:
    """Whether a graph is fed keys: not where all that it draws turned out to be of no use."""
    return any(value.node.attributes["name"] == STREAM_KEYS for value in graph.inputs)


@dataclass(frozen=True)
class StreamKeys(GraphPass):
    """Takes the keys of streams from an input.

    A row is read at a number that is data, so that draws of many streams are still alike and can be
    rolled. What is drawn inside loops and branches hangs on seed and counter as before.

    Attributes:
        streams: which streams, in the order of the rows; more than are drawn from do no harm.
    """

    name: ClassVar[str] = "stream_keys"
    required: ClassVar[bool] = True
    effect_on_numbers: ClassVar[Numerics] = "exact"

    streams: tuple[int, ...] = ()

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        rows = {stream: row for row, stream in enumerate(self.streams)}
        found = [node for node in graph.nodes if _stream_of(node) in rows]
        if not found:
            return PassResult.unchanged(graph)
        editor = GraphEditor(graph, context.registry)
        build = editor.build
        with build.located(found[0].origin.with_rule(self.name), STREAM_KEYS):
            keys = build.input(tensor_type(U32, (len(rows), 2)), STREAM_KEYS, "feed")
            first = build.array(np.int32(0))  # one for all: a loop reads it, and stacks no copies
        editor.inputs.append(keys)
        for node in found:
            with build.located(node.origin.with_rule(self.name), node.name):
                row = build.array(np.int32(rows[_stream_of(node)]))
                cut = build.dynamic_slice(keys, row, first, slice_sizes=(1, 2))
                editor.replace(node.output, build.reshape(cut, shape=(2,)))
        return PassResult.of(editor, {"keys": len(found)})


def _stream_of(node: Node) -> int:
    """The stream whose key a node gives; -1 where it gives none."""
    if node.op.name != "random_fold":
        return -1
    base, stream = (value.node for value in node.inputs)
    is_key = base.op.name == "random_base" and stream.op.name == "constant"
    return int(stream.attributes["value"].array) if is_key else -1


def with_stream_keys(pipeline: Pipeline, streams: Sequence[int]) -> Pipeline:
    """A pipeline that asks for the keys of streams before it rolls; as it is if it never does."""
    if "rolled" not in pipeline.stage_names:
        return pipeline
    return pipeline.before("rolled", StreamKeys(tuple(streams)))

"""Dropouts of several rates, written out, so that their rates are numbers that a loop scans over.

The rate of a `dropout` is an attribute. Where it grows with depth, as the stochastic depth of
vision Transformers does, no layer would be a copy of another. The ops that a dropout stands for are
alike but for two constants; its gradient is theirs, to the last bit.

Source of growing rates: G. Huang and others, "Deep Networks with Stochastic Depth", ECCV 2016.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from graphc.ir.builder import decomposition_graph, inline
from graphc.ir.editor import GraphEditor, ValueMap
from graphc.ir.graph import Graph
from graphc.ir.node import Node
from passes.layer_rolling.emission import RULE

_DROPOUT: Final = "dropout"


def dropouts_of_several_rates(nodes: Iterable[Node], least: int) -> list[Node]:
    """The dropouts that differ in nothing but their rates from enough others.

    At the rates 0 and 1 a dropout stands for other ops: these are none of them.

    Args:
        nodes: among which to look.
        least: how many there must be of one kind.
    """
    kinds: dict[object, list[Node]] = {}
    for node in nodes:
        if node.op.name == _DROPOUT and 0 < node.attributes["rate"] < 1:
            kind = node.inputs[0].type, node.attributes["shared_axes"]
            kinds.setdefault(kind, []).append(node)
    return [
        node
        for alike in kinds.values()
        if len(alike) >= least and len({each.attributes["rate"] for each in alike}) > 1
        for node in alike
    ]


def write_out(graph: Graph, dropouts: Iterable[Node]) -> tuple[Graph, ValueMap]:
    """A graph in which some dropouts are the ops that they stand for, and where values are."""
    editor = GraphEditor(graph)
    for node in dropouts:
        meaning = decomposition_graph(node.call)
        with editor.build.located(node.origin.with_rule(RULE), node.name):
            made = inline(editor.build, meaning, editor.operands(node))
        for old, new in zip(node.outputs, made, strict=True):
            editor.replace(old, new)
    return editor.freeze()

"""Passes of a third party that are wrong, each in its own way: what `verify` must find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from graphc.dtypes import F64
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.ir.types import as_type
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.match import Match
from graphc.rewriting.rule_pass import RulePass
from graphc.rewriting.rules import Numerics, RuleCollector
from graphc.rewriting.terms import Tensor, op


def nodes_of(graph: Graph, op_name: str) -> list[Node]:
    return [node for node in graph.nodes if node.op.name == op_name]


@dataclass(frozen=True)
class AddsAConstant(GraphPass):
    """Every tanh becomes a little larger, once."""

    name: ClassVar[str] = "adds_a_constant"
    amount: float = 1e-3

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        editor = GraphEditor(graph)
        for node in nodes_of(graph, "tanh"):
            if "adds_a_constant" in node.origin.rules:
                continue
            build = editor.build
            with build.located(node.origin.with_rule(self.name), node.name):
                again = build.tanh(editor.operands(node)[0])
                made = build.add(again, build.full_like(again, self.amount))
            editor.replace(node.output, made)
        return PassResult.of(editor) if editor.new_nodes else PassResult.unchanged(graph)


@dataclass(frozen=True)
class WidensAFetch(GraphPass):
    """The first fetch becomes float64."""

    name: ClassVar[str] = "widens_a_fetch"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        first, *rest = graph.outputs
        if first.type.dtype is F64:
            return PassResult.unchanged(graph)
        editor = GraphEditor(graph)
        wide = editor.build.convert(first, dtype=F64)
        editor.set_outputs([wide, *rest], graph.update_names)
        return PassResult.of(editor)


@dataclass(frozen=True)
class DropsAnUpdate(GraphPass):
    """The last variable is not updated any more."""

    name: ClassVar[str] = "drops_an_update"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        if len(graph.update_names) < 2:
            return PassResult.unchanged(graph)
        editor = GraphEditor(graph)
        editor.set_outputs(graph.outputs[:-1], graph.update_names[:-1])
        return PassResult.of(editor)


@dataclass(frozen=True)
class ForgetsASample(GraphPass):
    """Sums leave out what is infinite: numbers become finite that are not."""

    name: ClassVar[str] = "forgets_a_sample"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        editor = GraphEditor(graph)
        for node in nodes_of(graph, "log"):
            if self.name in node.origin.rules:
                continue
            build = editor.build
            with build.located(node.origin.with_rule(self.name), node.name):
                again = build.log(editor.operands(node)[0])
                zero = build.full_like(again, 0)
                made = build.select(build.is_finite(again), again, zero)
            editor.replace(node.output, made)
        return PassResult.of(editor) if editor.new_nodes else PassResult.unchanged(graph)


def associating_rules(numerics: Numerics) -> RulePass:
    """`(x - y) - z` becomes `x - (y + z)`, beside rules that are right."""
    rules = RuleCollector("associates")

    @rules.rewrite("exact", op("negate", op("negate", Tensor("x"))))
    def double_negation(match: Match) -> Value:
        return match["x"]

    @rules.rewrite(numerics, op("subtract", op("subtract", Tensor("x"), Tensor("y")), Tensor("z")))
    def to_the_right(match: Match) -> Value:
        return match.build.subtract(match["x"], match.build.add(match["y"], match["z"]))

    @rules.rewrite("reassociates", op("subtract", op("negate", Tensor("x")), Tensor("y")))
    def negated_sum(match: Match) -> Value:
        return match.build.negate(match.build.add(match["x"], match["y"]))

    return RulePass(rules.rule_set())


def wrong_rules() -> RulePass:
    """A rule that takes the cosine for the sine, beside rules that are right."""
    rules = RuleCollector("trigonometry")

    @rules.rewrite("exact", op("cosine", op("negate", Tensor("x"))))
    def even(match: Match) -> Value:
        return match.build.cosine(match["x"])

    @rules.rewrite("reassociates", op("sine", op("negate", Tensor("x"))))
    def odd(match: Match) -> Value:
        return match.build.sine(match["x"])

    @rules.rewrite("reassociates", op("add", Tensor("x"), Tensor("x")))
    def twice(match: Match) -> Value:
        return match.build.multiply(match["x"], match.build.full_like(match["x"], np.float32(2)))

    return RulePass(rules.rule_set())


@dataclass(frozen=True)
class BreaksTypes(GraphPass):
    """A pass that gives back a node whose type its own rule refuses."""

    name: ClassVar[str] = "breaks_types"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        editor = GraphEditor(graph)
        (output,) = graph.outputs
        node = output.node
        wrong = Node(
            node.op, node.inputs, node.attributes, (as_type("int8", (7,)),), (), "", node.origin
        )
        editor.set_outputs([wrong.output])
        return PassResult.of(editor)

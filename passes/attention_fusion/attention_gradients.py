"""The pass that finds attention together with its gradient: see the package's description."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Final

from graphc.dimensions import Dimension, product
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.attention_fusion.emission import as_written, emit, emit_gradient, hidden_places
from passes.attention_fusion.products import Found, NearMissError, find_shared_attention
from passes.attention_fusion.written_gradients import VALUE, GradientSearch
from passes.region_rewriting import NodeReplacement

RULE: Final = "attention_gradients"


@dataclass(frozen=True)
class AttentionGradients(GraphPass):
    """Finds long attention whose gradient is written out beside it: a train step of JAX.

    Short attention is left as it is: its weights are better kept than computed again.

    Attributes:
        least_bytes: how large all logits together must be: from there on it is cut into blocks.
    """

    least_bytes: int = 32 * 2**20

    name: ClassVar[str] = RULE
    idempotent: ClassVar[bool] = True
    effect_on_numbers: ClassVar[Numerics] = "stabilises"

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        emission = _Emission(context)
        replacement = NodeReplacement(
            context.registry, "dot_general", emission.replace, self._may_be_attention
        )
        editor = replacement.edit(graph)
        if editor is None or not emission.count:
            return PassResult.unchanged(graph)
        return PassResult.of(editor, {"attentions": emission.count})

    def _may_be_attention(self, node: Node) -> bool:
        """Whether an operand is as large as the weights must be."""
        return any(self._is_large(value) for value in node.inputs)

    def _is_large(self, value: Value) -> bool:
        size: Dimension = product(value.type.shape)
        return isinstance(size, int) and size * value.type.dtype.itemsize >= self.least_bytes


class _Emission:
    """Puts the two ops in place of what was found.

    Attributes:
        count: how often.
    """

    def __init__(self, context: PassContext) -> None:
        self.count = 0
        self._context = context

    def replace(self, editor: GraphEditor, node: Node) -> None:
        if editor.is_dead(node):
            return
        try:
            found = find_shared_attention(node, editor)
            if found is None:
                return
            search = GradientSearch(found, node)
            hidden_places(found)
            search.run()
            _require_order(editor, found, search)
        except NearMissError as reason:
            self._context.trace.refuse(RULE, "attention_and_gradient", str(reason))
            return
        self.count += 1
        self._context.trace.fire(RULE, "attention_and_gradient", node)
        with editor.build.located(node.origin.with_rule(RULE), node.name):
            editor.replace(node.output, emit(editor.build, found, node.output.type.shape))
        first = search.cotangents[0].product
        with editor.build.located(first.origin.with_rule(RULE), first.name):
            self._replace_cotangents(editor, found, search)

    def _replace_cotangents(
        self, editor: GraphEditor, found: Found, search: GradientSearch
    ) -> None:
        build = editor.build
        results = emit_gradient(build, found, search.ct)
        for cotangent in search.cotangents:
            result, order = results[cotangent.operand]
            if not math.isclose(cotangent.factor, 1, rel_tol=1e-6):
                result = build.multiply(result, build.full_like(result, cotangent.factor))
            old = cotangent.product.output
            made = as_written(build, found, result, order, cotangent.axes, old.type.shape)
            editor.replace(old, made)


def _require_order(editor: GraphEditor, found: Found, search: GradientSearch) -> None:
    """Refuse values that may be computed from their own cotangent, which one op gives now."""
    places = {node: place for place, node in enumerate(editor.graph.nodes)}

    def place(node: Node) -> int:
        known = places.get(node)
        if known is None:
            operands = editor.operands(node)
            known = places[node] = max([place(each.node) for each in operands], default=0)
        return known

    last = place(found.value.value.node)
    for cotangent in search.cotangents:
        if cotangent.operand == VALUE and place(cotangent.product) < last:
            raise NearMissError("the values come after their own cotangent")

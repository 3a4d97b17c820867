"""The pass that cuts long attention into blocks: see the package's description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from graphc.ir.attributes import Attributes
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from passes.attention_legalization.block_plan import ROWS, plan_blocks
from passes.attention_legalization.forward_loops import Forward, forward
from passes.attention_legalization.gradient_loops import gradient
from passes.attention_sizes import has_logits_of
from passes.region_rewriting import NodeReplacement

RULE: Final = "attention_legalization"
_OPS: Final = ("attention", "attention_gradient")


@dataclass(frozen=True)
class AttentionLegalization(GraphPass):
    """Writes attention of many queries and keys as loops over blocks of both.

    All logits together are the largest array of a Transformer. Blocks of them stay in the cache,
    and blocks that are all hidden, by order or by distance, are left out. The numbers are those of
    the op, of queries that see no key too.

    Attributes:
        least_bytes: how large all logits together must be; below, the products of a small block
            gain nothing and the loops take time to compile (measured: `benchmarks.attention`).
        block: how many queries (those of heads that share keys together) and keys make a block.
        platforms: where it is done: where it was measured. Elsewhere XLA gets the op written out.
    """

    least_bytes: int = 32 * 2**20
    block: int = ROWS
    platforms: tuple[str, ...] = ("cpu",)

    name: ClassVar[str] = RULE
    idempotent: ClassVar[bool] = True

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        if context.platform not in self.platforms:
            return PassResult.unchanged(graph)
        emission = _Emission(context, self.block)
        replacement = NodeReplacement(context.registry, _OPS, emission.replace, self._is_long)
        editor = replacement.edit(graph)
        if editor is None:
            return PassResult.unchanged(graph)
        return PassResult.of(editor, {"attentions": len(replacement.found)})

    def _is_long(self, node: Node) -> bool:
        return has_logits_of(node, self.least_bytes)


class _Emission:
    """Puts loops in place of nodes; a gradient reads what the loops of its attention gave."""

    def __init__(self, context: PassContext, block: int) -> None:
        self._context = context
        self._block = block
        self._made: dict[tuple[GraphEditor, tuple[Value, ...], Attributes], Forward] = {}

    def replace(self, editor: GraphEditor, node: Node) -> None:
        is_gradient = node.op.name == "attention_gradient"
        build, operands = editor.build, editor.operands(node)
        taken = operands[:-1] if is_gradient else operands
        plan = plan_blocks(node, len(taken), self._block)
        key = (editor, taken, node.attributes)
        with build.located(node.origin.with_rule(RULE), node.name):
            found = self._made.get(key)
            if found is None:
                found = self._made[key] = forward(build, plan, taken)
            if is_gradient:
                results = gradient(build, plan, taken, found, operands[-1])
            else:
                results = [plan.join_queries(build, found.result)]
        for old, new in zip(node.outputs, results, strict=True):
            editor.replace(old, new)
        self._context.trace.fire(RULE, node.op.name, node)

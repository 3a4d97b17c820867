"""The pass that cuts long attention into blocks: see the package's description."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal

from graphc.ir.attributes import Attributes
from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from passes.attention_legalization.block_plan import ROWS, plan_blocks
from passes.attention_legalization.forward_loops import Forward, forward
from passes.attention_legalization.gradient_loops import gradient
from passes.attention_legalization.query_blocks import QueryBlocks
from passes.attention_legalization.query_loops import by_query_blocks
from passes.attention_sizes import has_logits_of
from passes.region_rewriting import NodeReplacement

RULE: Final = "attention_legalization"
_OPS: Final = ("attention", "attention_gradient")


@dataclass(frozen=True)
class AttentionLegalization(GraphPass):
    """Writes attention of many queries and keys as loops over blocks.

    All logits together are the largest array of a Transformer. The numbers are those of the op, of
    queries that see no key too. There are two forms:

    * `blocks`, of CPUs: one example and head at a time, blocks of queries and of keys. They stay in
      a core's cache, and those that are all hidden, by order or by distance, are left out.
    * `query_blocks`, of all else: blocks of queries alone, for all examples and heads at once. They
      take a tenth of the memory and more time: on an H100 with gradients, at 4,096 and 8 heads in
      float32, 1.2 times as long where causal, 1.9 times where all keys are seen. So they are left
      to programs that have to save memory, and to logits that hardly any chip has room for.

    Attributes:
        least_bytes: how large all logits together must be; below, the products of a small block
            gain nothing and the loops take time to compile (measured: `benchmarks.attention`).
        huge_bytes: how large, for `query_blocks`, where no memory has to be saved.
        form: which of them; None for that of the platform.
        block: how many queries (those of heads that share keys together) and keys make a block.
        query_blocks: how large blocks of queries alone are.
    """

    least_bytes: int = 32 * 2**20
    huge_bytes: int = 2 * 2**30
    form: Literal["blocks", "query_blocks"] | None = None
    block: int = ROWS
    query_blocks: QueryBlocks = field(default_factory=QueryBlocks)

    name: ClassVar[str] = RULE
    idempotent: ClassVar[bool] = True

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        form = self.form or ("blocks" if context.platform == "cpu" else "query_blocks")
        write, least = _Blocks(self.block).results, self.least_bytes
        if form == "query_blocks":
            write = self._by_query_blocks
            least = least if context.has_to_save else max(least, self.huge_bytes)

        def is_wanted(node: Node) -> bool:
            is_long = has_logits_of(node, least)
            return is_long and (form == "blocks" or self.query_blocks.divide(node))

        def replace(editor: GraphEditor, node: Node) -> None:
            with editor.build.located(node.origin.with_rule(RULE), node.name):
                results = write(editor, node)
            for old, new in zip(node.outputs, results, strict=True):
                editor.replace(old, new)
            context.trace.fire(RULE, node.op.name, node)

        replacement = NodeReplacement(context.registry, _OPS, replace, is_wanted)
        editor = replacement.edit(graph)
        if editor is None:
            return PassResult.unchanged(graph)
        return PassResult.of(editor, {"attentions": len(replacement.found)})

    def _by_query_blocks(self, editor: GraphEditor, node: Node) -> list[Value]:
        segments = self.query_blocks.segments(node)
        return by_query_blocks(editor.build, node, editor.operands(node), segments)


class _Blocks:
    """Loops over blocks of queries and keys; a gradient reads what those of its attention gave."""

    def __init__(self, block: int) -> None:
        self._block = block
        self._made: dict[tuple[GraphEditor, tuple[Value, ...], Attributes], Forward] = {}

    def results(self, editor: GraphEditor, node: Node) -> list[Value]:
        is_gradient = node.op.name == "attention_gradient"
        build, operands = editor.build, editor.operands(node)
        taken = operands[:-1] if is_gradient else operands
        plan = plan_blocks(node, len(taken), self._block)
        key = (editor, taken, node.attributes)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = forward(build, plan, taken)
        if is_gradient:
            return gradient(build, plan, taken, found, operands[-1])
        return [plan.join_queries(build, found.result)]

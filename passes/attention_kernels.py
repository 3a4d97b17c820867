"""The pass that gives attention to the fused kernel of the chip, where it has one: GPUs, by cuDNN.

A kernel reads queries, keys and values once, and no logit is written. It takes numbers of 16 bits;
wider ones are left to `AttentionLegalization`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from graphc.ir.editor import GraphEditor
from graphc.ir.graph import Graph
from graphc.ir.node import Node, Value
from graphc.opset.attention.flash import NOT_OF_KERNELS, refusal
from graphc.rewriting.graph_pass import GraphPass, PassContext, PassResult
from graphc.rewriting.rules import Numerics
from passes.attention_sizes import has_logits_of
from passes.region_rewriting import NodeReplacement

RULE = "attention_kernels"
_OPS = ("attention", "attention_gradient")


@dataclass(frozen=True)
class AttentionKernels(GraphPass):
    """Computes attention and its gradient by cuDNN; on GPUs.

    What JAX's kernel does not take is left as it is, and the trace says why.

    Attributes:
        least_bytes: how large all logits together must be. On an H100 result and gradients take
            0.24 of the time of the ops written out at 128 MiB, and 1.8 times as long at 8 MiB.
        implementation: JAX's name of the kernel; "xla" is none, and runs everywhere.
    """

    least_bytes: int = 32 * 2**20
    implementation: str = "cudnn"

    name: ClassVar[str] = RULE
    effect_on_numbers: ClassVar[Numerics] = "reassociates"
    idempotent: ClassVar[bool] = True

    def apply(self, graph: Graph, context: PassContext) -> PassResult:
        if context.platform != "gpu":
            return PassResult.unchanged(graph)

        def is_wanted(node: Node) -> bool:
            if not has_logits_of(node, self.least_bytes):
                return False
            why = refusal(node, self.implementation)
            if why is not None:
                context.trace.refuse(self.name, node.op.name, why)
            return why is None

        replacement = NodeReplacement(context.registry, _OPS, self._replace, is_wanted)
        editor = replacement.edit(graph)
        if editor is None:
            return PassResult.unchanged(graph)
        for node in replacement.found:
            context.trace.fire(self.name, node.op.name, node)
        return PassResult.of(editor, {"attentions": len(replacement.found)})

    def _replace(self, editor: GraphEditor, node: Node) -> None:
        build = editor.build
        attributes = {
            name: each for name, each in node.attributes.items() if name not in NOT_OF_KERNELS
        }
        is_gradient = node.op.name == "attention_gradient"
        make = build.flash_attention_gradient if is_gradient else build.flash_attention
        with build.located(node.origin.with_rule(RULE), node.name):
            made = make(*editor.operands(node), **attributes, implementation=self.implementation)
        results: Sequence[Value] = made if is_gradient else (made,)
        for old, new in zip(node.outputs, results, strict=True):
            editor.replace(old, new)

"""The stage `legalized`: attention of long sequences in a form that needs little memory.

* named_loops: loops whose operands and results go by names.
* block_plan: how an attention is cut into blocks of queries and of keys, on a CPU.
* block_logits: one block of logits, and which blocks a block of queries looks at.
* forward_loops: the result, with the maximum and the total of each query's exponentials.
* gradient_loops: the cotangents, from those.
* query_blocks: how an attention is cut into blocks of queries alone, anywhere else.
* query_loops: the result, or the cotangents, by those.
* attention_legalization: the pass.
"""

from passes.attention_legalization.attention_legalization import AttentionLegalization

__all__ = ["AttentionLegalization"]

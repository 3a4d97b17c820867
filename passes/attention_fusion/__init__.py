"""The stage `composed`: attention that was written out in other ops, found and named.

* axis_atoms: axes by what they stand for, through transposes, reshapes and broadcasts.
* masks: which keys a condition hides: later ones, far ones, or any.
* logits: from the softmax up to the product of queries and keys: scale, bias, masks.
* products: the product of weights and values, and what belongs together in both.
* emission: the op, in the layout that it takes, and its result in the layout that was written.
* attention_fusion: the rule and the pass.
* written_gradients: from there down to the gradient, in a train step that has it written out.
* attention_gradients: the pass for both together.
"""

from passes.attention_fusion.attention_fusion import RULES, AttentionFusion
from passes.attention_fusion.attention_gradients import AttentionGradients

__all__ = ["RULES", "AttentionFusion", "AttentionGradients"]

"""How large attention is, for the passes that choose a form for it."""

from __future__ import annotations

from typing import Any

from graphc.ir.node import Node
from graphc.opset.attention.signature import computed_in, sizes_of


def has_logits_of(node: Node, least_bytes: int) -> bool:
    """Whether all logits of an attention, or of its gradient, have at least these bytes."""
    types = tuple([value.type for value in node.inputs])
    if not all(type_.is_static and type_.size for type_ in types):
        return False
    return logits_bytes(node) >= least_bytes


def logits_bytes(node: Node) -> int:
    """What all logits of an attention, or of its gradient, take; sizes are known."""
    types = tuple([value.type for value in node.inputs])
    sizes: Any = sizes_of(types)
    return sizes.B * sizes.N * sizes.T * sizes.S * computed_in(types[0].dtype).itemsize

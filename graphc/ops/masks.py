"""Masks: which steps of a sequence count, noted beside the tensor that holds the sequence."""

from __future__ import annotations

from typing import Any

from graphc.ops.tensor import Tensor


def mask_of(tensor: Any) -> Tensor | None:
    """The mask of a tensor, bool[batch, steps], if it has one."""
    return tensor.graph.records.masks.get(tensor.value) if isinstance(tensor, Tensor) else None


def set_mask(tensor: Tensor, mask: Tensor) -> None:
    """Note the mask of a tensor: True for what counts."""
    tensor.graph.records.masks[tensor.value] = mask

"""Shapes as Keras writes them: tuples of sizes, None where a size is not known yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphc.ops.tensor import Tensor


def known_sizes(tensor: Tensor) -> tuple[int | None, ...]:
    """The sizes of a tensor, None in the place of symbols."""
    return tuple([size if isinstance(size, int) else None for size in tensor.shape])


def known_shapes(structure: Any) -> Any:
    """The sizes of tensors in their place in a nesting; None for what is no tensor."""
    if isinstance(structure, Tensor):
        return known_sizes(structure)
    if isinstance(structure, Mapping):
        return {name: known_shapes(item) for name, item in structure.items()}
    if isinstance(structure, (list, tuple)):
        return type(structure)([known_shapes(item) for item in structure])
    return None

"""What layers share that make one tensor of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.layer import Layer
from graphc.ops.comparison import logical_or
from graphc.ops.masks import mask_of
from graphc.ops.shaping import broadcast_to, expand_dims
from graphc.ops.tensor import Tensor


class Merge(Layer):
    """Several tensors to one, element by element; a base class.

    Tensors of fewer axes get axes of size 1 behind that of the batch. A step counts in the result
    if it counts in one of the inputs, when each has a mask.

    Args:
        **kwargs: see `Layer`.

    Raises:
        ShapeError: what it is called on is no list of tensors.
    """

    needed: int | None = None
    """How many inputs there must be; None for any number from 1 on."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def merged(self, inputs: list[Tensor]) -> Tensor:
        """The result for inputs that have equally many axes."""
        raise NotImplementedError

    def call(self, inputs: Any) -> Tensor:
        return self.merged(_of_one_rank(self.listed(inputs)))

    def listed(self, inputs: Any) -> list[Tensor]:
        """The inputs, if they are a list of as many tensors as there must be."""
        fits = isinstance(inputs, (list, tuple)) and len(inputs) == (self.needed or len(inputs))
        if not fits or not inputs:
            count = "at least one tensor" if self.needed is None else f"{self.needed} tensors"
            given = f"{len(inputs)} tensors" if isinstance(inputs, (list, tuple)) else repr(inputs)
            raise ShapeError(
                f"the layer {self.name!r} merges a list of tensors",
                given=given[:200],
                expected=f"a list of {count}",
                origin=capture_origin(),
            )
        return list(inputs)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        if not isinstance(previous_mask, (list, tuple)) or None in previous_mask:
            return None
        made, *rest = previous_mask
        for mask in rest:
            made = logical_or(made, mask)
        return made


def element_masks(inputs: Sequence[Tensor]) -> list[Tensor | None]:
    """The masks of tensors, in their shapes."""
    found = [(tensor, mask_of(tensor)) for tensor in inputs]
    return [
        None if mask is None else broadcast_to(expand_dims(mask, -1), tensor.shape)
        for tensor, mask in found
    ]


def _of_one_rank(tensors: list[Tensor]) -> list[Tensor]:
    rank = max(tensor.ndim for tensor in tensors)
    made: list[Tensor] = []
    for tensor in tensors:
        while tensor.ndim < rank:
            tensor = expand_dims(tensor, 1)
        made.append(tensor)
    return made

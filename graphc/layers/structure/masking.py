"""Steps that hold nothing but a marker are left out of what follows."""

from __future__ import annotations

from typing import Any

from graphc.layers.layer import Layer
from graphc.ops.comparison import not_equal, where
from graphc.ops.masks import set_mask
from graphc.ops.reductions import any as any_of
from graphc.ops.shaping import squeeze
from graphc.ops.tensor import Tensor


class Masking(Layer):
    """A sequence, with a mask that leaves out each step all of whose features are `mask_value`.

    f[batch, steps, …, features] to the same shape; what is left out becomes 0.

    Args:
        mask_value: what marks a step, a number or an array of the features.
        **kwargs: see `Layer`.
    """

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.supports_masking = True

    def compute_mask(self, inputs: Tensor, previous_mask: Any = None) -> Tensor:
        return any_of(not_equal(inputs, self.mask_value), -1)

    def call(self, inputs: Tensor) -> Tensor:
        counts = any_of(not_equal(inputs, self.mask_value), -1, keepdims=True)
        outputs = where(counts, inputs, 0)
        set_mask(outputs, squeeze(counts, -1))
        return outputs

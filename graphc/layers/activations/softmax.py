"""The softmax function as a layer, that leaves out what a mask says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dtypes import BOOL
from graphc.layers.layer import Layer
from graphc.ops.activations import softmax
from graphc.ops.arithmetic import subtract
from graphc.ops.comparison import greater, where
from graphc.ops.exponential import exp
from graphc.ops.reductions import logsumexp
from graphc.ops.tensor import Tensor


class Softmax(Layer):
    """exp(x) divided by its sum along axes: f[…], to the same shape.

    A call takes `mask`, that broadcasts with the inputs: what it leaves out has probability 0.

    Args:
        axis: the axis or axes of what adds up to 1.
        **kwargs: see `Layer`.
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True

    def call(self, inputs: Tensor, mask: Any = None) -> Tensor:
        if mask is not None:
            if mask.dtype is not BOOL:
                mask = greater(mask, 0.5)
            inputs = where(mask, inputs, -3e4 if str(inputs.dtype) == "float16" else -1e9)
        axes = [self.axis] if isinstance(self.axis, int) else list(self.axis)
        if len(axes) == 1:
            outputs = softmax(inputs, axes[0])
        else:
            outputs = exp(subtract(inputs, logsumexp(inputs, axes, keepdims=True)))
        # Where the mask leaves out all, nothing is likely, rather than all equally.
        return outputs if mask is None else where(mask, outputs, 0)

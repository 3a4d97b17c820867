"""Concatenation and dot products of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dtypes import BOOL
from graphc.errors import ShapeError
from graphc.ir.origin import capture_origin
from graphc.layers.merging.merge import Merge
from graphc.ops.comparison import logical_or
from graphc.ops.contraction import einsum
from graphc.ops.creation import ones_like, zeros_like
from graphc.ops.joining import concatenate
from graphc.ops.normalization import normalize
from graphc.ops.reductions import any as any_of
from graphc.ops.shaping import expand_dims
from graphc.ops.sizes import as_axis
from graphc.ops.tensor import Tensor


class Concatenate(Merge):
    """Tensors one behind the other along an axis.

    Args:
        axis: along which.
        **kwargs: see `Layer`.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Tensor:
        return concatenate(self.listed(inputs), self.axis)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        if not isinstance(previous_mask, (list, tuple)):
            return None
        if all(mask is None for mask in previous_mask):
            return None
        masks: list[Tensor] = []
        for tensor, mask in zip(inputs, previous_mask, strict=True):
            if mask is None:
                masks.append(ones_like(tensor, BOOL))
            elif mask.ndim < tensor.ndim:
                masks.append(logical_or(expand_dims(mask, -1), zeros_like(tensor, BOOL)))
            else:
                masks.append(mask)
        return any_of(concatenate(masks, self.axis), -1)


class Dot(Merge):
    """Dot products of two tensors along an axis of each, example by example.

    Its axes are those of the first, without that axis, and those of the second, without that axis
    and the batch.

    Args:
        axes: the axis of both, or one of each; not the batch.
        normalize: whether to divide vectors by their norms first: cosines.
        **kwargs: see `Layer`.

    Raises:
        ShapeError: the axes do not fit.
    """

    needed = 2

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        listed = [axes, axes] if isinstance(axes, int) else list(axes)
        if len(listed) != 2 or not all(type(axis) is int for axis in listed):
            raise _wrong_axes(axes)
        self.axes = axes if isinstance(axes, int) else tuple(axes)
        self.normalize = normalize
        self._each = listed

    def call(self, inputs: Any) -> Tensor:
        tensors = self.listed(inputs)
        along = [as_axis(a, x.ndim, x) for a, x in zip(self._each, tensors, strict=True)]
        if 0 in along:
            raise _wrong_axes(self.axes)
        if self.normalize:
            pairs = zip(tensors, along, strict=True)
            tensors = [normalize(tensor, axis) for tensor, axis in pairs]
        first, second = tensors
        own = [chr(ord("c") + place) for place in range(first.ndim + second.ndim)]
        left = ["b", *own[1 : first.ndim]]
        right = ["b", *own[first.ndim + 1 :]]
        left[along[0]] = right[along[1]] = "a"
        kept = [letter for letter in left + right[1:] if letter != "a"]
        made = einsum(f"{''.join(left)},{''.join(right)}->{''.join(kept)}", first, second)
        return expand_dims(made, 1) if made.ndim == 1 else made

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None


def _wrong_axes(axes: Any) -> ShapeError:
    return ShapeError(
        "Dot takes the axis along which vectors are multiplied",
        given=f"axes={axes!r}",
        expected="an axis, or one of each tensor, behind that of the batch",
        origin=capture_origin(),
    )

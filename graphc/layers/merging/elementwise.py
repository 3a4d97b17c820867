"""Sums, products, means and extrema of several tensors, element by element."""

from __future__ import annotations

from collections.abc import Callable

import graphc.ops.arithmetic as arithmetic
import graphc.ops.comparison as comparison
from graphc.layers.merging.merge import Merge, element_masks
from graphc.ops.comparison import logical_or, where
from graphc.ops.masks import set_mask
from graphc.ops.reductions import any as any_of
from graphc.ops.tensor import Tensor


class Add(Merge):
    """The sum of a list of tensors.

    Args:
        **kwargs: see `Layer`.
    """

    def merged(self, inputs: list[Tensor]) -> Tensor:
        return _folded(arithmetic.add, inputs)


class Subtract(Merge):
    """The first of two tensors minus the second.

    Args:
        **kwargs: see `Layer`.
    """

    needed = 2

    def merged(self, inputs: list[Tensor]) -> Tensor:
        return _folded(arithmetic.subtract, inputs)


class Average(Merge):
    """The mean of a list of tensors.

    Args:
        **kwargs: see `Layer`.
    """

    def merged(self, inputs: list[Tensor]) -> Tensor:
        return arithmetic.divide(_folded(arithmetic.add, inputs), len(inputs))


class Multiply(Merge):
    """The product of a list of tensors; what a mask leaves out of one counts as 1.

    Args:
        **kwargs: see `Layer`.
    """

    def merged(self, inputs: list[Tensor]) -> Tensor:
        masks = element_masks(inputs)
        factors = [
            tensor if mask is None else where(mask, tensor, 1)
            for tensor, mask in zip(inputs, masks, strict=True)
        ]
        product = _folded(arithmetic.multiply, factors)
        known = [mask for mask in masks if mask is not None]
        if len(known) < len(masks):
            return product
        either = _folded(logical_or, known)
        product = where(either, product, 0)
        set_mask(product, any_of(either, -1))
        return product


class Maximum(Merge):
    """The largest elements of a list of tensors, of those that the masks leave.

    Args:
        **kwargs: see `Layer`.
    """

    def merged(self, inputs: list[Tensor]) -> Tensor:
        return _extreme(comparison.maximum, inputs)


class Minimum(Merge):
    """The smallest elements of a list of tensors, of those that the masks leave.

    Args:
        **kwargs: see `Layer`.
    """

    def merged(self, inputs: list[Tensor]) -> Tensor:
        return _extreme(comparison.minimum, inputs)


def _folded(function: Callable[..., Tensor], tensors: list[Tensor]) -> Tensor:
    made, *rest = tensors
    for tensor in rest:
        made = function(made, tensor)
    return made


def _extreme(function: Callable[..., Tensor], inputs: list[Tensor]) -> Tensor:
    """Where one tensor is left out, the other stands for both."""
    (made, *rest), (counts, *masks) = inputs, element_masks(inputs)
    for tensor, mask in zip(rest, masks, strict=True):
        if mask is not None:
            tensor = where(mask, tensor, made)
        if counts is not None:
            made = where(counts, made, tensor)
        counts = None if counts is None or mask is None else logical_or(counts, mask)
        made = function(made, tensor)
    if counts is not None and len(inputs) > 1:
        set_mask(made, any_of(counts, -1))
    return made

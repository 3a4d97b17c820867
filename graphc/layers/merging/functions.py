"""The layers that merge, as functions of a list of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.layers.merging.elementwise import Add, Average, Maximum, Minimum, Multiply, Subtract
from graphc.layers.merging.joining import Concatenate, Dot
from graphc.ops.tensor import Tensor


def add(inputs: Sequence[Any], **kwargs: Any) -> Tensor:
    """The sum of tensors: a layer `Add` called on them."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Any) -> Tensor:
    """The first of two tensors minus the second: a layer `Subtract` called on them."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Any) -> Tensor:
    """The product of tensors: a layer `Multiply` called on them."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Any) -> Tensor:
    """The mean of tensors: a layer `Average` called on them."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Any) -> Tensor:
    """The largest elements of tensors: a layer `Maximum` called on them."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Any) -> Tensor:
    """The smallest elements of tensors: a layer `Minimum` called on them."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Tensor:
    """Tensors one behind the other along an axis: a layer `Concatenate` called on them."""
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Sequence[Any], axes: int | Sequence[int] = -1, **kwargs: Any) -> Tensor:
    """Dot products of two tensors along an axis of each: a layer `Dot` called on them."""
    return Dot(axes, **kwargs)(inputs)

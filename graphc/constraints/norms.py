"""Constraints on the Euclidean norms of weights along axes.

Norms are those of the weights that go into one unit: along axis 0 of a dense kernel, along
[0, 1, 2] of a convolution's. As in Keras, `backend.epsilon()` is added to what is divided by.
Source: Srivastava and others 2014, "Dropout", section 5.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import graphc.settings as settings
from graphc.constraints.constraint import Constraint
from graphc.ops.arithmetic import add, divide, multiply, square
from graphc.ops.comparison import clip
from graphc.ops.conversion import inexact
from graphc.ops.exponential import sqrt
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.tensor import Tensor

Axes = int | Sequence[int]


def _norms(tensor: Tensor, axis: Axes) -> Tensor:
    return sqrt(reduce_sum(square(tensor), axis, keepdims=True))


def _scaled(tensor: Tensor, desired: Tensor, norms: Tensor) -> Tensor:
    return multiply(tensor, divide(desired, add(norms, settings.epsilon.get())))


class MaxNorm(Constraint):
    """Weights whose norm is above `max_value` are scaled down to it.

    Args:
        max_value: the largest norm.
        axis: along which the norms are.
    """

    def __init__(self, max_value: float = 2, axis: Axes = 0) -> None:
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Tensor:
        tensor = inexact(w)
        norms = _norms(tensor, self.axis)
        return _scaled(tensor, clip(norms, 0, self.max_value), norms)


class UnitNorm(Constraint):
    """Weights are scaled to a norm of 1.

    Args:
        axis: along which the norms are.
    """

    def __init__(self, axis: Axes = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        tensor = inexact(w)
        return divide(tensor, add(_norms(tensor, self.axis), settings.epsilon.get()))


class MinMaxNorm(Constraint):
    """Weights are scaled towards a norm between `min_value` and `max_value`.

    Args:
        min_value: the least norm.
        max_value: the largest norm.
        rate: which part of the way there each step goes; 1 for all of it.
        axis: along which the norms are.
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: Axes = 0,
    ) -> None:
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Tensor:
        tensor = inexact(w)
        norms = _norms(tensor, self.axis)
        inside = clip(norms, self.min_value, self.max_value)
        desired = add(multiply(inside, self.rate), multiply(norms, 1 - self.rate))
        return _scaled(tensor, desired, norms)

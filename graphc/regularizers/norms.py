"""Penalties on absolute values and on squares."""

from __future__ import annotations

from typing import Any

from graphc.ops.arithmetic import absolute, add, multiply, square
from graphc.ops.conversion import inexact
from graphc.ops.filling import scalar_like
from graphc.ops.reductions import sum as reduce_sum
from graphc.ops.tensor import Tensor
from graphc.regularizers.regularizer import Regularizer, checked_factor


class L1(Regularizer):
    """l1 · Σ |x|.

    Args:
        l1: a factor of at least 0; 0.01 for None.

    Raises:
        GraphcError: it is none.
    """

    def __init__(self, l1: float | None = 0.01) -> None:
        self.l1 = checked_factor(0.01 if l1 is None else l1, "l1")

    def __call__(self, x: Any) -> Tensor:
        return multiply(reduce_sum(absolute(inexact(x))), self.l1, "l1")


class L2(Regularizer):
    """l2 · Σ x².

    Args:
        l2: a factor of at least 0; 0.01 for None.

    Raises:
        GraphcError: it is none.
    """

    def __init__(self, l2: float | None = 0.01) -> None:
        self.l2 = checked_factor(0.01 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Tensor:
        return multiply(reduce_sum(square(inexact(x))), self.l2, "l2")


class L1L2(Regularizer, names=("l1_l2",)):
    """l1 · Σ |x| + l2 · Σ x²; with the defaults 0, as in Keras.

    Args:
        l1: a factor of at least 0; 0 for None.
        l2: likewise.

    Raises:
        GraphcError: they are none.
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = checked_factor(0.0 if l1 is None else l1, "l1")
        self.l2 = checked_factor(0.0 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Tensor:
        tensor = inexact(x)
        if not self.l2:
            return L1(self.l1)(tensor) if self.l1 else scalar_like(tensor, 0.0)
        squares = L2(self.l2)(tensor)
        return add(L1(self.l1)(tensor), squares, "l1_l2") if self.l1 else squares

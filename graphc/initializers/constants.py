"""Initializers that draw nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dtypes import as_dtype
from graphc.errors import ShapeError
from graphc.initializers.initializer import Initializer
from graphc.ir.origin import capture_origin
from graphc.ops.arithmetic import multiply
from graphc.ops.broadcasting import broadcast_to
from graphc.ops.conversion import cast_to, floatx, graph_of, to_tensor
from graphc.ops.dataflow import get_default_graph
from graphc.ops.filling import filled
from graphc.ops.matrices import eye
from graphc.ops.tensor import Tensor


class Constant(Initializer):
    """The same number everywhere, or an array of the variable's shape."""

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        target = floatx() if dtype is None else as_dtype(dtype)
        given = cast_to(to_tensor(self.value, target, graph_of((self.value,))), target)
        if given.ndim and given.shape != tuple(shape):
            raise ShapeError(
                "an initial value has another shape than its variable",
                given=f"{given.value.type} for a variable of shape {tuple(shape)}",
                expected="the variable's shape, or a number",
                origin=capture_origin(),
            )
        return broadcast_to(given, tuple(shape))


class Zeros(Initializer, names=("zero",)):
    """All zeros."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        target = floatx() if dtype is None else as_dtype(dtype)
        return filled(get_default_graph(), 0, target, tuple(shape))


class Ones(Initializer, names=("one",)):
    """All ones."""

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        target = floatx() if dtype is None else as_dtype(dtype)
        return filled(get_default_graph(), 1, target, tuple(shape))


class Identity(Initializer, names=("IdentityInitializer",)):
    """`gain` on the diagonal of a matrix, 0 elsewhere.

    Raises:
        ShapeError: the variable is no matrix.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        if len(shape) != 2:
            raise ShapeError(
                "only a matrix can begin as the identity",
                given=f"a variable of shape {tuple(shape)}",
                expected="two axes",
                origin=capture_origin(),
            )
        target = floatx() if dtype is None else as_dtype(dtype)
        diagonal = eye(*shape, dtype=target)
        return diagonal if self.gain == 1 else multiply(diagonal, self.gain)

"""Initializers that draw nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphc.dtypes import as_dtype
from graphc.initializers.initializer import Initializer
from graphc.ops.broadcasting import broadcast_to
from graphc.ops.conversion import constant_tensor, floatx
from graphc.ops.dataflow import get_default_graph
from graphc.ops.tensor import Tensor


class Constant(Initializer):
    """The same number everywhere, or an array of the variable's shape."""

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        target = floatx() if dtype is None else as_dtype(dtype)
        scalar = constant_tensor(get_default_graph(), self.value, target)
        return broadcast_to(scalar, tuple(shape))


class Zeros(Constant):
    """All zeros."""

    def __init__(self) -> None:
        super().__init__(0.0)


class Ones(Constant):
    """All ones."""

    def __init__(self) -> None:
        super().__init__(1.0)

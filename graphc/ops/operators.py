"""Python's operators on tensors and variables: one table, installed when this module is imported.

The functions import `Tensor`, so the class cannot name them; see `graphc/ops/operand.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from graphc.ops import arithmetic, comparison, indexing, linear_algebra
from graphc.ops.operand import Operand
from graphc.ops.tensor import Tensor

_BINARY: Final[dict[str, Callable[[Any, Any], Tensor]]] = {
    "add": arithmetic.add,
    "sub": arithmetic.subtract,
    "mul": arithmetic.multiply,
    "truediv": arithmetic.true_divide,
    "floordiv": arithmetic.floor_divide,
    "mod": arithmetic.mod,
    "pow": arithmetic.power,
    "matmul": linear_algebra.matmul,
    "and": comparison.bitwise_and,
    "or": comparison.bitwise_or,
    "xor": comparison.bitwise_xor,
}
_COMPARISONS: Final[dict[str, Callable[[Any, Any], Tensor]]] = {
    "lt": comparison.less,
    "le": comparison.less_equal,
    "gt": comparison.greater,
    "ge": comparison.greater_equal,
}
_UNARY: Final[dict[str, Callable[[Any], Tensor]]] = {
    "neg": arithmetic.negative,
    "abs": arithmetic.absolute,
    "invert": comparison.bitwise_not,
}


def _reflected(function: Callable[[Any, Any], Tensor]) -> Callable[[Any, Any], Tensor]:
    def operator(self: Any, other: Any) -> Tensor:
        return function(other, self)

    return operator


for _name, _function in {**_BINARY, **_COMPARISONS, **_UNARY}.items():
    setattr(Operand, f"__{_name}__", _function)
for _name, _function in _BINARY.items():
    setattr(Operand, f"__r{_name}__", _reflected(_function))
setattr(Operand, "__getitem__", indexing.getitem)  # noqa: B010
setattr(Operand, "__iter__", indexing.iterate)  # noqa: B010  else a loop asks for x[0], x[1], …
